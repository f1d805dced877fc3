"""The benchmark measures what it says; how fast that is, no test looks at."""

from __future__ import annotations

from argparse import ArgumentParser

from visualprm_eval.bench import sampling_native


def test_native_sampling_is_measured():
    parser = ArgumentParser()
    sampling_native.add_options(parser)
    options = ["-n", "2", "--tokens", "3", "--problems", "1", "--rounds", "1", "--device", "cpu"]
    text = sampling_native.measure(parser.parse_args(options))
    assert "N = 2, 3 tokens each, 1 problems" in text
    assert "ratio" in text
    times = sampling_native.NativeTimes(8, 64, 1, batch_s=0.5, calls_s=2.0)
    assert times.ratio == 4.0
