"""Pictures of problems as small data URLs, within a limit for each and for all of them."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from visualprm_eval.core.folders import is_file
from visualprm_eval.report.viewer.thumbnail_cache import Copies, default_folder, keep_copies, prune, read_copies

if TYPE_CHECKING:
    from PIL import Image

BUDGET, EACH = 24_000_000, 120_000
"""Bytes for all pictures together, and for one."""
_LEAST = 8_000
"""Bytes of a picture that one can still read; with less for each, only some of a benchmark's pictures are shown."""
_SIDES = (640, 448, 320, 224, 128)
_BYTES_PER_PIXEL = 0.08
"""Of line drawings, which are the smallest; a picture of more pixels than its bytes allow is not tried."""
_GIVEN = 2
"""How many times the bytes that it is allowed a picture may have of what others leave."""
_COLOURS = 8_192
"""A picture of more has a PNG that is longer than its JPEG: it is a photograph."""
_PART_OF_FILE = {"JPEG": 0.3, "PNG": 0.08}
"""By the format of a picture's file how large a part of its bytes per pixel a copy has at least."""
_REDUCING_GAP = 1.5
"""Pillow's way to shrink quickly: by averages down to 1.5 times the size, from there exactly."""
_KINDS = ("jpeg", "png")
_THREADS = 8


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
        folder: Where small copies are kept for the next report; ``None`` for nowhere.

    Attributes:
        urls: Data URLs in the order in which they were asked for, each once.
    """

    def __init__(
        self, budget: int = BUDGET, each: int = EACH, allowed: Mapping[str, int] | None = None,
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        self.urls: list[str] = []
        self._room, self._each, self._allowed, self._spare = budget, each, allowed, 0
        self._folder = folder
        self._known: dict[str, int | None] = {}
        self._places: dict[str, int] = {}
        self._ready: dict[str, Copies] | None = None

    @classmethod
    def of(cls, pictures: Mapping[str, Iterable[str]]) -> Self:
        """For the pictures of benchmarks, which share the room; copies are kept for the next report.

        Args:
            pictures: Paths by benchmark, in the order of the problems.
        """
        return cls(allowed=allowances(pictures), folder=default_folder())

    def place_of(self, path: str) -> int | None:
        """The place of a picture in ``urls``; ``None`` when it is left out."""
        if path not in self._known:
            limit = self._room if self._allowed is None else min(self._room, self._allowed.get(path, 0) + self._spare)
            url = self._fitting(path, limit)
            new = url is not None and url not in self._places
            used = len(url or "") if new else 0  # A file of the same content costs nothing.
            self._spare = limit - used
            self._room -= used
            if url is not None and new:
                self._places[url] = len(self.urls)
                self.urls.append(url)
            self._known[path] = None if url is None else self._places[url]
        return self._known[path]

    @property
    def left_out(self) -> int:
        """Pictures that are not there, cannot be read, or found no room."""
        return sum(place is None for place in self._known.values())

    def _fitting(self, path: str, limit: int) -> str | None:
        """The largest copy of a picture within a limit, sharp where there is the choice."""
        if limit <= (0 if self._allowed is None else _LEAST // 2):
            return None
        limit = min(self._each, limit)
        copies = self._prepared().pop(path, None)
        if copies is None:
            copies = self._copies_of(path, limit)
        for side in sorted(_sides(copies), reverse=True):
            for kind in ("png", "jpeg"):
                url = copies.get(f"{kind}-{side}")
                if isinstance(url, str) and len(url) <= limit:
                    return url
        return None

    def _copies_of(self, path: str, limit: int) -> Copies:
        """Copies of a picture, a larger one too for what others leave."""
        return copies_of(path, limit, _GIVEN * limit, self._folder)

    def _prepared(self) -> dict[str, Copies]:
        """Copies of all pictures that are known, made when the first is asked for: decoding is for many threads."""
        if self._ready is None:
            most = {path: min(self._each, limit) for path, limit in (self._allowed or {}).items() if limit > 0}
            with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
                made = pool.map(self._copies_of, most, most.values())
                self._ready = dict(zip(most, made, strict=True))
            if self._folder is not None:
                prune(self._folder)
        return self._ready


def copies_of(path: str, enough: int, most: int, folder: Path | None = None) -> Copies:
    """Small copies of a picture, from the largest that may fit to the first that does.

    Args:
        path: The picture.
        enough: Bytes of a data URL from which on down no smaller copy is made.
        most: Bytes of the longest that anybody may have use for: a picture may be given what others left.
        folder: Where copies are kept from one report to the next; ``None`` for nowhere.

    Returns:
        No copies where it is no picture: whatever it brings up, the page says that it is not there.
    """
    from PIL import Image

    if not is_file(path):
        return {}
    try:
        data = Path(path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        copies = {} if folder is None else read_copies(folder, digest)
        kept = dict(copies)
        with Image.open(io.BytesIO(data)) as image:
            sides = _tried(image.size, most, _PART_OF_FILE.get(image.format or "", 0) * len(data))
            picture: Image.Image | None = None
            sharp_per_pixel: float | None = 0.0
            for side in sides:
                if not _is_known(copies, side, most):
                    picture = _decoded(image, side) if picture is None else picture
                    picture.thumbnail((side, side), reducing_gap=_REDUCING_GAP)
                    copies |= _encoded(picture, side, most, sharp_per_pixel)
                sharp = copies[f"png-{side}"]
                sharp_per_pixel = None if sharp is None else (len(sharp) if isinstance(sharp, str) else sharp) / side**2
                if any(isinstance(url := copies[f"{kind}-{side}"], str) and len(url) <= enough for kind in _KINDS):
                    break
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return {}
    if folder is not None and copies != kept:
        keep_copies(folder, digest, copies)
    return copies


def _tried(size: tuple[int, int], most: int, least: float) -> list[int]:
    """Longest sides of copies, largest first, without those that cannot be of ``most`` bytes; a copy never grows.

    Args:
        size: Of the picture.
        most: Bytes of a copy.
        least: Bytes that a copy of all its pixels would have at least.
    """
    longest, pixels = max(size), math.prod(size)
    per_pixel = max(_BYTES_PER_PIXEL, least / pixels)
    sides = sorted({min(side, longest) for side in _SIDES}, reverse=True)
    return [side for side in sides if pixels * (side / longest) ** 2 * per_pixel <= most] or sides[-1:]


def _decoded(image: Image.Image, side: int) -> Image.Image:
    """All of a picture, at half its size or less where that is enough for a copy and its format makes it easy."""
    scale = min(1.0, side / max(image.size))
    image.draft(None, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
    return image.convert("RGB")


def _is_known(copies: Copies, side: int, most: int) -> bool:
    """Whether copies of a side were made, and none is missing that is short enough now."""
    for kind in _KINDS:
        found = copies.get(f"{kind}-{side}", 0)
        if isinstance(found, int) and found <= most:
            return False
    return True


def _sides(copies: Copies) -> set[int]:
    return {int(name.partition("-")[2]) for name in copies if "-" in name}


def _encoded(
    picture: Image.Image, side: int, most: int, sharp_per_pixel: float | None
) -> dict[str, str | int | None]:  # fmt: skip
    """A picture as data URLs; drawings are sharper as PNG, that of a photograph is many times larger.

    Args:
        picture: The copy.
        side: Its longest side.
        most: Bytes of a URL; of a longer one there is the length.
        sharp_per_pixel: Bytes that a PNG of it has at least by pixel of a square of that side, which are those of a
            larger copy; ``None`` where none is worth trying.
    """
    small = _url(picture, "jpeg", quality=80)
    sharp: str | int | None = None
    if sharp_per_pixel is not None and (least := round(sharp_per_pixel * side**2)) > most:
        sharp = least
    elif sharp_per_pixel is not None and len(small) <= 2 * most and picture.getcolors(_COLOURS) is not None:
        sharp = _url(picture, "png")
    return {
        f"{kind}-{side}": len(url) if isinstance(url, str) and len(url) > most else url
        for kind, url in (("jpeg", small), ("png", sharp))
    }


def _url(picture: Image.Image, kind: str, **options: int) -> str:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
