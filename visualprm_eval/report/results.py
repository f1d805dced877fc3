"""What an evaluation hands to the reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visualprm_eval.insight.facts import Insight
from visualprm_eval.report.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from visualprm_eval.comparison import Comparison
    from visualprm_eval.outcomes import Pick, ResultRow
    from visualprm_eval.types import JSONValue


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be sampled, scored or graded.

    Attributes:
        stage: ``"sample"``, ``"score"`` or ``"grade"``.
        benchmark: The benchmark's name in the host.
        index: The host's index of the problem.
        rank: The candidate's place among the samples of its problem, from 0; ``None`` when the whole problem failed.
        message: What happened.
    """

    stage: str
    benchmark: str
    index: str
    rank: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that the reports show; they add nothing but arithmetic on what stands here.

    Attributes:
        rows: One value per policy, benchmark, split, reranker, k and metric; ``value`` is ``None`` where withheld.
        picks: What every reranker chose for every problem at its largest k, or why it could not; the reports show no
            others.
        protocol: How the results came about: settings, versions, fingerprints, seeds.
        failures: Everything that failed on the way.
        comparisons: Published figures beside ours.
        fingerprints: The protocol of each value, see ``visualprm_eval.fingerprints``.
        insight: Curves, intervals, comparisons and diagnoses; empty where nobody worked them out.
        viewer: Problems with their candidates, for the HTML page.
    """

    rows: Sequence[ResultRow]
    picks: Sequence[Pick]
    protocol: Mapping[str, JSONValue] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    comparisons: Sequence[Comparison] = ()
    fingerprints: Sequence[Mapping[str, JSONValue]] = ()
    insight: Insight = field(default_factory=Insight)
    viewer: Viewer = field(default_factory=Viewer)
