"""Models of VLMEvalKit as policies, and ours as models of it."""
