"""Shared by all tests: no network, and one thread's worth of torch noise."""

from __future__ import annotations

import os

# Hub clients must not wait for a network that is not there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
