"""Tiles of every image at every tile size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.golden.material import DATA, IMAGES, tile_reference
from visualprm_eval.engine.images import IMAGENET_MEAN, IMAGENET_STD, choose_grid, load_image, tiles

SIZES = [(name, size) for name, image in tile_reference()["images"].items() for size in image["sizes"]]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_tiles(name, size):
    known = tile_reference()["images"][name]["sizes"][size]
    image = load_image(IMAGES / name)
    cut = tiles(image, int(size))
    assert list(choose_grid(image.width, image.height, int(size))) == known["grid"]
    assert len(cut) == known["num_tiles"]
    assert cut.dtype == torch.float32
    grey_levels = (cut * torch.tensor(IMAGENET_STD).view(3, 1, 1) + torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) * 255
    places = tile_reference()["sample_index"][size]
    for tile, grey, facts in zip(cut, grey_levels, known["tiles"], strict=True):
        np.testing.assert_allclose(tile.flatten()[places].numpy(), facts["samples"], rtol=0, atol=1e-6)
        assert int(grey.double().round().sum()) == facts["uint8_sum"]
        assert float(tile.double().abs().sum()) == pytest.approx(facts["abs_sum"], rel=1e-7)


def test_whole_tensors():
    with np.load(DATA / "tiles_full.npz") as arrays:
        for key in arrays.files:
            name, size = key.split("@")
            np.testing.assert_allclose(
                tiles(load_image(IMAGES / name), int(size)).numpy(), arrays[key], rtol=0, atol=1e-6
            )
