"""What a request says: the problem with its pictures, and how to sample."""

from __future__ import annotations

import base64
import io
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import NEUTRAL
from visualprm_eval.core.errors import InputError
from visualprm_eval.core.types import JSONValue, Part, digest

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.endpoint.dialect import Dialect
    from visualprm_eval.stages.sample.endpoint.options import EndpointOptions

_COMMON_FORMATS = frozenset({"PNG", "JPEG", "WEBP", "GIF"})
"""Pictures that every server reads; others, and those that move, are sent as PNG of what a policy here would see."""

_KEPT_PROMPTS = 16


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
        "temperature": options.temperature,
        "top_p": options.top_p,
        **NEUTRAL,
        "seed": request_seed(options.seed, problem_id, ranks[0]),
    }
    fields = {name: value for name, value in fields.items() if name not in dialect.left_out}
    fields |= {"model": options.model, dialect.limit: options.max_tokens}
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
