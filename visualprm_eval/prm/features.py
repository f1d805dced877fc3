"""Image features: each distinct picture is read, cut and encoded once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from visualprm_eval.errors import InputError
from visualprm_eval.prm.images import ImageSource, choose_grid, count_tiles, image_key, load_image, tiles

if TYPE_CHECKING:
    from PIL import Image

    from visualprm_eval.prm.checkpoint import LoadedCheckpoint

PATCHES_PER_PASS = 16_384
"""Most patches that one pass of the image encoder takes: sixteen tiles of 448 pixels."""


class ImageEncoder:
    """Pictures to features, in batches of tiles.

    Args:
        checkpoint: The model.
    """

    def __init__(self, checkpoint: LoadedCheckpoint) -> None:
        self._checkpoint, self._config = checkpoint, checkpoint.config
        self.tokens_per_tile = self._config.tokens_per_tile
        self._max_tiles = self._config.max_tiles if self._config.dynamic_tiles else 1
        self._min_tiles = self._config.min_tiles if self._config.dynamic_tiles else 1

    def count(self, image: Image.Image) -> int:
        """Number of tiles of a picture, thumbnail included."""
        grid = choose_grid(image.width, image.height, self._config.image_size, self._min_tiles, self._max_tiles)
        return count_tiles(grid, self._config.use_thumbnail)

    def tiles(self, image: Image.Image) -> torch.Tensor:
        """A picture's tiles, float32 [n, 3, S, S]."""
        return tiles(
            image,
            self._config.image_size,
            self._max_tiles,
            min_tiles=self._min_tiles,
            use_thumbnail=self._config.use_thumbnail,
        )

    @torch.inference_mode()
    def encode(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        """Features of pictures, as the language model takes them.

        Returns:
            Per picture [tiles * tokens per tile, hidden size of the language model].
        """
        vision = self._config.vision
        per_pass = max(1, PATCHES_PER_PASS // (vision.image_size // vision.patch_size) ** 2)
        model = self._checkpoint.model
        counts: list[int] = []
        waiting: list[torch.Tensor] = []
        done: list[torch.Tensor] = []
        for number, image in enumerate(images, start=1):
            cut = self.tiles(image)
            counts.append(len(cut) * self.tokens_per_tile)
            waiting.extend(cut)
            while len(waiting) >= per_pass or (waiting and number == len(images)):
                pixels = torch.stack(waiting[:per_pass]).to(self._checkpoint.device, model.dtype)
                done.append(model.get_image_features(pixels).pooler_output.flatten(0, 1))
                del waiting[:per_pass]
        return list(torch.split(torch.cat(done), counts)) if done else []


class ImageShelf:
    """The pictures of one call: each is opened once and encoded once, however many prompts show it.

    Args:
        encoder: What encodes them.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        self.tokens = 0
        """Number of image tokens of all pictures so far."""
        self._encoder = encoder
        self._pictures: dict[Hashable, _Picture | str] = {}
        self._features: dict[Hashable, torch.Tensor] = {}

    def holds(self, sources: Sequence[ImageSource]) -> bool:
        """Whether all these pictures were seen before."""
        return all(image_key(source) in self._pictures for source in sources)

    def count(self, source: ImageSource) -> int:
        """Number of tiles of a picture, thumbnail included.

        Raises:
            InputError: When it cannot be read.
        """
        return self._open(source).tiles

    def features(self, sources: Sequence[ImageSource]) -> list[torch.Tensor]:
        """Features of pictures, each [tiles * tokens per tile, hidden size].

        Raises:
            InputError: When one cannot be read.
        """
        new = {key: self._open(source) for source in sources if (key := image_key(source)) not in self._features}
        encoded = self._encoder.encode([picture.image for picture in new.values()])
        self._features.update(zip(new, encoded, strict=True))
        return [self._features[image_key(source)] for source in sources]

    def _open(self, source: ImageSource) -> _Picture:
        key = image_key(source)
        if key not in self._pictures:
            try:
                image = load_image(source)
            except InputError as error:
                self._pictures[key] = str(error)
            else:
                self._pictures[key] = _Picture(source, image, tiles := self._encoder.count(image))
                self.tokens += tiles * self._encoder.tokens_per_tile
        found = self._pictures[key]
        if isinstance(found, str):
            raise InputError(found)
        return found


@dataclass(frozen=True, slots=True)
class _Picture:
    """An opened picture; the source is kept so that no other object can take its identity meanwhile."""

    source: ImageSource
    image: Image.Image
    tiles: int


def embed(checkpoint: LoadedCheckpoint, ids: torch.Tensor, features: Sequence[torch.Tensor]) -> torch.Tensor:
    """What the language model reads: embeddings of tokens, with image features in the places of image tokens.

    Args:
        checkpoint: The model.
        ids: Token ids [B, L].
        features: Features of all images in the order of their places, row by row, each [tokens, hidden size].

    Returns:
        [B, L, hidden size].

    Raises:
        InputError: When there are more or fewer places than features.
    """
    model = checkpoint.model
    embeddings: torch.Tensor = model.get_input_embeddings()(ids)
    places = ids == model.config.image_token_id
    number = sum(map(len, features))
    if int(places.sum()) != number:
        raise InputError(f"{int(places.sum())} image tokens for {number} image features")
    if number:
        embeddings[places] = torch.cat(list(features)).to(embeddings.dtype)
    return embeddings
