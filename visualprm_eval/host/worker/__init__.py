"""The process in which the host's code runs: its start, its messages, and what it is asked to do."""
