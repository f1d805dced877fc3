"""Pictures of problems as small data URLs, within a limit for each and for all of them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

__all__ = ["Thumbnails"]

_SIDES = (640, 448, 320, 224, 128)


class Thumbnails:
    """Makes each picture small once.

    Args:
        budget: Bytes for all pictures together.
        each: Bytes for one picture.

    Attributes:
        urls: Data URLs in the order in which they were made.
        left_out: Pictures that are not there, cannot be read, or found no room.
    """

    def __init__(self, budget: int = 24_000_000, each: int = 120_000) -> None:
        self.urls: list[str] = []
        self.left_out = 0
        self._room, self._each = budget, each
        self._known: dict[str, int | None] = {}

    def place_of(self, path: str) -> int | None:
        """The place of a picture in ``urls``; ``None`` when it is left out."""
        if path not in self._known:
            url = self._made(Path(path))
            if url is None:
                self.left_out += 1
            else:
                self._room -= len(url)
                self.urls.append(url)
            self._known[path] = None if url is None else len(self.urls) - 1
        return self._known[path]

    def _made(self, path: Path) -> str | None:
        from PIL import Image

        if self._room <= 0:
            return None
        try:
            with Image.open(path) as image:
                image.load()
                picture = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return None  # Whatever a picture that is no picture brings up; the page says that it is not there.
        limit = min(self._each, self._room)
        for side in _SIDES:
            picture.thumbnail((side, side))
            for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 80})):
                data = io.BytesIO()
                picture.save(data, kind, **options)
                url = f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
                if len(url) <= limit:
                    return url
        return None
