"""Image features: each distinct picture is read, cut and encoded once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from visualprm_eval.core.errors import InputError
from visualprm_eval.engine.images import ImageSource, Picture, choose_grid, count_tiles, image_key, load_image, tiles
from visualprm_eval.engine.out_of_memory import ran_out

if TYPE_CHECKING:
    from PIL import Image

    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

PATCHES_PER_PASS = 16_384
"""Most patches that one pass of the image encoder takes on a GPU: sixteen tiles of 448 pixels."""
CPU_BYTES_PER_PASS = 4 << 20
"""Size of the largest activation of a pass on a processor, where one tile at a time was fastest; see ``bench``."""


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
    def encode_tiles(self, pictures: Iterable[torch.Tensor]) -> list[torch.Tensor]:
        """Features of pictures that are cut already; tiles of several share passes.

        Args:
            pictures: Tiles of each, float32 [n, 3, S, S].

        Returns:
            As ``encode``.
        """
        counts: list[int] = []
        waiting: list[torch.Tensor] = []
        done: list[torch.Tensor] = []
        for cut in pictures:
            counts.append(len(cut) * self.tokens_per_tile)
            waiting.extend(cut)
            while len(waiting) >= self.tiles_per_pass:
                full, waiting = waiting[: self.tiles_per_pass], waiting[self.tiles_per_pass :]
                done += self._pass(full)
        done += self._pass(waiting) if waiting else []
        return list(torch.split(torch.cat(done), counts)) if done else []

    def _pass(self, tiles_: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Features of some tiles; memory that runs out halves the passes from then on.

        Raises:
            RuntimeError: When memory does not suffice for even one tile.
        """
        model = self._checkpoint.model
        try:
            pixels = torch.stack(list(tiles_)).to(self._checkpoint.device, model.dtype)
            return [model.get_image_features(pixels).pooler_output.flatten(0, 1)]
        except RuntimeError as error:
            if len(tiles_) == 1 or not ran_out(error):
                raise
            self.tiles_per_pass = max(1, len(tiles_) // 2)
        size = self.tiles_per_pass
        return [part for first in range(0, len(tiles_), size) for part in self._pass(tiles_[first : first + size])]

    @cached_property
    def tiles_per_pass(self) -> int:
        """Most tiles of a pass: on a processor the MLP's activations should stay in its cache."""
        vision = self._config.vision
        patches = (vision.image_size // vision.patch_size) ** 2
        if self._checkpoint.device.type == "cpu":
            return max(1, CPU_BYTES_PER_PASS // (4 * patches * vision.intermediate_size))
        return max(1, PATCHES_PER_PASS // patches)


class ImageShelf:
    """The pictures of one call: each is opened once and encoded once, however many prompts show it.

    Args:
        encoder: What encodes them.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder = encoder
        self._pictures: dict[Hashable, _Opened | str] = {}
        self._tiles: dict[Hashable, torch.Tensor] = {}
        self._features: dict[Hashable, torch.Tensor] = {}

    def count(self, source: ImageSource | Picture) -> int:
        """Number of tiles of a picture, thumbnail included.

        Raises:
            InputError: When it cannot be read.
        """
        return self._open(source).tiles

    def take_over(self, other: ImageShelf) -> None:
        """Takes the pictures of another shelf that are not here yet."""
        self._pictures = {**other._pictures, **self._pictures}
        self._tiles = {**other._tiles, **self._tiles}
        self._features = {**other._features, **self._features}

    def cut(self) -> None:
        """Cuts all pictures into tiles, so that only the encoding is left to do."""
        for key, picture in self._pictures.items():
            if isinstance(picture, _Opened) and key not in self._features and key not in self._tiles:
                self._tiles[key] = self._encoder.tiles(picture.image, picture.max_tiles)

    def features(self, sources: Sequence[ImageSource | Picture]) -> list[torch.Tensor]:
        """Features of pictures, each [tiles * tokens per tile, hidden size].

        Raises:
            InputError: When one cannot be read.
        """
        new = {key: self._open(source) for source in sources if (key := image_key(source)) not in self._features}
        cut = (self._tiles.pop(key, None) for key in new)
        tiles_ = (
            self._encoder.tiles(each.image, each.max_tiles) if ready is None else ready
            for each, ready in zip(new.values(), cut, strict=True)
        )
        self._features.update(zip(new, self._encoder.encode_tiles(tiles_), strict=True))
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
                self._pictures[key] = _Opened(source, image, limit, self._encoder.count(image, limit))
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
