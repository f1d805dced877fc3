"""Critics against human labels of single steps: VisualProcessBench, and the demo world's set of the same format.

``data`` reads the format, ``locate`` finds or makes the files, ``judge_prompt`` asks a model to judge steps and
``verdicts`` reads what it says.
"""
