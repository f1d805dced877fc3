"""What an evaluation hands to the reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visualprm_eval.evaluate.result_rows import Failure
from visualprm_eval.evaluate.stats.rows import Insight
from visualprm_eval.report.viewer.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.evaluate.published.comparison import Comparison
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow


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
        fingerprints: The protocol of each value, see ``visualprm_eval.run.protocol``.
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
