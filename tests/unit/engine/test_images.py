"""Pictures of all kinds become tiles; those that cannot are refused by name."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.golden.material import IMAGES
from visualprm_eval.core.errors import InputError
from visualprm_eval.engine.images import choose_grid, count_tiles, load_image, tiles


def original_grid(width, height, size, min_num=1, max_num=12):
    """As the model card writes it."""
    aspect_ratio = width / height
    target_ratios = sorted(
        {
            (i, j)
            for n in range(min_num, max_num + 1)
            for i in range(1, n + 1)
            for j in range(1, n + 1)
            if i * j <= max_num and i * j >= min_num
        },
        key=lambda x: x[0] * x[1],
    )
    best_ratio_diff, best_ratio, area = float("inf"), (1, 1), width * height
    for ratio in target_ratios:
        target_aspect_ratio = ratio[0] / ratio[1]
        ratio_diff = abs(aspect_ratio - target_aspect_ratio)
        if ratio_diff < best_ratio_diff:
            best_ratio_diff, best_ratio = ratio_diff, ratio
        elif ratio_diff == best_ratio_diff and area > 0.5 * size * size * ratio[0] * ratio[1]:
            best_ratio = ratio
    return best_ratio


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([84, 112, 448]), st.integers(1, 12))
def test_grid_is_the_model_cards(width, height, size, max_tiles):
    assert choose_grid(width, height, size, 1, max_tiles) == original_grid(width, height, size, 1, max_tiles)


@pytest.mark.parametrize("size", [56, 448])
def test_grid_of_ties_is_the_model_cards(size):
    """Pictures whose sides are small multiples of each other, where the area decides."""
    for columns in range(1, 13):
        for rows in range(1, 13):
            for scale in (10, 60, 300, 600):
                width, height = columns * scale, rows * scale
                assert choose_grid(width, height, size) == original_grid(width, height, size)


def test_a_larger_grid_of_the_same_shape_must_be_more_than_half_filled():
    """252 x 112 is as near to 2 x 1 as to 4 x 2, and fills exactly half of the latter."""
    assert choose_grid(252, 112, 84) == original_grid(252, 112, 84) == (2, 1)
    assert choose_grid(504, 224, 84) != (2, 1)


@given(st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_number_of_tiles(width, height, use_thumbnail):
    cut = tiles(Image.new("RGB", (width, height)), 14, 6, use_thumbnail=use_thumbnail)
    assert cut.shape == (count_tiles(choose_grid(width, height, 14, 1, 6), use_thumbnail), 3, 14, 14)


def test_tiles_are_cut_row_by_row_with_the_thumbnail_last():
    colours = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2) * 40
    image = Image.fromarray(colours.repeat(28, axis=0).repeat(28, axis=1))
    cut = tiles(image, 28)
    means = [tile[0].mean() for tile in cut]
    assert len(cut) == 7
    assert means[:6] == sorted(means[:6])
    assert torch.allclose(means[6], torch.stack(means[:6]).mean(), atol=0.05)


def test_a_picture_is_the_same_from_a_path_bytes_or_an_object():
    path = IMAGES / "a12_P_trns_224x224.png"
    sources = [path, str(path), path.read_bytes(), Image.open(path)]
    first, *others = [tiles(load_image(source), 84) for source in sources]
    for other in others:
        assert torch.equal(first, other)


def broken_sources(tmp_path):
    whole = (IMAGES / "a02_rgb_640x640.png").read_bytes()
    truncated = tmp_path / "truncated.png"
    truncated.write_bytes(whole[:5000])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    return {
        "missing": (tmp_path / "nowhere.png", "nowhere.png is not there"),
        "truncated": (truncated, "truncated.png is no picture"),
        "text": (str(tmp_path / "text.png"), "text.png is no picture"),
        "empty": (tmp_path / "empty.png", "empty.png is no picture"),
        "folder": (tmp_path, "is no picture"),
        "bytes": (whole[:5000], "5000 bytes is no picture"),
        "no bytes": (b"", "0 bytes is no picture"),
        "no width": (Image.new("RGB", (0, 5)), "size 0 x 5"),
        "nul in the path": ("a\x00b", "is no picture"),
    }


@pytest.mark.parametrize(
    "kind",
    ["missing", "truncated", "text", "empty", "folder", "bytes", "no bytes", "no width", "nul in the path"],
)
def test_what_is_no_picture_is_refused(tmp_path, kind):
    source, message = broken_sources(tmp_path)[kind]
    with pytest.raises(InputError, match=message):
        load_image(source)


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    buffer = io.BytesIO()
    Image.new("L", (50, 50)).save(buffer, "PNG")
    with pytest.raises(InputError, match="too many pixels"):
        load_image(buffer.getvalue())
