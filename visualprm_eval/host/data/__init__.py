"""Benchmarks of VLMEvalKit: files, rows, problems."""
