"""Our native policies as a model class of the host; imported by ``bridge.register``, since it needs the host."""

from __future__ import annotations

from typing import Any

from vlmeval.vlm.base import BaseModel

from visualprm_eval.core.config import DEMO, SamplingOptions
from visualprm_eval.core.types import Part, Problem, digest
from visualprm_eval.host.grading.replies import NO_REPLY
from visualprm_eval.tasks.demo_world.assets import POLICY, demo_path

MAX_TOKENS = 4096
"""Longest reply, in tokens, unless said otherwise."""


class NativePolicyModel(BaseModel):  # type: ignore[misc]  # the host is not typed
    """A checkpoint in the InternVL layout, run with transformers' own classes.

    The weights are loaded with the first message, since the host builds models also to list them.

    Args:
        checkpoint: Directory or hub id.
        temperature: Sampling temperature; 0, the host's habit, is greedy.
        top_p: Nucleus of sampling.
        max_tokens: Longest reply, in tokens.
        seed: Seed of the sampling noise; ``None`` draws one per message from torch's global generator, which makes the
            class behave as the host's other local models do.
        device: As for ``load_checkpoint``.
        dtype: As for ``load_checkpoint``.
        revision: Of a hub id.
    """

    INTERLEAVE = True
    is_api = False
    samples_itself = True
    """Settings need not be forced upon it."""

    def __init__(
        self, checkpoint: str, *, temperature: float = 0.0, top_p: float = 1.0, max_tokens: int = MAX_TOKENS,
        seed: int | None = None, device: str = "auto", dtype: str = "auto", revision: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.checkpoint, self.revision = checkpoint, revision
        self.temperature, self.top_p, self.max_tokens, self.seed = temperature, top_p, max_tokens, seed
        self.device, self.dtype = device, dtype
        self._loaded: Any = None

    def generate_inner(self, message: list[dict[str, str]], dataset: str | None = None) -> str:
        """Answers one message of the host.

        Args:
            message: Parts with ``type`` (``"text"`` or ``"image"``) and ``value``.
            dataset: The host's name of the benchmark.

        Returns:
            What the policy wrote, or the host's mark of a failure with the reason.
        """
        import torch

        from visualprm_eval.engine.checkpoint import load_checkpoint
        from visualprm_eval.engine.generate import GenerationRequest, generate, problem_shown

        if self._loaded is None:
            self._loaded = load_checkpoint(
                self.checkpoint, device=self.device, dtype=self.dtype, revision=self.revision
            )
        parts = tuple(Part(part["type"], part["value"]) for part in message)
        name = digest([dataset, [(part.kind, part.value) for part in parts]])
        problem = Problem(benchmark=dataset or "", index="", split="", parts=parts, answer="", id=name)
        seed = int(torch.randint(2**31, ())) if self.seed is None else self.seed
        shown = problem_shown(problem, as_is=False)  # The host turns no pictures.
        sampling = SamplingOptions(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, seed=seed, batch_size=1
        )
        batches = generate(self._loaded, [GenerationRequest(problem, 0, shown=shown)], sampling)
        candidate = next(iter(batches))[0]
        return candidate.text if candidate.error is None else f"{NO_REPLY}: {candidate.error}"


def demo_policy(**options: Any) -> NativePolicyModel:
    """The bundled policy; the host calls this when its name is asked for."""
    return NativePolicyModel(str(demo_path(POLICY)), **{"max_tokens": DEMO.sampling.max_tokens, **options})
