"""Pictures are turned upright and scaled to eight bits, whatever file they come in, and only those that need it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin, features

from visualprm_eval.core.pictures import RULES, described, png_of, upright, upright_copy

GOLDEN = Path(__file__).parents[2] / "golden"
UPRIGHT = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10)
"""Four pixels wide and two high, all different."""


def lying(orientation: int, image: Image.Image = UPRIGHT) -> Image.Image:
    """The picture as a camera stores it that notes an orientation."""
    back = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation)
    noted = image.copy()
    noted.getexif()[0x0112] = back or 1
    return ImageOps.exif_transpose(noted)


def saved(image: Image.Image, kind: str, orientation: int | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_pictures_are_turned_upright(kind: str, orientation: int) -> None:
    exact = kind != "JPEG"
    picture = UPRIGHT if exact else UPRIGHT.resize((64, 32), Image.Resampling.BICUBIC)
    options = {"lossless": True} if kind == "WEBP" else {} if exact else {"quality": 100, "subsampling": 0}
    image, done = upright(opened(saved(lying(orientation, picture), kind, orientation, **options)))
    difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - np.asarray(picture))
    assert difference.max() <= (0 if exact else 3)
    assert done == ("" if orientation == 1 or kind == "TIFF" else "turned upright")  # Pillow itself turns TIFF files.
    again, done = upright(image)
    assert (again.size, done) == (picture.size, ""), "what was turned says no more that it should be"


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "MPO", "AVIF"])
def test_the_bytes_of_a_file_tell_that_it_lies(kind: str, orientation: int) -> None:
    """AVIF keeps no EXIF of it: boxes of the file say how it is turned."""
    if not features.check("avif") and kind == "AVIF":
        pytest.skip("this Pillow cannot write AVIF")
    picture = UPRIGHT.resize((64, 32), Image.Resampling.BICUBIC)
    png, done = png_of(saved(lying(orientation, picture), kind, orientation, quality=100))
    assert done == "turned upright"
    difference = np.abs(np.asarray(opened(png)).astype(int) - np.asarray(picture))
    assert difference.mean() <= 6


def test_an_orientation_may_stand_in_xmp() -> None:
    note = PngImagePlugin.PngInfo()
    note.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    data = saved(lying(6), "PNG", pnginfo=note)
    assert np.array_equal(np.asarray(upright(opened(data))[0]), np.asarray(UPRIGHT))
    assert png_of(data) is not None


GREY = np.array([[0, 64], [128, 255]], dtype=np.uint8)


@pytest.mark.parametrize(
    "wide",
    [
        Image.fromarray(GREY.astype(np.uint16) * 257), Image.fromarray((GREY.astype(np.int32)) * 257),
        Image.fromarray(GREY.astype(np.float32) / 255), Image.fromarray(GREY.astype(np.float32)),
        Image.fromarray(GREY.astype(np.float32) * 300 - 5), Image.fromarray(GREY.astype(np.int32) * 100_000),
        Image.fromarray(GREY.astype(np.int32)), Image.fromarray((GREY.astype(np.uint16) * 257).astype(">u2")),
    ],
    ids=["I;16", "I up to 16 bits", "F from 0 to 1", "F from 0 to 255", "F beyond", "I beyond", "I of 8 bits", "I;16B"],
)  # fmt: skip
def test_wide_greys_become_eight_bits(wide: Image.Image) -> None:
    scaled, done = upright(wide)
    assert np.array_equal(np.asarray(scaled.convert("RGB"))[..., 0], GREY)
    assert np.asarray(wide).max() > 1 or wide.mode == "F"
    assert (done == "scaled to 8 bits") == (scaled is not wide)


def test_a_png_of_sixteen_bits_is_not_white_and_may_lie_on_its_side_too() -> None:
    grey = np.full((2, 3), 30_000, dtype=np.uint16)
    grey[0, 0] = 0
    wide = Image.fromarray(grey)
    assert opened(saved(wide, "PNG")).convert("RGB").getpixel((2, 1)) == (255, 255, 255), (
        "what a plain reader makes of it"
    )
    data = saved(wide.transpose(Image.Transpose.ROTATE_90), "PNG", 6)
    found, done = png_of(data) or (b"", "")
    assert done == "scaled to 8 bits and turned upright"
    assert np.array_equal(np.asarray(opened(found)), np.rint(grey / 257).astype(np.uint8))
    assert opened(found).getexif() == {}


def palette() -> Image.Image:
    image = UPRIGHT.quantize(8)
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    "data",
    [
        saved(UPRIGHT, "PNG"), saved(UPRIGHT, "JPEG"), saved(UPRIGHT, "JPEG", 1), saved(UPRIGHT, "PNG", 1),
        saved(UPRIGHT, "PNG", 77), saved(palette(), "PNG"), saved(palette(), "GIF"), saved(UPRIGHT.convert("L"), "PNG"),
        saved(UPRIGHT.convert("LA"), "PNG"), saved(UPRIGHT.convert("RGBA"), "PNG"),
        saved(UPRIGHT.convert("CMYK"), "JPEG"),
        saved(UPRIGHT.convert("1"), "PNG"), saved(UPRIGHT, "BMP"), saved(UPRIGHT, "GIF", save_all=True,
        append_images=[UPRIGHT.rotate(180)]), saved(UPRIGHT, "JPEG", exif=b"Exif\0\0MM\0*broken"), b"", b"no picture",
        saved(UPRIGHT, "PNG", 6)[:90],
    ],
)  # fmt: skip
def test_all_others_stay_as_they_are(data: bytes) -> None:
    assert png_of(data) is None


def test_colours_that_a_png_has_not_become_rgb_where_one_is_written() -> None:
    cmyk = saved(UPRIGHT.convert("CMYK"), "JPEG", quality=100)
    assert png_of(cmyk) is None
    png, done = png_of(cmyk, as_png=True)
    assert done == "converted to RGB"
    with Image.open(io.BytesIO(png)) as written, Image.open(io.BytesIO(cmyk)) as given:
        assert np.array_equal(np.asarray(written), np.asarray(given.convert("RGB")))
    assert png_of(saved(lying(6).convert("CMYK"), "JPEG", 6), as_png=True)[1] == "turned upright"


def test_no_golden_picture_is_touched() -> None:
    files = [file for file in GOLDEN.rglob("*") if file.suffix in {".png", ".jpg", ".jpeg", ".webp", ".bmp"}]
    assert len(files) > 10
    assert [file.name for file in files if png_of(file.read_bytes()) is not None] == []


def test_copies_lie_apart_and_the_file_is_not_changed(tmp_path: Path) -> None:
    data = saved(lying(6), "PNG", 6)
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "b.png").write_bytes(saved(UPRIGHT, "PNG"))
    copy, done = upright_copy(tmp_path / "a.png", tmp_path / "cache")
    assert (copy.parent, done) == (tmp_path / "cache" / RULES, "turned upright")
    assert np.array_equal(np.asarray(Image.open(copy)), np.asarray(UPRIGHT))
    assert (tmp_path / "a.png").read_bytes() == data
    made = copy.stat().st_mtime_ns
    assert upright_copy(tmp_path / "a.png", tmp_path / "cache") == (copy, done)
    assert copy.stat().st_mtime_ns == made, "made once"
    assert upright_copy(tmp_path / "b.png", tmp_path / "cache") == (tmp_path / "b.png", "")
    assert upright_copy(tmp_path / "gone.png", tmp_path / "cache") == (tmp_path / "gone.png", "")
    assert [file.name for file in (tmp_path / "cache").rglob("*.*")] == [copy.name]


def test_what_was_done_is_said_with_which() -> None:
    assert described({}) == ""
    changes = {str(index): "turned upright" for index in range(22)} | {"x": "scaled to 8 bits"}
    said = described(changes)
    assert said.startswith("23 rows with pictures that were turned upright or scaled to 8 bits: 0, 1, 2, ")
    assert said.endswith("19 and 3 more")
