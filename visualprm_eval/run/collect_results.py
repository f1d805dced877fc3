"""Results of a session: the values, the picks behind them, what failed, and how it all came about."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.packages import installed
from visualprm_eval.core.types import JSONValue, StepScores, Usage
from visualprm_eval.evaluate.overall import overall_rows, unfinished
from visualprm_eval.evaluate.published.comparison import compare, published_points, selectors
from visualprm_eval.evaluate.result_rows import Failure, Fingerprint
from visualprm_eval.evaluate.stats import Examiner
from visualprm_eval.report.results import Results
from visualprm_eval.report.tables.summary import final_picks
from visualprm_eval.report.viewer.thumbnails import Thumbnails, allowances
from visualprm_eval.report.viewer.viewer import ViewerBuilder
from visualprm_eval.run.protocol import overall_prints, stamped
from visualprm_eval.stages.cell_values import Headline, evaluate_cell, headlines, host_figure_name, study_of
from visualprm_eval.stages.experiment import settings_of
from visualprm_eval.stages.grade.metric_notes import is_whole, known_figure
from visualprm_eval.stages.sample.prompts import prompt_of
from visualprm_eval.stages.sample.stage import Tally
from visualprm_eval.store.package_versions import NOT_RECORDED, PACKAGES, recorded_versions

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow
    from visualprm_eval.evaluate.stats.rows import Insight, PublishedPoint
    from visualprm_eval.run.plan_run import Session
    from visualprm_eval.stages.experiment import Cell

_NO_FIGURE = "none: it cannot count such a part of the benchmark, or was not asked yet"


def collect(session: Session) -> Results:
    """Evaluates every cell of a session from what its store holds, which is sound."""
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    failures: list[Failure] = []
    examiner = Examiner(session.config.baseline)
    viewer = viewer_of([cell for cell in session.cells if not cell.greedy])
    shown: dict[str, list[Headline]] = {}
    fingerprints: list[Fingerprint] = []
    tallies: dict[str, Tally] = {}
    versions = recorded_versions(session.store)
    for cell in session.cells:
        facts = session.facts(cell)
        study = study_of(session, cell, facts)
        cell_rows, cell_picks = evaluate_cell(session, cell, study, session.ks(cell))
        cell_rows, cell_prints = stamped(session, cell, cell_rows, versions)
        fingerprints += cell_prints
        rows += cell_rows
        picks += cell_picks
        shown[cell.label] = list(headlines(cell_rows, cell_picks, cell.benchmark))
        if is_whole(session, cell):
            examiner.add_values(study, cell_rows)
        else:
            examiner.add(study)
        if not cell.greedy:
            add_to_viewer(viewer, session, cell, facts, cell_picks)
        failures += failures_of(cell.benchmark.name, facts, session.wanted_texts(cell, facts))
        tallies[cell.label] = _tally(facts)
    rows += overall_rows(rows)
    fingerprints += overall_prints(rows, fingerprints)
    insight, names = examiner.insight(unfinished(rows)), selectors(session.prms)
    results = Results(
        rows=rows,
        picks=picks,
        protocol=dict(_protocol(session, shown, tallies, versions)),
        failures=failures,
        comparisons=compare(rows, names, fingerprints, insight),
        fingerprints=fingerprints,
        insight=replace(insight, published=_published(insight, names, rows)),
        viewer=viewer.viewer(),
    )
    session.check_sound()
    return results


def _published(insight: Insight, names: Mapping[str, str], rows: Sequence[ResultRow]) -> tuple[PublishedPoint, ...]:
    """Published figures of what there are curves of; they are of whole benchmarks."""
    parts = {(row.policy, row.benchmark, row.split) for row in rows if row.is_partial}
    curves: dict[tuple[str, str, str, str], int] = {}
    for point in insight.points:
        place = (point.policy, point.benchmark, point.split, point.metric)
        curves[place] = max(point.k, curves.get(place, 0))
    shown = {
        (point.policy, point.benchmark, point.split, point.reranker)
        for point in insight.points
        if (point.policy, point.benchmark, point.split) not in parts
    }
    found = [each for place, n in curves.items() for each in published_points(place, names, n)]
    return tuple(each for each in found if (each.policy, each.benchmark, each.split, each.reranker) in shown)


def viewer_of(cells: Sequence[Cell]) -> ViewerBuilder:
    """A viewer with room for the problems of all cells, whose benchmarks share the room for pictures."""
    pictures = {
        cell.benchmark.name: [path for problem in cell.benchmark.problems for path in problem.images] for cell in cells
    }
    n_problems = sum(len(cell.benchmark.problems) for cell in cells)
    return ViewerBuilder(n_problems, thumbnails=Thumbnails(allowed=allowances(pictures)))


def add_to_viewer(viewer: ViewerBuilder, session: Session, cell: Cell, facts: Columns, picks: Sequence[Pick]) -> None:
    """Gives the viewer a cell's problems with their steps, and their pictures where this work dir has them."""

    def steps(critic: str, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], StepScores]:
        return session.store.scores_of(session.scorings[critic].id, keys)

    viewer.add(facts, final_picks(picks), steps, cell.answer, cell.policy)


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
    session: Session, shown: Mapping[str, Sequence[Headline]], tallies: Mapping[str, Tally], versions: Mapping[str, str]
) -> Iterator[tuple[str, JSONValue]]:
    """What a reader needs to judge or repeat the results, as names and values."""
    yield "rerankers", [reranker.name for reranker in (*session.greedy, *session.rerankers)]
    said = session.config.baseline or "by default: mean, else greedy, else first; each head says which"
    yield "baseline of gains", said
    for cell in session.cells:
        where = cell.label
        yield f"{where}: N", cell.n
        yield f"{where}: sampling", dict(cell.sampling.settings)
        yield f"{where}: sampled with", versions.get(cell.sampling.id, NOT_RECORDED)
        asked = settings_of(cell.sampling).get("prompt", "")
        if (put := prompt_of(session.store, cell.benchmark.name, asked)) != asked:
            yield f"{where}: prompt", put
        elif form := cell.benchmark.task.note_on_prompt(asked):
            yield f"{where}: answer format asked for", form
        yield f"{where}: graded", _graded(session, cell)
        yield f"{where}: grading", dict(session.grading(cell).settings)
        yield f"{where}: graded with", versions.get(session.grading(cell).id, NOT_RECORDED)
        yield from _data(cell)
        yield from _host_figures(session, cell, shown.get(where, ()))
        yield from _cost(cell, tallies[where])
        if cell.benchmark.task.note:
            yield f"{where}: note", cell.benchmark.task.note
    for policy, notes in session.notes.items():
        for name, note in notes.items():
            yield f"{policy}: {name}", note
    for label, scoring in session.scorings.items():
        yield f"critic {label}", dict(scoring.settings)
        yield f"critic {label}: thoughts", scoring.settings.get("thoughts", "skip")
        yield f"critic {label}: scored with", versions.get(scoring.id, NOT_RECORDED)
    yield "votes compared by", session.equalities.told()
    yield "python of this report", platform.python_version()
    for package in PACKAGES:
        yield f"{package} of this report", installed(package)


def _graded(session: Session, cell: Cell) -> str:
    """What the host was shown."""
    if is_whole(session, cell):
        return "the picks of each reranker at each k, as one table"
    return "all distinct texts" if session.grades_all(cell) else "picks only"


def _host_figures(session: Session, cell: Cell, shown: Sequence[Headline]) -> Iterator[tuple[str, JSONValue]]:
    """What the host itself made of the picked texts, as far as it was asked."""
    for headline in shown:
        figure = known_figure(session, cell, headline.texts)
        name = f"{host_figure_name(session, cell)} of {headline.row.reranker} at k = {headline.row.k}"
        if headline.n_apart:
            name += f", without {headline.n_apart:,} problems because of empty replies"
        yield f"{cell.label}: {name}", _NO_FIGURE if figure is None else figure


def _data(cell: Cell) -> Iterator[tuple[str, JSONValue]]:
    """Which file the problems are from, and how many of the benchmark's they are."""
    benchmark = cell.benchmark
    if benchmark.file is not None:
        yield f"{cell.label}: file", str(benchmark.file.path)
        yield f"{cell.label}: MD5 of the file", benchmark.file.md5
        if not benchmark.file.is_known:
            known = f"another version than the host's, whose MD5 is {benchmark.file.expected}"
            yield f"{cell.label}: version of the file", known
    if benchmark.shown:
        yield f"{cell.label}: pictures", benchmark.shown
    of_all = "" if benchmark.total is None else f" of {benchmark.total:,}"
    yield f"{cell.label}: problems", f"{len(benchmark.problems):,}{of_all}"


def _cost(cell: Cell, tally: Tally) -> Iterator[tuple[str, JSONValue]]:
    if tally.empty:
        yield f"{cell.label}: empty replies", f"{tally.empty:,} of {tally.candidates:,} candidates; they are wrong"
    if tally.cut:
        yield f"{cell.label}: cut at the token limit", f"{tally.cut:,} of {tally.candidates:,} candidates"
    if tally.usage is not None:
        yield f"{cell.label}: token usage", asdict(tally.usage)


def _tally(facts: Columns) -> Tally:
    found = facts.candidates
    costs = zip(found.prompt_tokens, found.completion_tokens, strict=True)
    known = [Usage(read, written) for read, written in costs if read is not None and written is not None]
    usage = Usage(sum(one.prompt_tokens for one in known), sum(one.completion_tokens for one in known))
    cut = sum(finish == "length" for finish in found.finishes)
    empty = int(np.append(facts.empty, False)[found.texts].sum())
    return Tally(len(found), cut, len(found.errors), usage if known else None, empty)
