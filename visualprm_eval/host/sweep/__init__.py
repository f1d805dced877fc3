"""A sweep over the host's groups of benchmarks: made-up tables, graded once right and once wrong."""
