"""VisualPRM itself: checkpoints in OpenGVLab's layout, run with transformers' own classes."""
