"""DemoProcessBench: solutions of the demo world with slips, their steps labelled by construction.

Made from seeds when it is first needed, in the released format of VisualProcessBench, so that it is read by the same
code. A step is correct when it and all steps before it agree with the worked solution: what follows a slip goes on
from it, and no later step is right. Two made-up authors solve every problem, a steady and a hasty one; some steps hold
a blank line, and some solutions begin with a step that claims nothing and is labelled neutral.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from pathlib import Path

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.config import DEMO_PROCESS_BENCHMARK
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.types import JSONValue
from visualprm_eval.tasks.demo_world.world import WorldProblem, problems, solution_steps, stream
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, LABELS_FILE, NEUTRAL

NAME = DEMO_PROCESS_BENCHMARK
PROBLEMS = 150
"""Questions; each is solved by every author."""
AUTHORS: Mapping[str, float] = {"steady": 0.12, "hasty": 0.3}
"""How often each author slips, per step."""
_REMARKS = {"bars": "Look at the bars.", "dice": "Look at the dice."}
_REMARKED, _JOINED = 0.1, 0.1
"""How many solutions begin with a remark, and in how many the last two steps are one."""
_SEED = 20_251


def make(root: Path) -> Path:
    """Writes the set where it is not there yet.

    Args:
        root: A folder that may be written to; it is made when it is missing.

    Returns:
        The folder of this version of the set: its name tells the content.

    Raises:
        BenchmarkError: When it cannot be written.
    """
    rows = [json.dumps(row, ensure_ascii=False) for row in lines()]
    text = "".join(f"{row}\n" for row in rows)
    folder = root / f"{NAME}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if (folder / LABELS_FILE).is_file():
        return folder
    from visualprm_eval.tasks.demo_world.draw import png

    try:
        for problem in problems("test", PROBLEMS, _SEED):
            write_atomically(folder / _picture(problem), png(problem.scene), durable=False)
        write_atomically(folder / LABELS_FILE, text)  # Last, since its presence says that all is there.
    except OSError as error:
        raise BenchmarkError(
            f"{NAME} cannot be written to {root} ({error.strerror}); set the environment variable XDG_CACHE_HOME "
            "to a folder that can be written to"
        ) from error
    return folder


def lines() -> list[JSONValue]:
    """The rows of the file, solutions to one question together."""
    rows: list[JSONValue] = []
    for problem in problems("test", PROBLEMS, _SEED):
        for author, often in AUTHORS.items():
            rng = stream("process-bench", _SEED, problem.scene.id, author)
            steps, labels = _told(problem, *slipped(problem, rng, often), rng)
            rows.append(
                {
                    "image": [_picture(problem)],
                    "question": problem.question,
                    "answer": problem.answer,
                    "response": {"steps": steps, "process_correctness": labels},
                    "policy_model": author,
                    "data_source": problem.scene.family,
                }
            )
    return rows


def slipped(problem: WorldProblem, rng: random.Random, often: float) -> tuple[list[str], list[int]]:
    """A solution into which slips may have come, and its labels.

    Args:
        problem: The problem with its worked solution.
        rng: Decides where it slips.
        often: The probability that a step goes wrong.

    Returns:
        Steps and labels, [T] each; T is that of the worked solution.
    """
    names = [problem.steps[place].split()[1] for place in (0, 2)]
    values, family = problem.scene.values(), problem.scene.family
    factor = int(problem.steps[1].partition("*")[2].partition("=")[0])

    def maybe(value: int, misses: tuple[int, ...], most: int | None = None) -> int:
        if rng.random() >= often:
            return value
        others = [value + miss for miss in misses if value + miss >= 0 and (most is None or value + miss <= most)]
        return rng.choice(others)

    one = maybe(values[names[0]], (-2, -1, 1, 2), most=9)
    product = maybe(one * factor, (-factor, factor, -1, 1))
    two = maybe(values[names[1]], (-2, -1, 1, 2), most=9)
    total = maybe(product + two, (-10, -2, -1, 1, 2, 10))
    steps = solution_steps(family, names, (one, two), factor, (product, total))
    agreed = next(
        (k for k, pair in enumerate(zip(steps, problem.steps, strict=True)) if pair[0] != pair[1]), len(steps)
    )
    return list(steps), [CORRECT] * agreed + [INCORRECT] * (len(steps) - agreed)


def _told(
    problem: WorldProblem, steps: list[str], labels: list[int], rng: random.Random
) -> tuple[list[str], list[int]]:
    """The same solution as its author cuts it: perhaps a remark first, perhaps the last two steps as one."""
    if rng.random() < _JOINED:
        steps, labels = [*steps[:-2], "\n\n".join(steps[-2:])], [*labels[:-2], labels[-1]]
    if rng.random() < _REMARKED:
        steps, labels = [_REMARKS[problem.scene.family], *steps], [NEUTRAL, *labels]
    return steps, labels


def _picture(problem: WorldProblem) -> str:
    return f"images/{problem.scene.id}.png"
