"""Pictures of problems as small data URLs, within a limit for each and for all of them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

from visualprm_eval.core.folders import is_file

BUDGET, EACH = 24_000_000, 120_000
"""Bytes for all pictures together, and for one."""
_LEAST = 8_000
"""Bytes of a picture that one can still read; with less for each, only some of a benchmark's pictures are shown."""
_SIDES = (640, 448, 320, 224, 128)
_BYTES_PER_PIXEL = 0.08
"""Of line drawings, which are the smallest; a picture of more pixels than its bytes allow is not tried."""


def allowances(
    pictures: Mapping[str, Iterable[str]], budget: int = BUDGET, each: int = EACH, least: int = _LEAST
) -> dict[str, int]:
    """How many bytes each picture may have: benchmarks share alike, and what one does not need goes to the others.

    Args:
        pictures: Paths by benchmark, in the order of the problems.
        budget: Bytes for all of them.
        each: Bytes for one.
        least: Bytes that make one worth showing; where a benchmark has too many, some are left out, evenly.

    Returns:
        Path to bytes; 0 for those that are left out.
    """
    distinct = [list(dict.fromkeys(paths)) for paths in pictures.values()]
    found: dict[str, int] = {}
    for place, paths in enumerate(sorted(distinct, key=len)):
        share = min(len(paths) * each, budget // (len(distinct) - place))
        shown = min(len(paths), share // least)
        budget -= share
        found |= dict.fromkeys(paths, 0)
        found |= {paths[number * len(paths) // shown]: share // shown for number in range(shown)}
    return found


class Thumbnails:
    """Makes each picture small once.

    Args:
        budget: Bytes for all pictures together.
        each: Bytes for one picture.
        allowed: Path to bytes, see :func:`allowances`; what a picture leaves goes to those that come after it. ``None``
            for as many as find room, first come, first served.

    Attributes:
        urls: Data URLs in the order in which they were made.
    """

    def __init__(self, budget: int = BUDGET, each: int = EACH, allowed: Mapping[str, int] | None = None) -> None:
        self.urls: list[str] = []
        self._room, self._each, self._allowed, self._spare = budget, each, allowed, 0
        self._known: dict[str, int | None] = {}

    def place_of(self, path: str) -> int | None:
        """The place of a picture in ``urls``; ``None`` when it is left out."""
        if path not in self._known:
            limit = self._room if self._allowed is None else min(self._room, self._allowed.get(path, 0) + self._spare)
            url = self._made(Path(path), limit)
            self._spare = limit - len(url or "")
            self._room -= len(url or "")
            self._known[path] = None if url is None else len(self.urls)
            self.urls += [] if url is None else [url]
        return self._known[path]

    @property
    def left_out(self) -> int:
        """Pictures that are not there, cannot be read, or found no room."""
        return len(self._known) - len(self.urls)

    def _made(self, path: Path, limit: int) -> str | None:
        from PIL import Image

        if limit <= (0 if self._allowed is None else _LEAST // 2):
            return None
        if not is_file(path):
            return None
        try:
            with Image.open(path) as image:
                image.load()
                picture = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None  # Whatever a picture that is no picture brings up; the page says that it is not there.
        limit = min(self._each, limit)
        for side in _SIDES:
            pixels = math.prod(picture.size) * min(1.0, side / max(picture.size)) ** 2
            if side > _SIDES[-1] and pixels * _BYTES_PER_PIXEL > limit:
                continue
            picture.thumbnail((side, side))
            small = _url(picture, "jpeg", quality=80)
            # Drawings are sharper as PNG; that of a photograph is many times larger, and takes its time.
            sharp = _url(picture, "png") if len(small) <= 2 * limit else ""
            if fitting := [url for url in (sharp, small) if 0 < len(url) <= limit]:
                return fitting[0]
        return None


def _url(picture: Image.Image, kind: str, **options: int) -> str:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
