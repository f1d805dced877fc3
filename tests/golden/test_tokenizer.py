"""Token ids of both tokenizers, string by string."""

from __future__ import annotations

import pytest

from tests.golden.material import CHECKPOINTS, DATA, reference
from visualprm_eval.engine.tokenizer import load_tokenizer

STRINGS = [(name, case) for name in CHECKPOINTS for case in reference(name)["tokenizer_cases"]]


@pytest.fixture(scope="module")
def tokenizers():
    return {name: load_tokenizer(DATA / name) for name in CHECKPOINTS}


@pytest.mark.parametrize(
    ("name", "case"), STRINGS, ids=lambda value: ascii(value["text"]) if "text" in value else value
)
def test_string(tokenizers, name, case):
    tokenizer = tokenizers[name]
    ids = tokenizer.encode(case["text"], special=True)
    assert ids == case["ids_no_special"]
    assert ([] if tokenizer.bos_id is None else [tokenizer.bos_id]) + ids == case["ids"]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_ids_of_labels_and_control_tokens(tokenizers, name):
    known = reference(name)
    assert tokenizers[name].id_of("+") == known["plus_id"]
    assert tokenizers[name].id_of("-") == known["minus_id"]
    for spelling, index in known["special_ids"].items():
        assert tokenizers[name].id_of(spelling) == index
