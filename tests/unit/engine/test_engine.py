"""What is shared is read once, and that changes no score: against one forward pass of the whole model per solution."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import cache
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.material import CHECKPOINTS, DATA, IMAGES
from tests.unit.engine.conftest import load
from visualprm_eval.bench.model_card import card_scores
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.decoder import Decoder
from visualprm_eval.engine.prefix_batches import Passes
from visualprm_eval.engine.visualprm import VisualPRM
from visualprm_eval.stages.score.critics import CriticOptions, StreamingCritic, VisualPRMCritic

PICTURES = [IMAGES / "a01_rgb_100x100.png", IMAGES / "a15_rgb_28x80.png", IMAGES / "a07_rgb_700x200.png"]
STEPS = st.lists(st.text(st.sampled_from("ab 12+=.\n"), max_size=30), min_size=1, max_size=4).map(tuple)
QUESTIONS = st.tuples(
    st.sampled_from(["What is x?", "Why?", ""]), st.lists(st.sampled_from(PICTURES), max_size=2).map(tuple)
)
BUDGETS = st.one_of(st.just(1), st.integers(50, 400), st.just(16_384))


@cache
def expected(name: str, question: str, steps: tuple[str, ...], images: tuple) -> list[float]:
    return card_scores(load(name).checkpoint, question, steps, images)


@st.composite
def mixtures(draw):
    """Solutions to several questions in any order; some begin alike, some are the beginning of others."""
    items = []
    for question, images in draw(st.lists(QUESTIONS, min_size=1, max_size=3)):
        common = draw(STEPS)
        solutions = draw(st.lists(STEPS, min_size=1, max_size=5))
        items += [(question, draw(st.sampled_from([steps, common, common + steps])), images) for steps in solutions]
    return draw(st.permutations(items))


@pytest.mark.parametrize("name", CHECKPOINTS)
@settings(max_examples=15, deadline=None)
@given(items=mixtures(), batch_tokens=BUDGETS, rows=st.sampled_from([1, 7, 64, 8192]))
def test_scores_are_those_of_one_forward_pass_each(name, items, batch_tokens, rows):
    prm = load(name)
    with mock.patch.object(prm._scorer.passes._decoder, "_block", rows):  # How many go through the MLP at a time.
        outcomes = prm.score_items(items, batch_tokens=batch_tokens)
    for (question, steps, images), outcome in zip(items, outcomes, strict=True):
        assert outcome.error is None
        assert outcome.steps == steps
        assert list(outcome.scores) == pytest.approx(expected(name, question, steps, images), abs=1e-5)


@pytest.mark.parametrize(("number", "orm"), [(1, False), (1, True), (2, False), (24, True), (128, False)])
def test_any_number_of_candidates(name, number, orm):
    prm = load(name)
    responses = [f"x = {place}.\n\nSo {place} + 1 = {place + 1}\n\n" + "ab" * (place % 7) for place in range(number)]
    every = 1 if number < 100 else 17  # One forward pass each takes its time.
    for scored in prm.score("What is x?", responses, PICTURES[2:], orm=orm)[::every]:
        one = expected(name, "What is x?", scored.steps, tuple(PICTURES[2:]))
        assert list(scored.step_scores) == pytest.approx(one, abs=1e-5)


def test_what_is_shared_is_read_once(prm, monkeypatch):
    read = []
    run = Decoder.run

    def count(self, embeddings, pieces, *args, **options):
        read.append(len(embeddings))
        return run(self, embeddings, pieces, *args, **options)

    monkeypatch.setattr(Decoder, "run", count)
    steps = ["First.", "Then more."]
    alone = [[*steps, "a"], [*steps, "b"], [*steps, "c c"]]
    for some in alone:
        prm.score_steps("What is x?", some, PICTURES[2:])
    lengths = list(read)
    read.clear()
    prm.score_items([("What is x?", some, PICTURES[2:]) for some in alone])
    beginning, endings = read
    assert beginning < min(lengths)
    assert beginning + endings == sum(lengths) - 2 * beginning
    assert endings < 0.1 * sum(lengths)


def test_candidates_never_see_each_other(prm):
    """Beside others of any kind and number, a score keeps all its digits that float32 has."""
    first = ("q", ("a b", "1 + 1 = 2"), ())
    crowd = [("q", ("a b", f"{number} = 3" * 5), ()) for number in range(20)]
    (alone, beside) = prm.score_items([first, crowd[0]])[0], prm.score_items([*crowd, first])[-1]
    assert alone.scores == pytest.approx(beside.scores, abs=2e-6)


def refused_by_the_processor() -> Exception:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 55)
    return raised.value


class Memory:
    """Makes passes of more than ``room`` tokens run out of memory, those that are kept from others included."""

    def __init__(self, monkeypatch, room: int, error: Exception | None = None) -> None:
        self.room, self.refused, self.error = room, 0, error or torch.OutOfMemoryError()
        self.begin, self.finish = Passes.begin, Passes.finish
        monkeypatch.setattr(Passes, "begin", lambda *args: self.begin(*self.checked(*args)))
        monkeypatch.setattr(Passes, "finish", lambda *args: self.finish(*self.checked(*args)))

    def checked(self, passes, parts, other):
        beginnings = hasattr(other, "questions")
        tokens = sum(map(other.tokens, parts)) if beginnings else sum(part.shared for part in parts)
        tokens += sum(question.shared for question in other.questions) if beginnings else 0
        if tokens > self.room:
            self.refused += 1
            raise self.error
        return passes, parts, other


@pytest.mark.parametrize("room", [5000, 700, 400])
def test_memory_that_runs_out_halves_the_budget_and_the_work_goes_on(prm, monkeypatch, room):
    questions = [f"What is {number}?" for number in range(5)]
    items = [(question, ("ab" * 20, "c" * length), ()) for question in questions for length in range(1, 60, 7)]
    known = prm.score_items(items)
    memory = Memory(monkeypatch, room)
    outcomes = prm.score_items(items)
    assert (memory.refused > 0) == (room < 5000)
    assert memory.refused < 15  # Smaller passes are kept, not tried again each time.
    for outcome, one in zip(outcomes, known, strict=True):
        assert outcome.error is None
        assert outcome.scores == pytest.approx(one.scores, abs=1e-5)


@pytest.mark.parametrize("said", [torch.OutOfMemoryError(), refused_by_the_processor()], ids=["gpu", "cpu"])
def test_what_no_memory_suffices_for_fails_alone(prm, monkeypatch, said):
    items = [
        ("q", ("a",), ()),
        ("q", ("1 " * 900,), ()),
        ("q", ("c",), ()),
        ("1 + " * 900, ("a",), ()),
        ("r", ("a",), ()),
    ]
    known = prm.score_items(items)
    Memory(monkeypatch, 700, said)
    outcomes = prm.score_items(items)
    for place in (1, 3):
        assert "too much for this device's memory" in outcomes[place].error
    for place in (0, 2, 4):
        assert outcomes[place].scores == pytest.approx(known[place].scores, abs=1e-5)


@pytest.mark.parametrize("room", [100_000, 400])
def test_nothing_is_kept_of_questions_that_are_done(prm, monkeypatch, room):
    """When the next questions are read, keys, values and logits of the last ones are gone, without a collection."""
    Memory(monkeypatch, room)
    begin, kept = Passes.begin, []

    def watched(self, questions, features):
        assert not any(each() is not None for each in kept)
        beginnings = begin(self, questions, features)
        tensors = [tensor for prefix in beginnings.prefixes for pair in prefix for tensor in pair]
        kept.extend(map(weakref.ref, [beginnings, *beginnings.logits, *tensors]))
        return beginnings

    monkeypatch.setattr(Passes, "begin", watched)
    items = [(f"What is {number}?", ("ab" * 20, "c" * size), PICTURES[:1]) for size in (1, 9) for number in range(6)]
    gc.disable()
    try:
        assert all(outcome.error is None for outcome in prm.score_items(items, batch_tokens=350))
    finally:
        gc.enable()
    assert len(kept) > 30
    assert not any(each() is not None for each in kept)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, RuntimeError("the device is gone")])
def test_an_interruption_comes_through_and_leaves_no_thread(prm, monkeypatch, interruption):
    begin, calls = Passes.begin, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise interruption
        return begin(*args)

    monkeypatch.setattr(Passes, "begin", interrupted)
    items = [(f"What is {number}?", ("a",), PICTURES[:1]) for number in range(6)]
    told = []
    with pytest.raises(type(interruption) if isinstance(interruption, Exception) else interruption):
        told.extend(part for part in prm.score_stream(items, batch_tokens=1))
    assert len(calls) == 3
    assert not [each for each in threading.enumerate() if each.name.startswith("ahead")]


def test_the_same_call_gives_the_same_scores(prm):
    items = [(f"q{number % 3}", (f"a {number}", "b" * number), PICTURES[: number % 2]) for number in range(20)]
    assert prm.score_items(items, batch_tokens=300) == prm.score_items(items, batch_tokens=300)


def test_a_batch_of_no_tokens_is_refused(prm):
    with pytest.raises(ConfigError, match="batch of 0 tokens"):
        prm.score_items([("q", ("a",), ())], batch_tokens=0)


def test_scores_come_as_they_are_made(prm):
    items = [(f"question {number}", ("a",), PICTURES[:1]) for number in range(4)]
    stream = prm.score_stream(items, batch_tokens=1)
    ((index, outcome),) = next(stream)
    assert index == 0
    assert outcome.scores == pytest.approx(prm.score_steps(*items[0]), abs=1e-5)
    stream.close()
    assert sorted(index for part in prm.score_stream(items) for index, _ in part) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_bfloat16_is_as_near_as_one_forward_pass_each(name):
    prm = VisualPRM.from_pretrained(DATA / name, device="cpu", dtype="bfloat16")
    items = [("What is x?", ("x = 1", "ab" * number), tuple(PICTURES[:1])) for number in range(6)]
    for (question, steps, images), outcome in zip(items, prm.score_items(items), strict=True):
        exact = expected(name, question, steps, images)
        card = card_scores(prm.checkpoint, question, steps, images)
        noise = max(abs(one - other) for one, other in zip(card, exact, strict=True))
        assert list(outcome.scores) == pytest.approx(exact, abs=0.02 + 2 * noise)


def test_passes_hold_what_the_budget_allows_whatever_the_number_of_candidates(prm, monkeypatch):
    """Neither what is read at a time nor what is kept grows with N."""
    read = []
    run = Decoder.run

    def count(self, embeddings, pieces, prefixes=(), **options):
        kept = sum(len(prefix[0][0]) for prefix in prefixes)
        read.append((len(embeddings), len(pieces), kept))
        return run(self, embeddings, pieces, prefixes, **options)

    monkeypatch.setattr(Decoder, "run", count)
    questions = [f"What is {number}?" for number in range(3)]
    items = [(question, (f"{number} a b c",), ()) for number in range(40) for question in questions]
    prm.score_items(items, batch_tokens=1000)
    assert all(tokens <= 1000 and kept <= 1000 for tokens, _, kept in read)
    assert sum(pieces for _, pieces, _ in read) == len(questions) + len(items)
    assert any(pieces > 40 for _, pieces, _ in read)  # One batch, several questions.


@pytest.mark.parametrize("orm", [False, True])
def test_the_score_stages_critic_gives_the_same_scores_as_they_are_made(prm, orm):
    critic = VisualPRMCritic(SimpleNamespace(model=prm), CriticOptions(max_steps=2, token_budget=70), orm=orm)
    assert isinstance(critic, StreamingCritic)
    problems = [Problem("B", str(n), "", (Part("text", f"What is {n}?"),), "", str(n)) for n in range(3)]
    texts = [f"a\n\nb\n\nc {n}" for n in range(4)]
    items = [(problem, critic.split(text)) for text in texts for problem in problems]
    parts = list(critic.stream(items))
    assert len(parts) > 1
    streamed = dict(pair for part in parts for pair in part)
    for place, outcome in enumerate(critic.score(items)):
        assert streamed[place].steps == outcome.steps == tuple(items[place][1])
        assert streamed[place].scores == pytest.approx(outcome.scores, abs=1e-5)
    for problem in problems:
        expected = prm.score(problem.question, texts, max_steps=2, orm=orm)
        ours = [streamed[place].scores for place, (asked, _) in enumerate(items) if asked is problem]
        for one, other in zip(ours, expected, strict=True):
            assert one == pytest.approx(other.step_scores, abs=1e-5)
