"""The benchmarks run and say what they measured; how fast anything is, no test says."""

from __future__ import annotations

import re

import pytest

from visualprm_eval.bench.__main__ import main


def test_the_client_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sampling", "--client", "--replies", "30", "--nproc", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "client of endpoints, 30 short replies, 2 in flight"
    figures = [re.search(r"([\d.]+) ms per reply \(([\d.]+) ms of processor time\)", line) for line in lines[1:4]]
    assert all(figure and float(figure[1]) > 0 for figure in figures)
    assert "httpx2" in lines[4] and "Python" in lines[4]
