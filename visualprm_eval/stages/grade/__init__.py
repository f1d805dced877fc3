"""The stage that lets VLMEvalKit grade texts."""
