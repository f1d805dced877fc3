"""Pictures are encoded the same in passes of any size, and features stand where the image tokens are."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from tests.golden.material import IMAGES
from visualprm_eval.errors import InputError
from visualprm_eval.prm import features
from visualprm_eval.prm.features import ImageEncoder, ImageShelf, embed
from visualprm_eval.prm.images import load_image

NAMES = ("a01_rgb_100x100.png", "a07_rgb_700x200.png", "a15_rgb_28x80.png", "a03_rgb_400x200.png")


@pytest.fixture
def encoder(prm) -> ImageEncoder:
    return ImageEncoder(prm.checkpoint)


@pytest.mark.parametrize("tiles_per_pass", [1, 3, 13, 1000])
def test_passes_change_nothing(prm, encoder, monkeypatch, tiles_per_pass):
    images = [load_image(IMAGES / name) for name in NAMES]
    expected = [encoder.encode([image])[0] for image in images]
    vision = prm.checkpoint.config.vision
    monkeypatch.setattr(features, "PATCHES_PER_PASS", tiles_per_pass * (vision.image_size // vision.patch_size) ** 2)
    encoded = encoder.encode(images)
    for image, ours, alone in zip(images, encoded, expected, strict=True):
        assert len(ours) == encoder.count(image) * encoder.tokens_per_tile
        assert torch.allclose(ours, alone, atol=1e-5)
    assert encoder.encode([]) == []


def test_features_stand_where_the_image_tokens_are(prm):
    place = prm.checkpoint.model.config.image_token_id
    rows = torch.arange(3 * 64, dtype=torch.float32).view(3, 64)
    ids = torch.tensor([[5, place, 6], [place, place, 7]])
    embedded = embed(prm.checkpoint, ids, [rows[:1], rows[1:]])
    assert torch.equal(embedded[0, 1], rows[0])
    assert torch.equal(embedded[1, :2], rows[1:])
    plain = prm.checkpoint.model.get_input_embeddings()(ids)
    assert torch.equal(embedded[ids != place], plain[ids != place])
    with pytest.raises(InputError, match="3 image tokens for 2 image features"):
        embed(prm.checkpoint, ids, [rows[:2]])


def test_a_shelf_opens_each_picture_once(encoder, tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (30, 30)).save(path)
    shelf = ImageShelf(encoder)
    assert not shelf.holds([path])
    assert shelf.count(path) == 1
    path.unlink()
    assert shelf.count(path) == 1
    assert shelf.holds([path])
    assert shelf.tokens == encoder.tokens_per_tile
    for _ in range(2):
        with pytest.raises(InputError, match="gone"):
            shelf.features([path, tmp_path / "gone.png"])
    assert shelf.tokens == encoder.tokens_per_tile
