"""Whether a chat model may write several samples in one batch, found out before samples are paid for.

Each of transformers' classes repeats a prompt and its pictures for a batch in its own way. Samples of one batch must
not see each other: the logits of every row have to be those of a sample alone, but for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.pictures import size_of
from visualprm_eval.core.types import Problem
from visualprm_eval.engine.chat_model import ChatModel
from visualprm_eval.engine.chat_sampling import prepare, write

ROWS = 3
"""Samples of the batch that is compared, at most: what one row sees of another shows in the second or third."""
_STEPS = 2
"""The prompt, and a token that reads what was kept of it."""

TOLERANCE: Mapping[torch.dtype, float] = MappingProxyType(
    {torch.float32: 1e-4, torch.float16: 2e-3, torch.bfloat16: 1e-2}
)
"""The greatest difference between rows of a batch that passes for rounding, by precision, as a share of the spread of
their logits. The same kernels compute them: on random models of 2 to 36 layers, rounding came to 2e-6 in float32 and to
0 in half precision, pictures of other rows to 0.03 and more.
"""
_LOOSER = 10
"""Times as much may lie between a batch and a sample alone, which other kernels compute: rounding came to 4e-6 in
float32 and to 0.026 in bfloat16, and a mixture of experts may choose others for the same prompt, in all rows alike.
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the logits of a batch's rows are from those of a sample alone, over all rows and steps.

    Attributes:
        largest: The greatest difference of a logit from that of the sample alone.
        share: The greatest root mean square of a row's differences from it, over the standard deviation of its logits.
        among: The same for the differences from the first row.
    """

    largest: float
    share: float
    among: float


def batch_obstacle(chat: ChatModel, problems: Sequence[Problem], rows: int) -> str:
    """Why samples are to be drawn one by one; ``""`` where they may be drawn together.

    Args:
        chat: The policy.
        problems: What it is to answer. The one that shows most is tried: most pictures of different sizes.
        rows: Most samples that are wanted of a problem at a time.

    Raises:
        PolicyError: When the model's class does not ask our sampler.
    """
    for problem in sorted(problems, key=_variety, reverse=True):
        try:
            inputs, room = prepare(chat, problem, _STEPS)
        except Exception:  # noqa: BLE001, S112 - a fact of the problem, which its candidates will tell
            continue
        return _obstacle(chat, inputs, min(rows, ROWS), room)
    return ""


def _variety(problem: Problem) -> tuple[int, int]:
    """How many sizes of pictures a problem has, and how many pictures."""
    images = problem.images
    return len({size_of(Path(path)) for path in images}) if len(images) > 1 else len(images), len(images)


def _obstacle(chat: ChatModel, inputs: Any, rows: int, room: int) -> str:
    name = type(chat.model).__name__
    try:
        found = difference(chat, inputs, rows, room)
    except PolicyError:
        raise
    except Exception as error:  # noqa: BLE001 - what hundreds of classes stumble over; a sample alone may do
        return "" if rows == 1 else f"{name} failed with {rows} samples at a time ({type(error).__name__}: {error})"
    tolerance = TOLERANCE[chat.model.dtype]
    if found.among <= tolerance and found.share <= _LOOSER * tolerance:
        return ""
    return (
        f"in a batch of {rows}, {name} comes to other logits than for one sample alone (by up to {found.largest:.2g}, "
        f"{found.share:.1%} of their spread), so samples would depend on each other"
    )


@torch.inference_mode()
def difference(chat: ChatModel, inputs: Any, rows: int, room: int = _STEPS) -> Difference:
    """Compares a batch of a prompt with the prompt alone.

    The last row goes on with another token than the others, which must not see it.

    Args:
        chat: The model.
        inputs: The prompt's token ids and pixels.
        rows: Rows of the batch.
        room: How many tokens are written.

    Raises:
        PolicyError: When the model's class does not ask our sampler.
        Exception: Whatever the class raises.
    """
    alone: list[torch.Tensor] = []
    together: list[torch.Tensor] = []
    tokens: list[torch.Tensor] = []
    stops = torch.tensor(chat.stop_ids, device=chat.model.device)

    def lead(_step: int, scores: torch.Tensor) -> torch.Tensor:
        alone.append(scores.double())
        tokens.append(scores.index_fill(1, stops, -torch.inf).topk(2).indices[0])
        return tokens[-1][:1]

    def follow(step: int, scores: torch.Tensor) -> torch.Tensor:
        together.append(scores.double() if step == 0 or rows == 1 else scores[:-1].double())
        first, second = tokens[step]
        return torch.stack([*[first] * (rows - 1), second if rows > 1 else first])

    write(chat, inputs, 1, room, lead)
    write(chat, inputs, rows, room, follow)
    pairs = [_apart(*pair) for pair in zip(alone, together, strict=True)]
    among = max(_apart(rows[:1], rows)[1] for rows in together)
    return Difference(max(largest for largest, _ in pairs), max(share for _, share in pairs), among)


def _apart(alone: torch.Tensor, rows: torch.Tensor) -> tuple[float, float]:
    """The greatest difference, and the greatest root mean square over the spread; logits [1, V] and [B, V]."""
    possible = alone[0] > torch.finfo(torch.float16).min  # Some classes rule tokens out by the least number there is.
    wanted = alone[:, possible]
    apart = (rows[:, possible] - wanted).abs()
    share = apart.square().mean(dim=1).sqrt() / wanted.std()
    return float(apart.max()), float(share.max())
