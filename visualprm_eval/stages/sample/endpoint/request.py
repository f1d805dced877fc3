"""What a request says: the problem with its pictures, and how to sample."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import InputError
from visualprm_eval.core.types import JSONValue, Part, digest

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.endpoint.options import EndpointOptions

_COMMON_FORMATS = frozenset({"PNG", "JPEG", "WEBP", "GIF"})
"""Pictures that every server reads; others, and those that move, are sent as PNG of what a policy here would see."""

_KEPT_PROMPTS = 16


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which of the protocol's fields a server takes.

    Attributes:
        n: Whether several samples may be asked for at a time.
        limit: The field of the token limit.
        seed: Whether there is a seed.
    """

    n: bool = True
    limit: str = "max_tokens"
    seed: bool = True

    def joined(self, other: Dialect) -> Dialect:
        """What both take: lessons of requests that were in flight at the same time add up."""
        limit = other.limit if self.limit == Dialect().limit else self.limit
        return Dialect(self.n and other.n, limit, self.seed and other.seed)

    def after_refusal(self, message: str, n: int) -> Dialect | None:
        """What to try when a server refused a request for ``n`` samples; ``None`` when nothing is left to try."""
        if self.limit == "max_tokens" and "max_completion_tokens" in message:
            return replace(self, limit="max_completion_tokens")
        if self.seed and re.search(r"\bseed\b", message):
            return replace(self, seed=False)
        return replace(self, n=False) if n > 1 else None


def request_seed(seed: int, problem_id: str, first_rank: int) -> int:
    """The seed of one request, from (the run's seed, the problem, the lowest rank asked for), below 2**31.

    So no two requests of a run share a seed, and a request that is sent again draws what it drew before where the
    server heeds seeds. Samples of one request differ by what the server makes of its seed.
    """
    return int(digest([seed, problem_id, first_rank]), 16) % 2**31


def request_body(
    options: EndpointOptions, dialect: Dialect, parts: tuple[Part, ...], problem_id: str, ranks: tuple[int, ...]
) -> bytes:
    """The JSON of one request for ``len(ranks)`` samples.

    Raises:
        InputError: When a picture cannot be read.
    """
    fields: dict[str, JSONValue] = {
        "model": options.model,
        "temperature": options.temperature,
        "top_p": options.top_p,
        dialect.limit: options.max_tokens,
    }
    if dialect.seed:
        fields["seed"] = request_seed(options.seed, problem_id, ranks[0])
    if len(ranks) > 1:  # Some servers warn of a field that they do not know.
        fields["n"] = len(ranks)
    return f'{json.dumps(fields)[:-1]}, "messages": {_messages(parts)}}}'.encode("ascii")


@lru_cache(maxsize=_KEPT_PROMPTS)
def _messages(parts: tuple[Part, ...]) -> str:
    """The conversation as JSON: one user's turn with the parts in the host's order, as the host would send it."""
    if all(part.kind == "text" for part in parts):  # Models without eyes often take nothing but a plain text.
        content: JSONValue = "\n".join(part.value for part in parts)
    else:
        content = [_part(part) for part in parts]
    return json.dumps([{"role": "user", "content": content}])


def _part(part: Part) -> JSONValue:
    if part.kind == "text":
        return {"type": "text", "text": part.value}
    return {"type": "image_url", "image_url": {"url": _data_url(Path(part.value))}}


def _data_url(path: Path) -> str:
    """A picture as a data URL: the file's own bytes where any server reads its format."""
    from PIL import Image

    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            kind = image.format or ""
            if kind not in _COMMON_FORMATS or getattr(image, "is_animated", False):
                buffer = io.BytesIO()
                image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "PNG")
                data, kind = buffer.getvalue(), "PNG"
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read the picture {path} ({error})") from error
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode('ascii')}"
