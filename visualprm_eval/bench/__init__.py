"""Benchmarks that the project's claims about speed rest on: ``python -m visualprm_eval.bench NAME``."""
