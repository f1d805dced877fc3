"""Conversations: token ids, positions, logits, step scores, rankings, and what the original refuses."""

from __future__ import annotations

import pytest

from tests.golden.material import CHECKPOINTS, LOGIT_TOLERANCE, SCORE_TOLERANCE, Case, cases, reference
from visualprm_eval.core.errors import InputError
from visualprm_eval.engine.image_features import ImageEncoder, ImageShelf
from visualprm_eval.engine.prompt import question_content
from visualprm_eval.engine.question_groups import Question, Work

SCORED = [case.id for case in cases("a1", ok=True)]
RAISING = [case.id for case in cases("a1", ok=False)]
OTHER_TOKENS_AS_DATA = {
    "im_end_in_step", "im_end_newline_in_step", "fake_turn_minus", "eos_text_in_step", "img_tags_in_step",
}  # fmt: skip
"""Cases whose steps spell control tokens: as data they are other tokens, and other scores."""


def find(name: str, case_id: str) -> Case:
    return next(Case(facts) for facts in reference(name)["cases"] if facts["id"] == case_id)


def prepare(prm, case: Case, special_tokens: str, tiles: list[int] | None = None) -> tuple[Question, ImageShelf]:
    shelf = ImageShelf(ImageEncoder(prm.checkpoint))
    content = question_content(case.question, tiles or [shelf.count(image) for image in case.images])
    work = Work((0,), prm._scorer.format.prm(content, case.steps, special_tokens))
    return Question(tuple(case.images), (work,)), shelf


def test_the_reference_is_whole():
    for name in CHECKPOINTS:
        assert [case.id for case in cases(name, ok=True)] == SCORED
        assert [case.id for case in cases(name, ok=False)] == RAISING
    assert (len(SCORED), len(RAISING)) == (41, 7)


@pytest.mark.parametrize("case_id", SCORED)
def test_scored(prm, name, case_id):
    case = find(name, case_id)
    facts = case.facts
    assert case.steps == facts["steps"]
    question, shelf = prepare(prm, case, "original")
    (work,) = question.works
    assert list(work.prompt.ids) == facts["input_ids"]
    assert list(work.prompt.positions) == facts["placeholder_indices"]
    (logits,) = prm._scorer.begin([question], shelf).logits
    assert logits[:, 0].tolist() == pytest.approx(facts["logit_plus"], abs=LOGIT_TOLERANCE)
    assert logits[:, 1].tolist() == pytest.approx(facts["logit_minus"], abs=LOGIT_TOLERANCE)
    scores = prm.score_steps(case.question, case.steps, case.images, special_tokens="original")
    assert scores == pytest.approx(facts["step_scores"], abs=SCORE_TOLERANCE)


@pytest.mark.parametrize("case_id", SCORED)
def test_as_data(prm, name, case_id):
    case = find(name, case_id)
    (work,) = prepare(prm, case, "text")[0].works
    if case_id in OTHER_TOKENS_AS_DATA:
        assert list(work.prompt.ids) != case.facts["input_ids"]
        assert len(work.prompt.positions) == len(case.steps)
    else:
        assert list(work.prompt.ids) == case.facts["input_ids"]
        assert list(work.prompt.positions) == case.facts["placeholder_indices"]


def test_all_in_one_call(prm, name):
    """Batched with all others, each with its own images, no score moves."""
    items = [case for case in cases(name, ok=True) if case.id not in OTHER_TOKENS_AS_DATA]
    outcomes = prm.score_items([(case.question, case.steps, case.images) for case in items], batch_tokens=3000)
    for case, outcome in zip(items, outcomes, strict=True):
        assert outcome.error is None
        assert outcome.steps == tuple(case.facts["steps"])
        assert outcome.scores == pytest.approx(case.facts["step_scores"], abs=SCORE_TOLERANCE), case.id


@pytest.mark.parametrize("case_id", [case_id for case_id in RAISING if case_id != "wrong_num_patches"])
def test_refused(prm, name, case_id):
    case = find(name, case_id)
    with pytest.raises(InputError):
        prm.score_steps(case.question, case.steps, case.images, special_tokens="original")


def test_refuses_features_that_do_not_fit_the_prompt(prm, name):
    """The call takes images, not numbers of tiles; one level below, wrong numbers are refused."""
    case = find(name, "wrong_num_patches")
    question, shelf = prepare(prm, case, "original", tiles=case.facts["num_patches_list"])
    with pytest.raises(InputError, match="image tokens for"):
        prm._scorer.begin([question], shelf)


@pytest.mark.parametrize("group_id", [group["id"] for group in reference("a1")["best_of_n"]])
def test_best_of_n(prm, name, group_id):
    group = next(group for group in reference(name)["best_of_n"] if group["id"] == group_id)
    case = Case({**group, "image_prefix": "per_image"})
    orm = group["mode"] == "orm"
    scored = prm.score(case.question, group["responses"], case.images, max_steps=group["max_steps"], orm=orm)
    assert [list(item.steps) for item in scored] == group["steps"]
    for item, expected, mean in zip(scored, group["step_scores"], group["response_scores"], strict=True):
        assert list(item.step_scores) == pytest.approx(expected, abs=SCORE_TOLERANCE)
        assert item.score == pytest.approx(mean, abs=SCORE_TOLERANCE)
    if not orm:
        ranked = prm.select_best_response(
            case.question, group["responses"], case.images, max_steps=group["max_steps"], return_scores=True
        )
        best_first = [(group["responses"][place], scored[place].score) for place in group["order"]]
        assert ranked == [(text, pytest.approx(score, abs=SCORE_TOLERANCE)) for text, score in best_first]
    assert sorted(range(len(scored)), key=lambda place: -scored[place].score) == group["order"]
