"""A made-up store of many problems and candidates, as a long run would leave it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from visualprm_eval.core.config import default_ks
from visualprm_eval.core.folders import PICTURES
from visualprm_eval.core.steps import SEPARATOR, split_steps
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Verdict
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.scopes import Scope, put_scope

_STEPS = 6
_SAME = 0.1
"""The part of candidates that say word by word what an earlier one of their problem said."""
_DRAWN = 200
"""Pictures that are drawn; the files of all others repeat their pixels."""
_PROBLEMS_AT_ONCE = 250
_WORDS = (
    "the bar of the left group reaches a little above so its height must be read off against grid lines which are",
    "drawn every five units now we add both values and compare this sum with what legend says about angle at centre",
    "therefore half of it remains since triangle has equal sides we divide by two and obtain length that was asked for",
)
_OPTIONS = {"A": "12", "B": "15", "C": "17", "D": "21"}


def fill(work_dir: Path, n_problems: int, n: int, n_pictures: int = 0) -> None:
    """Writes a store of one policy on one benchmark: candidates, scores of one critic, verdicts of all texts.

    Solutions have six steps and some 300 to 600 characters; half of the problems have options.

    Args:
        work_dir: Where the store goes.
        n_problems: P.
        n: N, candidates per problem.
        n_pictures: How many problems, the first ones, have a picture.
    """
    sampling = Spec("sampling", {"policy": "made-up policy", "temperature": 0.7})
    scoring = Spec("scoring", {"critic": "visualprm", "max_steps": 12, "checkpoint": "made-up"})
    grading = Spec("grading", {"benchmark": "MadeUp", "prediction": "raw", "host": "none", "judge": "exact_matching"})
    draw = random.Random(0)  # noqa: S311 - made-up candidates
    sentences = [_sentence(draw) for _ in range(2_000)]
    ids: list[str] = []
    with Store.open(work_dir / STORE_FILE) as store:
        for spec in (sampling, scoring, grading):
            store.put_spec(spec)
        for start in range(0, n_problems, _PROBLEMS_AT_ONCE):
            problems = [_problem(number) for number in range(start, min(start + _PROBLEMS_AT_ONCE, n_problems))]
            problems = [
                _with_picture(problem, work_dir / PICTURES, start + place) if start + place < n_pictures else problem
                for place, problem in enumerate(problems)
            ]
            store.put_problems(problems)
            ids += [problem.id for problem in problems]
            facts = [fact for problem in problems for fact in _candidates(draw, problem, n, sentences)]
            store.put_candidates(sampling.id, [candidate for candidate, _, _ in facts])
            first = {(one.problem_id, one.text_id): (scores, verdict) for one, scores, verdict in reversed(facts)}
            store.put_scores(scoring.id, [(*key, scores) for key, (scores, _) in first.items()])
            store.put_verdicts(grading.id, [(*key, verdict) for key, (_, verdict) in first.items()])
        scope = Scope(
            "made-up policy", greedy=False, problems=ids, n=n, ks=default_ks(n), grade="all",
            grading=grading.settings, origin={"total": n_problems},
        )  # fmt: skip
        put_scope(store, sampling, "MadeUp", scope)


def _with_picture(problem: Problem, folder: Path, number: int) -> Problem:
    """The problem with a picture file of its own; after ``_DRAWN`` pictures the same pixels come again."""
    original = folder / _name(number % _DRAWN)
    path = folder / _name(number)
    if path == original:
        folder.mkdir(parents=True, exist_ok=True)
        _draw(path, number)
    else:  # Bytes behind the end of a picture are ignored, and make it another file.
        path.write_bytes(original.read_bytes() + str(number).encode())
    return replace(problem, parts=(Part("image", str(path.absolute())), *problem.parts))


def _name(number: int) -> str:
    return f"{number}.{'jpg' if number % 4 == 1 else 'png'}"


def _draw(path: Path, number: int) -> None:
    """Draws about 1,000 x 800 pixels: a drawing, or a photograph as JPEG or PNG."""
    import numpy as np
    from PIL import Image, ImageDraw

    draw = np.random.default_rng(number)
    size = (int(draw.integers(900, 1100)), int(draw.integers(700, 900)))
    if number % 2:
        coarse = Image.fromarray(draw.integers(8, 240, (12, 15, 3), dtype=np.uint8)).resize(size)
        grain = draw.integers(0, 16, (size[1], size[0], 1), dtype=np.uint8)
        image = Image.fromarray(np.minimum(np.asarray(coarse), 239) + grain)
    else:
        image = Image.new("RGB", size, "white")
        pen = ImageDraw.Draw(image)
        for x0, y0, x1, y1, red, green, blue in draw.integers(0, 700, (14, 7)).tolist():
            pen.line((x0, y0, x1, y1), fill=(red % 200, green % 200, blue % 200), width=3)
            pen.text((x0, y1), f"{x0} cm + {y1} cm", fill="black", font_size=24)
    image.save(path, quality=90, compress_level=1)  # Each format heeds its own.


def made_up(n_problems: int, n: int) -> tuple[list[Problem], list[list[str]]]:
    """Problems, [P], and what their candidates say, [P][N]."""
    draw = random.Random(0)  # noqa: S311 - made-up candidates
    sentences = [_sentence(draw) for _ in range(2_000)]
    problems = [_problem(number) for number in range(n_problems)]
    return problems, [[one.text for one, _, _ in _candidates(draw, problem, n, sentences)] for problem in problems]


def _sentence(draw: random.Random) -> str:
    words = draw.choices(" ".join(_WORDS).split(), k=draw.randint(6, 18))
    return f"{' '.join(words).capitalize()} {draw.randint(2, 400)}."


def _problem(number: int) -> Problem:
    choices = _OPTIONS if number % 2 else {}
    question = f"Problem {number}: how long is the side that the picture marks with a question mark?"
    return Problem(
        "MadeUp", str(number), "", (Part("text", question),), "B" if choices else "15", f"{number:032d}", choices
    )


def _candidates(
    draw: random.Random, problem: Problem, n: int, sentences: list[str]
) -> Iterator[tuple[Candidate, StepScores, Verdict]]:
    """Problems differ in difficulty; scores are right more often than not."""
    chance = draw.random()
    made: list[tuple[str, bool]] = []
    for rank in range(n):
        if made and draw.random() < _SAME:
            text, right = draw.choice(made)
        else:
            right = draw.random() < chance
            text = SEPARATOR.join([*draw.choices(sentences, k=_STEPS - 1), _conclusion(draw, problem, right=right)])
            made.append((text, right))
        numbers = tuple(min(1.0, draw.random() + 0.2 * right) for _ in range(_STEPS))
        candidate = Candidate(problem.id, rank, text, finish="stop", tokens=len(text) // 4, seconds=0.5)
        yield candidate, StepScores(numbers, tuple(split_steps(text)), seconds=0.1), Verdict(float(right), seconds=0.01)


def _conclusion(draw: random.Random, problem: Problem, *, right: bool) -> str:
    if problem.choices:
        letter = "B" if right else draw.choice("ACD")
        forms = (f"The answer is ({letter}).", f"**Answer:** {letter}", f"Final answer: \\boxed{{{letter}}}")
    else:
        number = 15 if right else draw.randint(2, 400)
        forms = (f"So the answer is {number}.", f"The final answer is \\boxed{{{number}}}.", f"Answer: {number} cm")
    return draw.choice(forms)
