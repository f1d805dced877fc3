"""Critics against human labels of single steps: VisualProcessBench, and the demo world's set of the same format.

``data`` reads the format, ``locate`` finds or makes the files, ``critics`` says who judges; ``metrics``, ``threshold``
and ``bootstrap`` are arithmetic; ``evaluate`` makes values of them, and ``results``, ``tables``, ``sheets``,
``figures`` and ``page`` show those.
"""
