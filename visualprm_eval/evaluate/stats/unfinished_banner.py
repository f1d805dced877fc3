"""The line that stands on every page of a report whose store is unfinished or partly failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.evaluate.abstentions import MANY
from visualprm_eval.evaluate.result_rows import MAX_LEFT_OUT

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.diagnosis_rows import Cost

__all__ = ["banner_of"]

_WHAT = {"sample": "candidates failed to be sampled", "grade": "texts failed to be graded"}


def banner_of(
    missing: Sequence[str],
    costs: Sequence[Cost],
    lost: Sequence[str] = (),
    unheard: Sequence[str] = (),
    abstaining: Sequence[str] = (),
) -> str:
    """What is missing and what failed.

    Args:
        missing: What is still to be done, or failed too often, one sentence each; overalls are withheld then.
        costs: What stages took, with their failures, which are left out.
        lost: Where too many candidates failed for an overall, one sentence each.
        unheard: Critics whose own rows are withheld, one sentence each.
        abstaining: Where votes rest on few candidates, one sentence each.

    Returns:
        One line; ``""`` when there is nothing to say.
    """
    said = [f"UNFINISHED: {'; '.join(missing)}. Overalls are withheld."] if missing else []
    if unheard:
        said.append(f"WITHOUT A CRITIC: {'; '.join(unheard)}. The rows that read it are withheld, and no others.")
    failed = list(_failed(costs))
    if failed:
        said.append(f"FAILED: {'; '.join(failed)}. The failures are listed with their reasons.")
    if lost:
        said.append(
            f"Overalls are withheld where more than {MAX_LEFT_OUT:.0%} of the candidates failed: {'; '.join(lost)}."
        )
    if abstaining:
        said.append(f"WARNING: votes count less than {1 - MANY:.0%} of the candidates: {'; '.join(abstaining)}.")
    return " ".join(said)


def _failed(costs: Sequence[Cost]) -> Iterator[str]:
    for cost in costs:
        if cost.failed:
            what = _WHAT.get(cost.stage, f"texts failed to be scored by {cost.what}")
            yield f"{cost.policy} on {cost.benchmark}: {cost.failed:,} of {cost.items:,} {what}"
