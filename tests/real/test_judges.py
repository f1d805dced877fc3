"""Official extractions of real outputs, as a judge would say them: what was right stays right, in whatever dress."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from visualprm_eval.host.grading.forms import form_of

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")


@pytest.fixture(scope="module")
def said():
    """Rows of MathVista, each with what a judge says of an output."""
    table = pd.read_csv(REAL / "MathVista_MINI.tsv", sep="\t")
    rows = {" ".join(str(row["question"]).split()): row for _, row in table.iterrows()}
    official = json.loads((REAL / "official.json").read_text("utf-8"))["MathVista_MINI"]
    found = [(rows.get(" ".join(question.split())), letter or answer) for question, _, answer, _, letter in official]
    return [(row, reply.strip() or "None") for row, reply in found if row is not None]


@pytest.mark.parametrize(
    "dress", ["{}", "<think>it could be 8, or C</think>\n\n{}", "8 or C?</think>{}", "Extracted answer: **{}**"]
)
def test_verdicts_are_those_of_the_bare_replies(said, dress):
    from vlmeval.dataset.utils.mathvista import post_check

    unread = changed = 0
    for row, reply in said:
        given = form_of("MathVista_auxeval", row)(dress.format(reply))
        bare = post_check({**row, "res": reply})
        if given is None:
            unread += 1
            assert not bare
        elif post_check({**row, "res": given}) != bare:
            changed += 1
            assert not bare, (reply, given)
    assert len(said) > 4_000
    assert unread < 0.005 * len(said)
    assert changed < 0.002 * len(said)
