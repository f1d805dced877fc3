"""Benchmarks and suites: one small file each."""
