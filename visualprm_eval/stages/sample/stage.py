"""The sample stage: every candidate that the store lacks is drawn and stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.progress import track
from visualprm_eval.core.repeat_guard import Watch
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import Candidate, JSONValue, Problem, Spec, Usage
from visualprm_eval.core.visible import tell
from visualprm_eval.core.words import counted, part_of, verb
from visualprm_eval.stages.experiment import missing_candidates, settings_of
from visualprm_eval.stages.sample.failure_guard import FailureGuard
from visualprm_eval.stages.sample.policy import notes_of
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.stages.sample.policy import Policy
    from visualprm_eval.stages.sample.prompts import PromptSource
    from visualprm_eval.store import Store


_FEW_REPEATS = 3
"""So many samples have to repeat another one before that is said: two or three easy problems prove nothing."""


def sample(
    store: Store, experiments: Sequence[Experiment], policies: MutableMapping[str, Policy], prompts: PromptSource, *,
    retry_failed: bool, lone: bool = True,
) -> dict[str, Mapping[str, JSONValue]]:  # fmt: skip
    """Draws the candidates that are missing, one policy after the other.

    Args:
        store: Where candidates go.
        experiments: Whose candidates are wanted.
        policies: Who writes, by the key of the candidates; each is removed, since the next one needs the memory.
        prompts: How problems are put.
        retry_failed: Whether stored failures are tried again.
        lone: See :func:`sample_missing`.

    Returns:
        What a reader must know of each policy beside its settings, by name.

    Raises:
        PolicyError: When a policy cannot write samples.
    """
    notes = {}
    for key in list(policies):
        policy, watch = policies.pop(key), None
        for experiment in experiments:
            if experiment.sampling.id != key:
                continue
            watch = watch or Watch(policy.name, experiment.sampling.settings)
            if missing := missing_candidates(store, experiment, retry_failed=retry_failed):
                wanted = dict(missing)
                problems = [problem for problem in experiment.benchmark.problems if problem.id in wanted]
                shown = prompts.put(experiment.benchmark, problems, policy)
                problems_shown = {problem.id: problem for problem in shown}
                sample_missing(
                    store, policy, experiment.sampling, problems_shown, missing,
                    watch=watch, label=f"sample {experiment.label}", lone=lone,
                )  # fmt: skip
            if lone and (said := note_on_equal_samples(store, experiment)):
                tell(f"warning: {experiment.label}: {said}")
        notes[policy.name] = notes_of(policy)
    return notes


def note_on_equal_samples(store: Store, experiment: Experiment) -> str:
    """What must be said where no stored sample differs from another of its problem, though they were sampled.

    It takes few to see that, and too few to stop a run, see ``core.repeat_guard``.
    """
    if not settings_of(experiment.sampling).get("temperature"):
        return ""
    ids = [problem.id for problem in experiment.benchmark.problems]
    repeats = store.equal_candidates(experiment.sampling.id, ids, experiment.n)
    if repeats < _FEW_REPEATS:
        return ""
    return (
        f"all samples of each problem are equal ({repeats:,} repeat another) at a temperature above 0: does the model "
        "heed it?"
    )


def sample_missing(
    store: Store, policy: Policy, sampling: Spec, problems: Mapping[str, Problem], missing: Sequence[tuple[str, int]],
    *, watch: Watch | None = None, label: str = "", lone: bool = True,
) -> None:  # fmt: skip
    """Draws ``missing`` and stores each candidate as soon as it is written; failures once anything succeeded.

    Args:
        store: Where candidates go.
        policy: Who writes.
        sampling: The key of the candidates.
        problems: Problems by id.
        missing: Problem ids and ranks, as the store said.
        watch: What was seen of the policy before; ``None`` for nothing.
        label: What to call this work in the progress display; by the policy's name unless given.
        lone: Whether nobody else draws samples of this policy at the same time, which may succeed where these fail.

    Raises:
        PolicyError: When the policy cannot write samples, nothing of it ever succeeded, or it writes the same again and
            again at a temperature above 0.
    """
    if not missing:
        return
    store.put_spec(sampling)
    label = label or f"sample {policy.name}"
    tally, watch = Tally(), watch or Watch(policy.name, sampling.settings)
    guard = FailureGuard(policy.name, problems, proven=store.has_candidate(sampling.id))
    try:
        with track(label, len(missing)) as tracker:
            batches = policy.sample([(problems[problem_id], rank) for problem_id, rank in missing])
            for number, batch in enumerate(batches):
                if number == 0:
                    note_versions(store, sampling, getattr(policy, "versions", str)())
                if passed := guard.passed(batch):
                    store.put_candidates(sampling.id, passed)
                tally.add(batch)
                tracker.advance(len(batch))
                watch.see(batch)
            if lacking := guard.rest(strict=lone):
                store.put_candidates(sampling.id, lacking)
    finally:  # What was paid is told however it ends.
        if said := str(tally):
            tell(f"{label}: {said}")


@dataclass(slots=True)
class Tally:
    """What a run of the stage brought and cost.

    Attributes:
        candidates: Samples, failed ones included.
        cut: Those that ended at the token limit.
        failed: Those that failed.
        usage: What replies of an API cost, as far as they say.
        empty: Those that are empty replies.
        reasoned: Those that came with reasoning beside the text.
    """

    candidates: int = 0
    cut: int = 0
    failed: int = 0
    usage: Usage | None = None
    empty: int = 0
    reasoned: int = 0

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Counts some more."""
        for candidate in candidates:
            self.candidates += 1
            self.cut += candidate.finish == "length"
            self.failed += candidate.error is not None
            self.empty += candidate.error is None and is_empty_reply(candidate.text)
            self.reasoned += bool(candidate.reasoning)
            if candidate.usage is not None:
                self.usage = (self.usage or Usage()) + candidate.usage

    def __str__(self) -> str:
        counts = {
            f"{verb(self.cut, 'was', 'were')} cut at the token limit": self.cut,
            verb(self.empty, "is an empty reply", "are empty replies"): self.empty, "failed": self.failed,
            "came with reasoning beside the text, which is kept, but neither scored nor graded": self.reasoned,
        }  # fmt: skip
        parts = [f"{part_of(count, self.candidates, 'candidate')} {what}" for what, count in counts.items() if count]
        if self.usage is not None:
            read, written = self.usage.prompt_tokens, self.usage.completion_tokens
            tokens = f"{counted(read, 'prompt token')} and {counted(written, 'completion token')}"
            parts.append(f"{tokens} for {counted(self.candidates, 'candidate')}")
        return "; ".join(parts)
