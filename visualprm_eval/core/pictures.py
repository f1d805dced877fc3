"""A picture as it is meant to be seen: upright, and in eight bits. What reads picture files turns and scales them here.

A photograph that was taken with the camera held upright is stored lying on its side, with a note (EXIF) of how to turn
it; a drawing may have sixteen bits of grey, which readers that know eight show as nearly white. Neither Pillow nor the
servers of models agree on what to do. The files themselves are never changed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

from PIL import ExifTags, Image

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.folders import is_file
from visualprm_eval.core.words import first_few

RULES = "upright-1"
"""The version of the rules here, which the ids of problems with changed pictures have in them."""

AS_THEY_ARE = "pictures are shown as their files are (--pictures raw)"

_WIDE = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
"""Pillow's modes of one channel with more than eight bits."""
_WHITE_16 = 65_535

_NO_PNG = ("CMYK", "YCbCr", "LAB", "HSV")
"""Pillow's modes of colours that it cannot write as a PNG."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""How to turn a picture, by the number of its orientation."""

_NOTES = (b"Exif", b"eXIf", b"EXIF", b"rientation", b"Raw profile type", b"irot", b"imir")
"""What a file's bytes hold where it may say how to turn the picture: in EXIF, XMP, a text of a PNG, or boxes."""

_SAYING = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Raw profile type APP1")
"""Where Pillow keeps these."""

_SHOWN = 20


def upright(image: Image.Image) -> tuple[Image.Image, str]:
    """A picture turned and scaled, and what was done to it: ``""`` where it was already as it is meant to be seen.

    Of several frames it is the first. Colours and transparency stay.

    Args:
        image: An open picture.

    Raises:
        OSError, ValueError, SyntaxError, EOFError, MemoryError: It cannot be read.
    """
    image.load()  # Some formats are turned while they are read, and say no more that they should be.
    turn, done = _TURNS.get(_orientation(image)), []
    if image.mode in _WIDE and (scaled := _eight_bits(image)) is not None:
        image = scaled
        done.append("scaled to 8 bits")
    if turn is not None:
        image = image.transpose(turn)
        # Else whoever asks again would turn it again.
        image.info = {name: value for name, value in image.info.items() if name not in _SAYING}
        done.append("turned upright")
    return image, " and ".join(done)


def png_of(data: bytes, *, as_png: bool = False) -> tuple[bytes, str] | None:
    """A picture file as a PNG of the picture as it is meant to be seen, and what was done.

    Args:
        data: The file's bytes.
        as_png: Whether somebody will write the picture as a PNG, of which some colours must be made RGB before.

    Returns:
        ``None`` where nothing is to be done, or the file cannot be read, of which whoever opens it will tell.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            is_foreign = as_png and opened.mode in _NO_PNG
            if opened.mode not in _WIDE and not is_foreign and not any(note in data for note in _NOTES):
                return None
            image, done = upright(opened)
            done = done or ("converted to RGB" if is_foreign else "")
            if not done:
                return None
            plain = Image.new(mode := image.mode if image.mode == "L" else "RGB", image.size)
            plain.paste(image.convert(mode))  # Without what the file says beside its pixels.
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return None
    buffer = io.BytesIO()
    plain.save(buffer, "PNG")
    return buffer.getvalue(), done


def size_of(picture: Path | bytes) -> tuple[int, int] | None:
    """Width and height of a picture file, or of one's bytes, by its head alone; ``None`` where it cannot be read."""
    if not (isinstance(picture, bytes) or is_file(picture)):
        return None
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return None


def upright_copy(picture: Path, folder: Path) -> tuple[Path, str]:
    """A picture file as it is meant to be seen: itself, or a copy.

    Args:
        picture: The file, which is not changed.
        folder: Where copies are; they are named by the content of the file, and appear whole or not at all.

    Returns:
        The file or its copy, and what was done to it.

    Raises:
        OSError: A copy cannot be written.
    """
    if not is_file(picture):  # Some devices never end.
        return picture, ""
    try:
        data = picture.read_bytes()
    except OSError:  # Whoever opens it will tell.
        return picture, ""
    if (made := png_of(data)) is None:
        return picture, ""
    copy = folder / RULES / f"{hashlib.sha256(data).hexdigest()[:32]}.png"
    if not copy.is_file():
        write_atomically(copy, made[0], durable=False)
    return copy, made[1]


def described(changes: Mapping[str, str], what: str = "row") -> str:
    """How many had their pictures changed, and which, in words; ``""`` for none.

    Args:
        changes: Which, and what was done to their pictures.
        what: What one of them is.
    """
    if not changes:
        return ""
    kinds = " or ".join(dict.fromkeys(changes.values()))
    many = what if len(changes) == 1 else f"{what}s"
    return f"{len(changes):,} {many} with pictures that were {kinds}: {first_few([*changes], _SHOWN)}"


def _orientation(image: Image.Image) -> int:
    """The number by which a picture says how to turn it; 1 for not at all."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - Pillow raises whatever it stumbles over in a broken note; the picture is whole
        return 1
    return found if isinstance(found, int) else 1


def _eight_bits(image: Image.Image) -> Image.Image | None:
    """A picture of one wide channel with white as 255; ``None`` where its numbers are from 0 to 255 as they are."""
    import numpy as np

    numbers = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(numbers.min(initial=0)), float(numbers.max(initial=0))
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        low, high = 0.0, float(_WHITE_16)  # Older versions of Pillow hold sixteen bits in thirty-two.
    elif low >= 0 and high <= 1 and image.mode == "F":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        return None
    elif low >= 0 and high <= _WHITE_16 and image.mode == "I":
        low, high = 0.0, float(_WHITE_16)
    scaled = np.rint((numbers - low) * (255 / (high - low)))
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
