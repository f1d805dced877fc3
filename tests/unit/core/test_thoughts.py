"""Thoughts are told from the response."""

from __future__ import annotations

import pytest

from visualprm_eval.core.thoughts import after_thoughts


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("no thoughts at all", "no thoughts at all"),
        ("", ""),
        ("<think>a</think>b", "b"),
        ("a, or was it b?</think>\n\n7", "\n\n7"),
        ("<think>a</think>b<think>c</think>d", "d"),
        ("<Thinking >a</thinking>7", "7"),
        ("<thought>a</thought>7", "7"),
        ("<seed:think>a</seed:think>7", "7"),
        ("[THINK]a[/THINK]7", "7"),
        ("◁think▷a◁/think▷7", "7"),
        ("<think>a", None),
        ("<think>a</think>b<think>c", None),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>7<|return|>", "7"),
        ("<|channel|>final <|constrain|>json<|message|>7", "7"),
        ("<|channel|>analysis<|message|>a", None),
        ("analysisWe count.assistantfinalThe answer is 7", "The answer is 7"),
        ("analysis of the figure: 7", "analysis of the figure: 7"),
        ("I think 7 < 8 and <thin> is no tag", "I think 7 < 8 and <thin> is no tag"),
    ],
)
def test_the_response_follows_the_thoughts(text: str, response: str | None) -> None:
    assert after_thoughts(text) == response


@pytest.mark.parametrize(
    ("piece", "response"),
    [("<think>", None), ("</think>", ""), ("<think", ...), ("<|channel|>", ...), ("<|channel|>a", ...), ("◁", ...)],
)
def test_hostile_repetitions_have_a_response_too(piece: str, response: object) -> None:
    text = piece * 200_000
    assert after_thoughts(text) == (text if response is ... else response)
