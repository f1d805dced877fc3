"""Made-up results of two policies on three benchmarks, with everything that a model may write in the texts."""

from __future__ import annotations

import random
from itertools import product

import pytest

from visualprm_eval.evaluate.result_rows import Pick, ResultRow
from visualprm_eval.report import Failure, Results

POLICIES = {"InternVL2_5-8B": 0.0, "Qwen2.5-VL-7B-Instruct": 4.0}
BENCHMARKS = {("MathVista_MINI", "", 300): 58.0, ("MathVision_MINI", "", 304): 17.0, ("LogicVista", "test", 448): 36.0}
# Reranker to points gained per doubling of k.
RERANKERS = {
    "visualprm": 3.1, "first": 0.0, "random": 0.0, "self-consistency": 2.0, "visualprm:min": 2.4, "visualorm": 1.2,
    "weighted-vote": 3.6, "oracle": 8.5,
}  # fmt: skip

VERDICTS = (1.0, 0.0, None, 1 / 3)

HOSTILE = {
    "formula": '=HYPERLINK("http://evil.example","click")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "control": "a\x00b\x07c\x1bd\x7f\x85",
    "breaks": "one\r\ntwo\rthree\n\nfour",
    "surrogate": "lone \ud83d end",
    "emoji": "👩‍🔬 🟥",
    "noncharacter": "\ufffe\uffff",
    "escape": "_x0041_ _x000D_ _x_ __x0041_x0042_",
    "zeros": "007",
    "none": "None",
    "na": "NA",
    "error": "#N/A",
    "ref": "#REF!",
    "true": "TRUE",
    "date": "2024-01-02",
    "big": "12345678901234567890",
    "url": "https://evil.example/a?b=c",
    "mail": "mailto:a@b.example",
    "apostrophe": "'quoted'",
    "xml": "<c t='n'><f>1+1</f></c> & ]]> &#61;",
    "blank": "  two blanks  ",
    "empty": "",
    "bars": "| a | b |\n|---|---|",
    "markup": "[bold red]x[/bold red] [/] **b** `c` <img src=x onerror=alert(1)> $x^2$ ~~s~~ [l](http://e.example)",
    "bidi": "abc \u202e321 \u2066x",
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request) -> str:
    """Each hostile text in turn."""
    return request.param


@pytest.fixture
def hostile_texts() -> dict[str, str]:
    """All hostile texts by what is hostile about them."""
    return HOSTILE


@pytest.fixture
def row():
    """Makes one row of results; every argument has a default."""

    def make(**changes) -> ResultRow:
        values = {
            "policy": "P", "benchmark": "B", "split": "", "reranker": "first", "k": 1, "metric": "accuracy",
            "value": 50.0, "n_problems": 10, "n_failed": 0, "note": "",
        }  # fmt: skip
        return ResultRow(**(values | changes))

    return make


@pytest.fixture
def pick():
    """Makes one pick; every argument has a default."""

    def make(**changes) -> Pick:
        values = {
            "policy": "P", "benchmark": "B", "split": "", "problem_id": "id", "index": "1", "question": "How many?",
            "answer": "3", "reranker": "visualprm", "k": 8, "rank": 2, "text": "Three.\n\nThe answer is 3.",
            "critic": "visualprm", "step_scores": (0.5, 1.0), "verdict": 1.0, "final_answer": "3",
        }  # fmt: skip
        return Pick(**(values | changes))

    return make


@pytest.fixture
def results(row, pick) -> Results:
    """A run as it comes out of daily use: curves, a withheld benchmark, failures, hostile texts."""
    noise = random.Random(7)
    rows = []
    for policy, better in POLICIES.items():
        for (benchmark, split, problems), base in BENCHMARKS.items():
            bad = benchmark == "LogicVista" and better > 0
            for (reranker, slope), (doubling, k) in product(RERANKERS.items(), enumerate((1, 2, 4, 8))):
                value = base + better + slope * doubling + (noise.uniform(-0.6, 0.6) if slope and doubling else 0)
                outcome = {"value": None, "n_failed": 9, "note": "withheld: 9 of 448 problems failed"}
                if not bad:
                    outcome = {"value": value}
                place = {"policy": policy, "benchmark": benchmark, "split": split, "reranker": reranker, "k": k}
                rows.append(row(**place, n_problems=problems, **outcome))
    picks = []
    for place, (name, text) in enumerate(HOSTILE.items()):
        about = {
            "policy": "InternVL2_5-8B", "benchmark": "MathVista_MINI", "index": str(place), "question": f"{name}?",
            "text": text, "final_answer": text[:20] or None, "rank": place % 8, "verdict": VERDICTS[place % 4],
            "step_scores": None if place == 3 else tuple(noise.random() for _ in range(1 + place % 5)),
        }  # fmt: skip
        picks += [pick(**about, reranker=reranker, k=k) for reranker in ("visualprm", "first") for k in (4, 8)]
    protocol = {
        "version": "0.1.0",
        "sampling": {"temperature": 0.7, "top_p": 1.0, "seed": 7, "n": 8},
        "critics": {"visualprm": {"path": "OpenGVLab/VisualPRM-8B", "fingerprint": "00071e5c"}},
        "data": ["MathVista_MINI", "MathVision_MINI", "LogicVista"],
        "command": "python run.py --demo",
        "judge": None,
    }
    failures = [
        Failure("sample", "LogicVista", str(n), n % 8, "the endpoint answered 500 (internal error)") for n in range(25)
    ]
    failures.append(Failure("score", "LogicVista", "77", None, "=evil | [red]message[/red]\x00"))
    return Results(rows, picks, protocol, failures)
