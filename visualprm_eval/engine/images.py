"""Images to tiles as InternVL's model card does it, on any version of Pillow."""

from __future__ import annotations

import io
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from visualprm_eval.core.errors import InputError
from visualprm_eval.core.pictures import upright

if TYPE_CHECKING:
    import torch

ImageSource = Image.Image | str | Path | bytes
"""A picture, or the path or the bytes of a picture file."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with a way of its own to be shown.

    Attributes:
        source: The picture.
        max_tiles: Most tiles, thumbnail not counted; ``None`` for what the checkpoint says.
        upscale: Whether it is first made twice as wide and twice as high.
        as_is: Whether it is read as its file is: a problem's pictures were turned and scaled when the problem was made,
            unless somebody wanted them raw.
    """

    source: ImageSource
    max_tiles: int | None = None
    upscale: bool = False
    as_is: bool = False


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def load_image(source: ImageSource | Picture) -> Image.Image:
    """Reads a picture, upright and in eight bits, and converts it to RGB; transparency is dropped, not composited.

    Raises:
        InputError: When there is no such file, or it is no picture, damaged, of size zero or absurdly large.
    """
    if isinstance(source, Picture):
        image = _read(source.source, as_is=source.as_is)
        larger = (2 * image.width, 2 * image.height)
        return image.resize(larger, Image.Resampling.BILINEAR) if source.upscale else image
    return _read(source, as_is=False)


def _read(source: ImageSource, *, as_is: bool) -> Image.Image:
    name = _name(source)
    try:
        if isinstance(source, Image.Image):
            image = (source if as_is else upright(source)[0]).convert("RGB")
        else:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
                image = (opened if as_is else upright(opened)[0]).convert("RGB")
    except FileNotFoundError:
        raise InputError(f"{name} is not there; expected a picture file") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{name} has too many pixels ({error}); scale it down first") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        # Pillow's readers raise each of these for damaged files of one kind or another.
        raise InputError(f"{name} is no picture that can be read ({error})") from error
    if 0 in image.size:
        raise InputError(f"{name} has size {image.width} x {image.height}; expected at least one pixel")
    return image


def image_key(source: ImageSource | Picture) -> Hashable:
    """What tells pictures of one call apart; equal keys are one picture."""
    if isinstance(source, Picture):
        return image_key(source.source), source.max_tiles, source.upscale, source.as_is
    return ("object", id(source)) if isinstance(source, Image.Image) else (type(source).__name__, source)


@lru_cache(maxsize=16)
def _grids(min_tiles: int, max_tiles: int) -> tuple[tuple[int, int], ...]:
    """All grids (columns, rows) with an allowed number of tiles, smallest number first."""
    sides = range(1, max_tiles + 1)
    grids = [(columns, rows) for columns in sides for rows in sides if min_tiles <= columns * rows <= max_tiles]
    return tuple(sorted(grids, key=lambda grid: (grid[0] * grid[1], grid)))


def choose_grid(width: int, height: int, size: int, min_tiles: int = 1, max_tiles: int = 12) -> tuple[int, int]:
    """The grid whose shape is nearest to the picture's.

    Of equally near grids a larger one wins if the picture fills more than half of it.

    Args:
        width: Of the picture in pixels.
        height: Of the picture in pixels.
        size: Side of a tile in pixels.
        min_tiles: Fewest tiles.
        max_tiles: Most tiles.

    Returns:
        Number of columns and of rows.
    """
    aspect = width / height
    best, best_distance = (1, 1), float("inf")
    for columns, rows in _grids(min_tiles, max_tiles):
        distance = abs(aspect - columns / rows)
        if distance < best_distance or (
            distance == best_distance and width * height > 0.5 * size * size * columns * rows
        ):
            best, best_distance = (columns, rows), distance
    return best


def count_tiles(grid: tuple[int, int], use_thumbnail: bool = True) -> int:
    """Number of tiles of a picture cut by ``grid``, thumbnail included."""
    number = grid[0] * grid[1]
    return number + 1 if use_thumbnail and number > 1 else number


def tiles(
    image: Image.Image, size: int, max_tiles: int = 12, *, min_tiles: int = 1, use_thumbnail: bool = True
) -> torch.Tensor:
    """Cuts a picture into tiles, row by row, with a thumbnail of the whole at the end when there are several.

    Args:
        image: An RGB picture.
        size: Side of a tile S in pixels.
        max_tiles: Most tiles, thumbnail not counted.
        min_tiles: Fewest tiles.
        use_thumbnail: Whether there is a thumbnail.

    Returns:
        float32 [n, 3, S, S], normalised with ImageNet's mean and standard deviation.
    """
    import torch  # Who only counts tiles needs none.

    columns, rows = choose_grid(image.width, image.height, size, min_tiles, max_tiles)
    pixels = np.asarray(_resize(image, size * columns, size * rows))
    parts = pixels.reshape(rows, size, columns, size, 3).transpose(0, 2, 1, 3, 4).reshape(-1, size, size, 3)
    if use_thumbnail and len(parts) > 1:
        parts = np.concatenate([parts, np.asarray(_resize(image, size, size))[None]])
    values = torch.from_numpy(np.ascontiguousarray(parts.transpose(0, 3, 1, 2))).to(torch.float32).div_(255)
    mean, std = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (IMAGENET_MEAN, IMAGENET_STD))
    return values.sub_(mean).div_(std)


def _resize(image: Image.Image, width: int, height: int) -> Image.Image:
    """Bicubic, first the width and then the height.

    Pillow 13 takes the height first when it shrinks more (python-pillow/Pillow#9549), which changes pixels by up to 25
    grey levels; two calls fix the order that the models were trained with.
    """
    bicubic = Image.Resampling.BICUBIC
    return image.resize((width, image.height), bicubic).resize((width, height), bicubic)


def _name(source: ImageSource) -> str:
    if isinstance(source, str | Path):
        return f"image {source}"
    return f"an image of {len(source)} bytes" if isinstance(source, bytes) else "an image"
