"""What the host sees of the environment while it grades: nobody is asked who was not named."""

from __future__ import annotations

from visualprm_eval.core.config import EXACT_MATCHING, JudgeOptions
from visualprm_eval.host.grading.judge import judge_environment


def test_without_a_judge_clients_of_the_graders_own_find_neither_address_nor_key():
    for name in (None, EXACT_MATCHING):
        changes = judge_environment(JudgeOptions(name))
        assert changes["OPENAI_API_KEY"] is None
        assert "127.0.0.1" in changes["OPENAI_API_BASE"]


def test_with_a_judge_they_find_the_one_that_was_named():
    changes = judge_environment(JudgeOptions("j", "http://judge/v1", "secret"))
    assert (changes["OPENAI_API_BASE"], changes["OPENAI_API_KEY"]) == ("http://judge/v1", "secret")
    assert not {"OPENAI_API_BASE", "OPENAI_API_KEY"} & judge_environment(JudgeOptions("gpt-4o")).keys()
