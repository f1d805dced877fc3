"""Verdicts and figures from VLMEvalKit's own evaluation, and its judge."""
