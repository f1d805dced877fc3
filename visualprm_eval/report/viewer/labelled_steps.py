"""The data of the viewer for critics against labelled steps: an entry per solution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.visible import visible_name
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.tables.step_labels import LABELS
from visualprm_eval.report.viewer.thumbnails import Thumbnails
from visualprm_eval.report.viewer.viewer import Viewer, ViewerBuilder, cut_steps, failure_of
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, NEUTRAL

_SHOWN = {
    "all": "all solutions",
    "missed": "the critic is wrong on a step",
    "disagree": "critics disagree on a step",
    "failed": "a critic failed",
    "unsolvable": "no step is labelled incorrect",
}


def labelled_steps(results: ProcessResults) -> Viewer:
    """All solutions with their pictures, every step with its label and what each critic said of it.

    A critic that was not asked about a solution yet says nothing there. Neutral steps are nobody's error.
    """
    samples = results.process_set.samples
    sources = grouped(samples, lambda sample: sample.source)
    pictures = {source: [path for sample in own for path in sample.problem.images] for source, own in sources.items()}
    builder = ViewerBuilder(len(samples), thumbnails=Thumbnails.of(pictures))
    for place, sample in enumerate(samples):
        said: dict[str, list[Any]] = {}
        errors, missed, verdicts = [], [], []
        for number, assessment in enumerate(results.assessments):
            outcome, opinion = assessment.opinion.outcomes[place], assessment.opinion
            critic = visible_name(opinion.critic)
            if outcome is None:
                continue
            if (error := failure_of(outcome)) is not None:
                errors.append(f"{critic}: {error}")
                continue
            called = [CORRECT if score > opinion.threshold else INCORRECT for score in outcome.scores]
            wrong = [
                step for step, (label, verdict) in enumerate(zip(sample.labels, called, strict=True))
                if label not in {NEUTRAL, verdict}
            ]  # fmt: skip
            said[critic] = [None, [round(score, 4) for score in outcome.scores], wrong]
            missed += [number] if wrong else []
            verdicts.append(called)
        (limit,) = builder.limits([sum(map(len, sample.steps))])
        steps = cut_steps(sample.steps, limit)
        labels = [LABELS[label] for label in sample.labels]
        builder.put(sample.problem, {
            "p": sample.policy, "b": sample.source, "s": "", "i": f"line {sample.line}", "m": missed,
            "d": any(called != verdicts[0] for called in verdicts), "f": bool(errors),
            "u": INCORRECT not in sample.labels,
        }, {
            "k": [], "l": 0, "e": [],
            "t": [{"r": [], "t": None, "y": list(zip(labels, steps, strict=True)), "s": said, "e": errors}],
        })  # fmt: skip
    critics = tuple(visible_name(assessment.opinion.critic) for assessment in results.assessments)
    return replace(builder.viewer(), rerankers=critics, shown=_SHOWN, chooser="critic")
