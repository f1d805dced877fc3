"""The benchmark measures what it says; how fast that is, no test looks at."""

from __future__ import annotations

import re
from argparse import ArgumentParser

import pytest

from visualprm_eval.bench import sampling_native


def test_native_sampling_is_measured():
    parser = ArgumentParser()
    sampling_native.add_options(parser)
    options = ["-n", "2", "--tokens", "3", "--problems", "1", "--rounds", "1", "--device", "cpu"]
    text = sampling_native.measure(parser.parse_args(options))
    assert "N = 2, 3 tokens each, 1 problems" in text
    batch_s, calls_s, ratio = map(float, re.findall(r"\d+\.\d+", text))
    assert ratio == pytest.approx(calls_s / batch_s, rel=0.1)
