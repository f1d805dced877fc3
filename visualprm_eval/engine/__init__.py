"""VisualPRM and all other models that run in this process.

Checkpoints in OpenGVLab's layout are run with transformers' own classes; so are chat models that have one.
"""
