"""The only importer of the host toolkit, VLMEvalKit: its benchmarks, models and graders, and what we register into it.

``load`` imports the host and patches it, once; ``data`` turns its datasets into problems; ``models`` makes policies of
its model classes; ``grading`` gets verdicts from its ``evaluate``, in the bounds of ``sandbox``.
``data.demo_dataset``, ``data.process_bench_dataset`` and ``models.native_model`` are the host classes that we register.
``tests/host`` pins every behaviour of the host that this
package relies on.
"""
