"""Image features: each distinct picture is read, cut and encoded once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from visualprm_eval.errors import InputError
from visualprm_eval.prm.images import ImageSource, Picture, choose_grid, count_tiles, image_key, load_image, tiles

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

    def count(self, image: Image.Image, max_tiles: int | None = None) -> int:
        """Number of tiles of a picture, thumbnail included; ``max_tiles`` overrides the checkpoint's limit."""
        low, high = self._limits(max_tiles)
        grid = choose_grid(image.width, image.height, self._config.image_size, low, high)
        return count_tiles(grid, self._config.use_thumbnail)

    def tiles(self, image: Image.Image, max_tiles: int | None = None) -> torch.Tensor:
        """A picture's tiles, float32 [n, 3, S, S]; ``max_tiles`` overrides the checkpoint's limit."""
        low, high = self._limits(max_tiles)
        return tiles(image, self._config.image_size, high, min_tiles=low, use_thumbnail=self._config.use_thumbnail)

    def _limits(self, max_tiles: int | None) -> tuple[int, int]:
        """Fewest and most tiles; a checkpoint that knows one tile only gets no more."""
        if max_tiles is None or not self._config.dynamic_tiles:
            return self._min_tiles, self._max_tiles
        return min(self._min_tiles, max_tiles), max_tiles

    @torch.inference_mode()
    def encode(self, images: Sequence[Image.Image], limits: Sequence[int | None] | None = None) -> list[torch.Tensor]:
        """Features of pictures, as the language model takes them.

        Args:
            images: Opened pictures.
            limits: Most tiles of each; ``None`` for what the checkpoint says.

        Returns:
            Per picture [tiles * tokens per tile, hidden size of the language model].
        """
        vision = self._config.vision
        per_pass = max(1, PATCHES_PER_PASS // (vision.image_size // vision.patch_size) ** 2)
        model = self._checkpoint.model
        counts: list[int] = []
        waiting: list[torch.Tensor] = []
        done: list[torch.Tensor] = []
        for number, (image, limit) in enumerate(zip(images, limits or [None] * len(images), strict=True), start=1):
            cut = self.tiles(image, limit)
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
        self._pictures: dict[Hashable, _Opened | str] = {}
        self._features: dict[Hashable, torch.Tensor] = {}

    def holds(self, sources: Sequence[ImageSource | Picture]) -> bool:
        """Whether all these pictures were seen before."""
        return all(image_key(source) in self._pictures for source in sources)

    def count(self, source: ImageSource | Picture) -> int:
        """Number of tiles of a picture, thumbnail included.

        Raises:
            InputError: When it cannot be read.
        """
        return self._open(source).tiles

    def features(self, sources: Sequence[ImageSource | Picture]) -> list[torch.Tensor]:
        """Features of pictures, each [tiles * tokens per tile, hidden size].

        Raises:
            InputError: When one cannot be read.
        """
        new = {key: self._open(source) for source in sources if (key := image_key(source)) not in self._features}
        encoded = self._encoder.encode([each.image for each in new.values()], [each.max_tiles for each in new.values()])
        self._features.update(zip(new, encoded, strict=True))
        return [self._features[image_key(source)] for source in sources]

    def _open(self, source: ImageSource | Picture) -> _Opened:
        key = image_key(source)
        if key not in self._pictures:
            try:
                image = load_image(source)
            except InputError as error:
                self._pictures[key] = str(error)
            else:
                limit = source.max_tiles if isinstance(source, Picture) else None
                self._pictures[key] = _Opened(source, image, limit, tiles := self._encoder.count(image, limit))
                self.tokens += tiles * self._encoder.tokens_per_tile
        found = self._pictures[key]
        if isinstance(found, str):
            raise InputError(found)
        return found


@dataclass(frozen=True, slots=True)
class _Opened:
    """An opened picture; the source is kept so that no other object can take its identity meanwhile."""

    source: ImageSource | Picture
    image: Image.Image
    max_tiles: int | None
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
