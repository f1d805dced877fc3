"""Results of a run: the values, the picks behind them, what failed, and how it all came about."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.packages import PACKAGES, installed
from visualprm_eval.core.progress import track
from visualprm_eval.core.steps import ORIGINAL, rule_of
from visualprm_eval.core.types import JSONValue, Spec, StepScores, Usage
from visualprm_eval.core.words import counted, part_of, verb
from visualprm_eval.evaluate.overall import overall_rows, unfinished
from visualprm_eval.evaluate.published.comparison import compare, published_points, selectors
from visualprm_eval.evaluate.result_rows import Failure, Fingerprint
from visualprm_eval.evaluate.stats import Examiner
from visualprm_eval.evaluate.stats.step_counts import StepCounts, step_counts
from visualprm_eval.host.data.usable import surplus_remark
from visualprm_eval.report.results import Results
from visualprm_eval.report.tables.summary import final_picks
from visualprm_eval.report.viewer.thumbnails import Thumbnails
from visualprm_eval.report.viewer.viewer import ViewerBuilder
from visualprm_eval.run.protocol import overall_prints, stamped
from visualprm_eval.stages.experiment import settings_of
from visualprm_eval.stages.experiment_values import (
    Headline,
    evaluate,
    headlines,
    host_figure_name,
    read_study,
    wanted_texts,
)
from visualprm_eval.stages.grade.metric_notes import known_figure, metric_of
from visualprm_eval.stages.sample.prompts import prompt_of
from visualprm_eval.stages.sample.stage import Tally, note_on_equal_samples
from visualprm_eval.store.package_versions import NOT_RECORDED, recorded_versions

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow
    from visualprm_eval.evaluate.stats.rows import Insight, PublishedPoint
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

_NO_FIGURE = "none: it cannot count such a part of the benchmark, or was not asked yet"


def collect(store: Store, plan: Plan) -> Results:
    """Evaluates every experiment from what the store holds, which is sound."""
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    failures: list[Failure] = []
    examiner = Examiner(plan.baseline)
    viewer = viewer_of([experiment for experiment in plan.experiments if not experiment.greedy])
    fingerprints: list[Fingerprint] = []
    protocols: list[tuple[str, JSONValue]] = []
    versions = recorded_versions(store)
    steps: list[StepCounts] = []
    with track("evaluate", len(plan.experiments) + 1) as tracker:
        for experiment in plan.experiments:
            study = read_study(store, experiment, plan.equalities)
            facts = study.columns
            own_rows, own_picks = evaluate(store, experiment, study, experiment.ks)
            if said := note_on_equal_samples(store, experiment):
                own_rows = [replace(row, note="; ".join(filter(None, (row.note, said)))) for row in own_rows]
            own_rows, own_prints = stamped(store, experiment, own_rows, versions)
            fingerprints += own_prints
            rows += own_rows
            picks += own_picks
            if metric_of(store, experiment).whole:
                examiner.add_values(study, own_rows)
            else:
                examiner.add(study)
            if not experiment.greedy:
                add_to_viewer(viewer, store, experiment, facts, own_picks)
                is_scored_so = any(map(_cuts_at_blank_lines, experiment.scorings.values()))
                steps.append(step_counts(study, is_scored_so=is_scored_so))
            failures += failures_of(experiment.benchmark.name, facts, wanted_texts(study, experiment.ks))
            shown = headlines(own_rows, own_picks, experiment.benchmark)
            protocols += _protocol_of(store, experiment, shown, _tally(facts), versions)
            tracker.advance()
        rows += overall_rows(rows)
        insight = examiner.insight(unfinished(rows))
        tracker.advance()
    fingerprints += overall_prints(rows, fingerprints)
    names = selectors(plan.prms)
    return Results(
        rows=rows,
        picks=picks,
        protocol=dict(_protocol(plan, protocols, versions)),
        failures=failures,
        comparisons=compare(rows, names, fingerprints, insight),
        fingerprints=fingerprints,
        insight=replace(insight, published=_published(insight, names, rows), steps=tuple(steps)),
        viewer=viewer.viewer(),
    )


def _cuts_at_blank_lines(scoring: Spec) -> bool:
    """Whether a critic scores steps as the original rule finds them, as far as its settings tell."""
    return rule_of(scoring.settings) == ORIGINAL and scoring.settings.get("max_steps", 1) != 1


def _published(insight: Insight, names: Mapping[str, str], rows: Sequence[ResultRow]) -> tuple[PublishedPoint, ...]:
    """Published figures of what there are curves of; they are of whole benchmarks."""
    parts = {row.place for row in rows if row.is_partial}
    curves = grouped(insight.points, lambda point: (*point.place, point.metric))
    figures = [
        each
        for place, points in curves.items()
        for each in published_points(place, names, max(point.k for point in points))
    ]
    shown = {(*point.place, point.reranker) for point in insight.points if point.place not in parts}
    return tuple(each for each in figures if (*each.place, each.reranker) in shown)


def viewer_of(experiments: Sequence[Experiment]) -> ViewerBuilder:
    """A viewer with room for the problems of all experiments, whose benchmarks share the room for pictures."""
    pictures = {
        each.benchmark.name: [path for problem in each.benchmark.problems for path in problem.images]
        for each in experiments
    }
    n_problems = sum(len(each.benchmark.problems) for each in experiments)
    return ViewerBuilder(n_problems, thumbnails=Thumbnails.of(pictures))


def add_to_viewer(
    viewer: ViewerBuilder, store: Store, experiment: Experiment, facts: Columns, picks: Sequence[Pick]
) -> None:
    """Gives the viewer an experiment's problems with their steps, and their pictures where this work dir has them."""

    def steps(critic: str, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], StepScores]:
        return store.scores_of(experiment.scorings[critic].id, keys)

    def reasonings(candidates: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
        return store.reasonings(experiment.sampling.id, candidates)

    viewer.add(facts, final_picks(picks), steps, experiment.answer, experiment.policy, reasonings=reasonings)


def failures_of(benchmark: str, facts: Columns, wanted: Collection[tuple[str, str]] | None) -> Iterator[Failure]:
    """What failed, as far as this run looks at it: an earlier one may have graded texts that nobody picks here."""
    candidates, graded = facts.candidates, facts.graded
    broken = np.zeros(len(facts.values) + 1, dtype=bool)
    broken[-1] = True  # Where -1 points at: candidates without a text.
    for errors in (graded.errors, *(said.errors for said in facts.said.values())):
        broken[list(errors)] = True
    for place in np.flatnonzero(broken[candidates.texts]).tolist():
        text, rank = int(candidates.texts[place]), int(candidates.ranks[place])
        where = (benchmark, facts.problems[candidates.owners[place]].index, rank)
        if text < 0:
            yield Failure("sample", *where, candidates.errors[place])
            continue
        for label, said in facts.said.items():
            if text in said.errors:
                yield Failure("score", *where, f"{label}: {said.errors[text]}")
        if text in graded.errors and (wanted is None or facts.key(text) in wanted):
            yield Failure("grade", *where, graded.errors[text])


def _protocol(
    plan: Plan, protocols: Iterable[tuple[str, JSONValue]], versions: Mapping[str, str]
) -> Iterator[tuple[str, JSONValue]]:
    """What a reader needs to judge or repeat the results, as names and values; those of the experiments are given."""
    yield "rerankers", [reranker.name for reranker in plan.rerankers]
    yield "baseline of gains", plan.baseline or "by default: mean, else greedy, else first; each head says which"
    yield from protocols
    for policy, notes in plan.notes.items():
        for name, note in notes.items():
            yield f"{policy}: {name}", note
    for label, scoring in plan.scorings.items():
        yield f"critic {label}", dict(scoring.settings)
        yield f"critic {label}: thoughts", scoring.settings.get("thoughts", "skip")
        yield f"critic {label}: step rule", rule_of(scoring.settings)
        yield f"critic {label}: scored with", versions.get(scoring.id, NOT_RECORDED)
    yield "votes compared by", plan.equalities.told()
    yield "python of this report", platform.python_version()
    for package in PACKAGES:
        yield f"{package} of this report", installed(package)


def _protocol_of(
    store: Store, experiment: Experiment, shown: Iterable[Headline], tally: Tally, versions: Mapping[str, str]
) -> Iterator[tuple[str, JSONValue]]:
    """How the values of an experiment came about, as names and values."""
    where, benchmark = experiment.label, experiment.benchmark
    sampling, grading, whole = experiment.sampling, experiment.grading, metric_of(store, experiment).whole
    graded = "all distinct texts" if experiment.grade_all else "picks only"
    yield f"{where}: N", experiment.n
    yield f"{where}: sampling", dict(sampling.settings)
    yield f"{where}: sampled with", versions.get(sampling.id, NOT_RECORDED)
    asked = settings_of(sampling).get("prompt", "")
    if (put := prompt_of(store, benchmark.name, asked)) != asked:
        yield f"{where}: prompt", put
    elif form := benchmark.task.note_on_prompt(asked):
        yield f"{where}: answer format asked for", form
    yield f"{where}: graded", "the picks of each reranker at each k, as one table" if whole else graded
    yield f"{where}: grading", dict(grading.settings)
    yield f"{where}: graded with", versions.get(grading.id, NOT_RECORDED)
    yield from _data(where, benchmark)
    for headline in shown:
        figure = known_figure(store, experiment, headline.texts)
        name = f"{host_figure_name(store, experiment)} of {headline.row.reranker} at k = {headline.row.k}"
        if headline.n_apart:
            name += f", without {counted(headline.n_apart, 'problem')} because of empty replies"
        yield f"{where}: {name}", _NO_FIGURE if figure is None else figure
    if tally.empty:
        yield (
            f"{where}: empty replies",
            f"{part_of(tally.empty, tally.candidates, 'candidate')}; {verb(tally.empty, 'it is', 'they are')} wrong",
        )
    if tally.cut:
        yield f"{where}: cut at the token limit", part_of(tally.cut, tally.candidates, "candidate")
    if tally.reasoned:
        said = f"{tally.reasoned:,} of {tally.candidates:,} candidates; it is kept, but neither scored nor graded"
        yield f"{where}: reasoning beside the text", said
    if tally.usage is not None:
        yield f"{where}: token usage", asdict(tally.usage)
    if benchmark.task.note:
        yield f"{where}: note", benchmark.task.note


def _data(where: str, benchmark: Benchmark) -> Iterator[tuple[str, JSONValue]]:
    """Which file the problems are from, and how many of the benchmark's they are."""
    if benchmark.file is not None:
        yield f"{where}: file", str(benchmark.file.path)
        yield f"{where}: MD5 of the file", benchmark.file.md5
        if not benchmark.file.is_known:
            known = f"another version than the host's, whose MD5 is {benchmark.file.expected}"
            yield f"{where}: version of the file", known
    if benchmark.shown:
        yield f"{where}: pictures", benchmark.shown
    of_all = "" if benchmark.total is None else f" of {benchmark.total:,}"
    yield f"{where}: problems", f"{len(benchmark.problems):,}{of_all}"
    if benchmark.surplus:
        yield f"{where}: file and benchmark", surplus_remark(benchmark.surplus)


def _tally(facts: Columns) -> Tally:
    found = facts.candidates
    costs = zip(found.prompt_tokens, found.completion_tokens, strict=True)
    known = [Usage(read, written) for read, written in costs if read is not None and written is not None]
    usage = sum(known, Usage())
    cut = sum(finish == "length" for finish in found.finishes)
    empty = int(np.append(facts.empty, False)[found.texts].sum())
    return Tally(len(found), cut, len(found.errors), usage if known else None, empty, len(found.reasoned))
