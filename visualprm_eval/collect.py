"""Results of a session: the values, the picks behind them, what failed, and how it all came about."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from visualprm_eval.comparison import compare, published_points, selectors
from visualprm_eval.evaluate import ProblemFacts, overall_rows
from visualprm_eval.fingerprints import Fingerprint, stamped
from visualprm_eval.headlines import Headline, evaluate_cell, headlines, host_figure_name, metric_of
from visualprm_eval.insight import Examiner, Study
from visualprm_eval.report.results import Failure, Results
from visualprm_eval.report.tables import final_picks
from visualprm_eval.report.thumbnails import Thumbnails, allowances
from visualprm_eval.report.viewer import ViewerBuilder
from visualprm_eval.sample.stage import Tally
from visualprm_eval.types import JSONValue, StepScores
from visualprm_eval.whole_tables import is_whole

if TYPE_CHECKING:
    from visualprm_eval.cells import Cell
    from visualprm_eval.insight.facts import Insight, PublishedPoint
    from visualprm_eval.outcomes import Pick, ResultRow
    from visualprm_eval.session import Session

_NO_FIGURE = "none: it cannot count such a part of the benchmark, or was not asked yet"
_PACKAGES = (
    "visualprm-eval", "ms-vlmeval", "torch", "transformers", "tokenizers", "sentencepiece", "pillow", "numpy", "pandas",
)  # fmt: skip


def collect(session: Session) -> Results:
    """Evaluates every cell of a session from what its store holds."""
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    failures: list[Failure] = []
    examiner = Examiner()
    viewer = viewer_of([cell for cell in session.cells if not cell.greedy])
    shown: dict[str, list[Headline]] = {}
    fingerprints: list[Fingerprint] = []
    packages = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    for cell in session.cells:
        facts = session.facts(cell)
        cell_rows, cell_picks = evaluate_cell(session, cell, facts, session.ks(cell))
        cell_rows, cell_prints = stamped(session, cell, cell_rows, packages)
        fingerprints += cell_prints
        rows += cell_rows
        picks += cell_picks
        shown[cell.label] = list(headlines(cell_rows, cell_picks))
        study = study_of(session, cell, facts)
        if is_whole(session, cell):
            examiner.add_values(study, cell_rows)
        else:
            examiner.add(study)
        if not cell.greedy:
            add_to_viewer(viewer, session, cell, facts, cell_picks)
        wanted = session.wanted_texts(cell, facts)
        for fact in facts:
            failures += _failures(cell.benchmark.name, fact, wanted)
    rows += overall_rows(rows)
    insight, names = examiner.insight(), selectors(session.prms)
    return Results(
        rows=rows,
        picks=picks,
        protocol=dict(_protocol(session, shown)),
        failures=failures,
        comparisons=compare(rows, names),
        fingerprints=fingerprints,
        insight=replace(insight, published=_published(insight, names)),
        viewer=viewer.viewer(),
    )


def _published(insight: Insight, names: Mapping[str, str]) -> tuple[PublishedPoint, ...]:
    """Published figures of what there are curves of."""
    curves: dict[tuple[str, str, str, str], int] = {}
    for point in insight.points:
        place = (point.policy, point.benchmark, point.split, point.metric)
        curves[place] = max(point.k, curves.get(place, 0))
    shown = {(point.policy, point.benchmark, point.split, point.reranker) for point in insight.points}
    found = [each for place, n in curves.items() for each in published_points(place, names, n)]
    return tuple(each for each in found if (each.policy, each.benchmark, each.split, each.reranker) in shown)


def viewer_of(cells: Sequence[Cell]) -> ViewerBuilder:
    """A viewer with room for the problems of all cells, whose benchmarks share the room for pictures."""
    pictures = {
        cell.benchmark.name: [path for problem in cell.benchmark.problems for path in problem.images] for cell in cells
    }
    n_problems = sum(len(cell.benchmark.problems) for cell in cells)
    return ViewerBuilder(n_problems, thumbnails=Thumbnails(allowed=allowances(pictures)))


def add_to_viewer(
    viewer: ViewerBuilder, session: Session, cell: Cell, facts: Sequence[ProblemFacts], picks: Sequence[Pick]
) -> None:
    """Gives the viewer a cell's problems with their steps, and their pictures where this work dir has them."""

    def steps(critic: str) -> Mapping[tuple[str, str], StepScores]:
        return session.store.scores(session.scorings[critic].id, cell.problem_ids)

    viewer.add(facts, final_picks(picks), steps, cell.answer, cell.policy)


def study_of(session: Session, cell: Cell, facts: Sequence[ProblemFacts]) -> Study:
    """What there is to examine of a cell.

    Args:
        session: The run.
        cell: One policy on one benchmark.
        facts: All that is known of it.
    """
    return Study(
        policy=cell.policy,
        benchmark=cell.benchmark.name,
        metric=metric_of(session, cell),
        facts=facts,
        rerankers=session.rerankers_of(cell),
        n=cell.n,
        answer=cell.answer,
        grade_all=session.grades_all(cell),
        aggregate=cell.benchmark.task.aggregate,
        group=cell.benchmark.task.group,
        n_total=cell.benchmark.total,
    )


def _failures(benchmark: str, fact: ProblemFacts, wanted: set[tuple[str, str]] | None) -> Iterator[Failure]:
    """What failed, as far as this run looks at it: an earlier one may have graded texts that nobody picks here."""
    index = fact.problem.index
    for candidate in fact.candidates:
        if candidate.error is not None:
            yield Failure("sample", benchmark, index, candidate.rank, candidate.error)
            continue
        for label, scores in fact.scores.items():
            scored = scores.get(candidate.text_id)
            if scored is not None and scored.error is not None:
                yield Failure("score", benchmark, index, candidate.rank, f"{label}: {scored.error}")
        verdict = fact.verdicts.get(candidate.text_id)
        counts = wanted is None or (fact.problem.id, candidate.text_id) in wanted
        if counts and verdict is not None and verdict.error is not None:
            yield Failure("grade", benchmark, index, candidate.rank, verdict.error)


def _protocol(session: Session, shown: Mapping[str, Sequence[Headline]]) -> Iterator[tuple[str, JSONValue]]:
    """What a reader needs to judge or repeat the results, as names and values."""
    from visualprm_eval.host.prompts import insists_on_its_prompt

    config = session.config
    yield "rerankers", [reranker.name for reranker in (*session.greedy, *session.rerankers)]
    yield "problems per benchmark", f"the first {config.limit}" if config.limit else "all"
    for cell in session.cells:
        where = cell.label
        yield f"{where}: N", cell.n
        yield f"{where}: sampling", dict(cell.sampling.settings)
        if insists_on_its_prompt(cell.benchmark.dataset):
            yield f"{where}: prompt", "the dataset's own, whatever is asked for"
        elif asked := cell.benchmark.task.note_on_prompt(cell.sampling.settings.get("prompt")):
            yield f"{where}: answer format asked for", asked
        yield f"{where}: graded", _graded(session, cell)
        yield f"{where}: grading", dict(session.grading(cell).settings)
        yield from _data(cell)
        yield from _host_figures(session, cell, shown.get(where, ()))
        yield from _cost(session, cell)
        if cell.benchmark.task.note:
            yield f"{where}: note", cell.benchmark.task.note
    for policy, notes in session.notes.items():
        for name, note in notes.items():
            yield f"{policy}: {name}", note
    for label, scoring in session.scorings.items():
        yield f"critic {label}", dict(scoring.settings)
    yield "python", platform.python_version()
    for package in _PACKAGES:
        yield package, _version(package)


def _graded(session: Session, cell: Cell) -> str:
    """What the host was shown."""
    if is_whole(session, cell):
        return "the picks of each reranker at each k, as one table"
    return "all distinct texts" if session.grades_all(cell) else "picks only"


def _host_figures(session: Session, cell: Cell, shown: Sequence[Headline]) -> Iterator[tuple[str, JSONValue]]:
    """What the host itself made of the picked texts, as far as it was asked."""
    for headline in shown:
        figure = session.store.host_figure(session.grading(cell).id, headline.selection)
        name = f"{host_figure_name(session, cell)} of {headline.row.reranker} at k = {headline.row.k}"
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
    if benchmark.total is not None:
        yield f"{cell.label}: problems", f"{len(benchmark.problems):,} of {benchmark.total:,}"


def _cost(session: Session, cell: Cell) -> Iterator[tuple[str, JSONValue]]:
    tally = _tally(session, cell)
    if tally.cut:
        yield f"{cell.label}: cut at the token limit", f"{tally.cut:,} of {tally.candidates:,} candidates"
    if tally.usage is not None:
        yield f"{cell.label}: token usage", asdict(tally.usage)


def _tally(session: Session, cell: Cell) -> Tally:
    tally = Tally()
    for candidates in session.store.candidates(cell.sampling.id, cell.problem_ids).values():
        tally.add(candidate for candidate in candidates if candidate.rank < cell.n)
    return tally


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # Run from a checkout, or a host installed from its repository.
        return "not installed as a package"
