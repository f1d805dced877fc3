"""The policy that runs checkpoints in the InternVL layout natively."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import ModelSource
from visualprm_eval.core.errors import HostError
from visualprm_eval.core.types import Candidate, JSONValue, Problem
from visualprm_eval.stages.checkpoint_source import CheckpointSource, CheckpointUser
from visualprm_eval.stages.sample.policy import PolicyOptions, Request, Twinned, base_settings

if TYPE_CHECKING:
    from visualprm_eval.engine.generate import Shown
    from visualprm_eval.host.toolkit import InternVLPrompts

_DEFAULTS: Mapping[str, Any] = MappingProxyType({})


class NativePolicy(Twinned, CheckpointUser):
    """A checkpoint in the InternVL layout, sampled in batches across problems.

    The noise of a candidate comes from (seed, problem, rank), so batches and restarts do not change it. The policy is
    shown what the host's InternVLChat shows its models.

    Args:
        source: The checkpoint.
        options: What the run says.
        as_host: Keywords of the host's entry that it stands in for; ``None`` for the demo's policy, which is shown
            problems as they are.
    """

    def __init__(
        self, source: ModelSource, options: PolicyOptions, as_host: Mapping[str, Any] | None = _DEFAULTS
    ) -> None:
        super().__init__(source.name, options)
        self._as_host = as_host
        compute = options.compute
        self.checkpoint = CheckpointSource(source.source, source.revision, compute.device, compute.dtype)

    def look(self, *, fetch: bool) -> None:
        """Looks at config.json, so that no weights are fetched that cannot run.

        Args:
            fetch: Ask the hub when it is not on this machine.

        Raises:
            CheckpointError: When it is seen to be of a model that is not in this layout.
        """
        from visualprm_eval.engine.checkpoint import look_at_config

        look_at_config(self.checkpoint.location, self.checkpoint.revision, fetch=fetch)

    @property
    def internvl_prompts(self) -> InternVLPrompts | None:
        """How the host's InternVLChat puts problems to it; ``None`` for the prompts of the datasets."""
        if self._as_host is None:
            return None
        from visualprm_eval.host.toolkit import InternVLPrompts

        return InternVLPrompts(self._as_host, cot=self._options.sampling.prompt == "cot")

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options and the wording of prompts."""
        manner = base_settings(self.name, "native", self._options.sampling)
        if self._as_host is None:
            return manner
        return {**manner, "wording": self._options.prompts.wording(self._as_host)}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates in batches of the run's batch size."""
        from visualprm_eval.engine.generate import GenerationRequest, generate

        shown = self._shown([problem for problem, _ in requests])
        wanted = [GenerationRequest(problem, rank, shown=shown.get(problem.id)) for problem, rank in requests]
        yield from generate(self.checkpoint.model, wanted, self._options.sampling)

    def _shown(self, problems: Sequence[Problem]) -> Mapping[str, Shown]:
        """What the policy reads and sees of each problem, by id."""
        if (prompts := self.internvl_prompts) is None:
            return {}
        from visualprm_eval.host.toolkit import shown_native

        distinct = {problem.id: problem for problem in problems}
        try:
            return dict(zip(distinct, shown_native(distinct.values(), prompts), strict=True))
        except HostError:
            if self._as_host:  # Only the host knows models by such names.
                raise
            return self._options.prompts.shown_native(distinct.values())
