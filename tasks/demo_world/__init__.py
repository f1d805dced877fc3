"""The embedded default: a small world of pictures and questions, a tiny policy and a tiny reward model.

``world`` makes the problems and ``draw`` their pictures; ``visualprm_eval.demo.training`` recreates everything in
``assets`` from seeds; ``assets`` finds the bundled files in an installed package.
"""
