"""Importing VLMEvalKit and registering our classes in it."""
