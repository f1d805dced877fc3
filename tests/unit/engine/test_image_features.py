"""Pictures are encoded the same in passes of any size, and features stand where the image tokens are."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from tests.golden.material import IMAGES
from visualprm_eval.core.errors import InputError
from visualprm_eval.engine.image_features import ImageEncoder, ImageShelf, embed
from visualprm_eval.engine.images import load_image

NAMES = ("a01_rgb_100x100.png", "a07_rgb_700x200.png", "a15_rgb_28x80.png", "a03_rgb_400x200.png")


@pytest.fixture
def encoder(prm) -> ImageEncoder:
    return ImageEncoder(prm.checkpoint)


@pytest.mark.parametrize("tiles_per_pass", [1, 3, 13, 1000])
def test_passes_change_nothing(encoder, tiles_per_pass):
    images = [load_image(IMAGES / name) for name in NAMES]
    expected = [encoder.encode_tiles([encoder.tiles(image)])[0] for image in images]
    encoder.tiles_per_pass = tiles_per_pass
    encoded = encoder.encode_tiles(map(encoder.tiles, images))
    for image, ours, alone in zip(images, encoded, expected, strict=True):
        assert len(ours) == encoder.count(image) * encoder.tokens_per_tile
        assert torch.allclose(ours, alone, atol=1e-5)
    assert encoder.encode_tiles([]) == []


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


def test_memory_that_runs_out_halves_the_passes(encoder, monkeypatch):
    images = [load_image(IMAGES / name) for name in NAMES]
    expected = encoder.encode_tiles(map(encoder.tiles, images))
    passed = []
    model = encoder._checkpoint.model
    features = model.get_image_features

    def tight(pixels):
        if len(pixels) > 2:
            raise torch.OutOfMemoryError
        passed.append(len(pixels))
        return features(pixels)

    monkeypatch.setattr(model, "get_image_features", tight)
    encoder.tiles_per_pass = 7
    for ours, known in zip(encoder.encode_tiles(map(encoder.tiles, images)), expected, strict=True):
        assert torch.allclose(ours, known, atol=1e-5)
    assert sum(passed) == sum(map(encoder.count, images))
    assert encoder.tiles_per_pass <= 2
    monkeypatch.setattr(model, "get_image_features", lambda _: tight([0, 0, 0]))
    with pytest.raises(torch.OutOfMemoryError):
        encoder.encode_tiles(map(encoder.tiles, images))


def test_a_shelf_opens_each_picture_once(encoder, tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (30, 30)).save(path)
    shelf = ImageShelf(encoder)
    assert shelf.count(path) == 1
    path.unlink()
    assert shelf.count(path) == 1
    for _ in range(2):
        with pytest.raises(InputError, match="gone"):
            shelf.features([path, tmp_path / "gone.png"])


def test_a_shelf_takes_over_pictures_and_cuts_them_ahead(encoder, monkeypatch):
    one, other = ImageShelf(encoder), ImageShelf(encoder)
    paths = [IMAGES / name for name in NAMES]
    counts = [one.count(path) for path in paths[:2]] + [other.count(path) for path in paths[1:]]
    expected = ImageShelf(encoder).features(paths)
    one.take_over(other)
    one.cut()
    assert [one.count(path) for path in (*paths[:2], *paths[1:])] == counts
    monkeypatch.setattr(ImageEncoder, "tiles", None)  # There is nothing left to cut.
    for ours, known in zip(one.features(paths), expected, strict=True):
        assert torch.allclose(ours, known, atol=1e-5)
