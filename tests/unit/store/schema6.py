"""A small work dir as a run leaves it; ``tests/unit/store/data/store_schema6.sql`` is its store, made at schema 6."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Verdict
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.run.last_run import Choice, note_asked
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.scopes import Scope, put_scope

N, P = 4, 12
SAMPLING = Spec("sampling", {"policy": "P", "temperature": 0.7, "prompt": "cot", "wording": "w1"})
PRM = Spec("scoring", {"critic": "visualprm", "max_steps": 12, "checkpoint": "f00"})
ORM = Spec("scoring", {"critic": "visualorm", "max_steps": 12, "checkpoint": "f00"})
GRADING = Spec("grading", {"benchmark": "Bench", "prediction": "raw", "host": "1", "judge": "exact_matching"})
HOSTILE = "a\0b \ud800\udfff"
PROBLEMS = [
    Problem("Bench", str(index), "", (Part("text", f"What is {index}?"),), "1", f"id{index}") for index in range(P)
]
PROMPTS: dict[str, Any] = {
    "wording": "w1",
    "put": {problem.id: [["image", "pictures/a.png"], ["text", f"{problem.question} Think."]] for problem in PROBLEMS},
    "shown": {
        problem.id: None if number == 3 else [["pictures/a.png", 12, False], f"{problem.question} Think."]
        for number, problem in enumerate(PROBLEMS)
    },
}
"""A file of prompts beside the store, as ``export-problems`` wrote it then."""


def fill(work_dir: Path) -> None:
    """Two critics read the same steps; one text fails at each stage; two formulas are one answer."""
    with Store.open(work_dir / STORE_FILE) as store:
        for spec in (SAMPLING, PRM, ORM, GRADING):
            store.put_spec(spec)
        store.put_note("checkpoint", "f00", {"source": "x/my-prm", "revision": None})
        store.put_note("versions", PRM.id, "torch 2.15.0")
        store.put_problems(PROBLEMS)
        for number, problem in enumerate(PROBLEMS):
            _fill_problem(store, number, problem)
        store.put_equalities("0.9", {("2sqrt(3)", "sqrt(12)"): True})
        store.put_host_figure(GRADING.id, "reference answers", 100.0)
        with store.replies() as replies:
            replies.put("asked", 0, "yes")
        ids = [problem.id for problem in PROBLEMS]
        scope = Scope("P", False, ids, N, (1, 2, 4), "auto", GRADING.settings, {"total": P})
        put_scope(store, SAMPLING, "Bench", scope)
        rerankers = build_rerankers(["first", "visualprm", "visualorm", "weighted-vote", "oracle"], ["prm"])
        note_asked(store, Choice(rerankers, {"visualprm": PRM, "visualorm": ORM}, (), greedy=False))


def _fill_problem(store: Store, number: int, problem: Problem) -> None:
    endings = [r"\boxed{\sqrt{12}}", r"\boxed{2\sqrt{3}}", "The answer is 1.", f"The answer is {number}."]
    texts = [f"Step {rank} of {number}.\n\n{ending}" for rank, ending in enumerate(endings)]
    texts[3] = HOSTILE if number == 5 else texts[3]
    candidates = [Candidate(problem.id, rank, text, finish="stop", tokens=5) for rank, text in enumerate(texts)]
    if number == 2:
        candidates[3] = Candidate(problem.id, 3, "", "HTTP 500")
    store.put_candidates(SAMPLING.id, candidates)
    sound = [one for one in candidates if one.error is None]
    for place, scoring in enumerate((PRM, ORM)):
        rows = []
        for one in sound:
            steps = tuple(one.text.split("\n\n"))
            value = ((number * 7 + one.rank * 3 + place) % 10) / 10
            rows.append((problem.id, one.text_id, StepScores((value,) * len(steps), steps, seconds=0.25)))
        if number == 4:
            rows[0] = (*rows[0][:2], StepScores((), rows[0][2].steps, "CUDA out of memory"))
        store.put_scores(scoring.id, rows)
    verdicts = [Verdict(float((number + one.rank) % 3 == 0), seconds=0.125) for one in sound]
    if number == 6:
        verdicts[1] = Verdict(None, "the judge refused")
    keys = [(problem.id, one.text_id) for one in sound]
    store.put_verdicts(GRADING.id, [(*key, verdict) for key, verdict in zip(keys, verdicts, strict=True)])


def write_prompts(work_dir: Path) -> Path:
    """The file of prompts in its old place."""
    path = work_dir / "prompts" / "Bench.cot.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(PROMPTS), encoding="utf-8")
    return path
