"""Keys go, words stay."""

from __future__ import annotations

import pytest

from visualprm_eval.core.secrets import blanked, redacted

LONG, LONGER = "sk-0123456789", "sk-0123456789-more"


@pytest.mark.parametrize(("clean", "mark"), [(redacted, "[key]"), (blanked, "[secret]")])
def test_keys_go_wherever_they_stand(clean, mark: str) -> None:
    assert clean(f"Bearer {LONG}!{LONG}x", [LONG]) == f"Bearer {mark}!{mark}x"
    assert clean(f"{LONGER} {LONG}", [LONG, LONGER]) == f"{mark} {mark}", "one is a part of the other"
    assert clean("nothing", [None, "", LONG]) == "nothing"


def test_placeholders_are_words() -> None:
    text = "x: an example with EMPTY cells, key=x, will use exact matching"
    assert redacted(text, ["x", "EMPTY"]) == text
    assert blanked(text, ["x", "EMPTY"]) == (
        "[secret]: an example with [secret] cells, key=[secret], will use exact matching"
    )
