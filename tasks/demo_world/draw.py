"""Pictures of the demo world, drawn with Pillow at four times their size and reduced, so that edges are smooth."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from visualprm_eval.tasks.demo_world.world import PICTURE_SIZE, Item, Scene

RGB = {"red": (222, 55, 60), "blue": (45, 105, 215), "green": (45, 160, 85), "yellow": (246, 190, 35)}
_PAPER, _LINE, _INK = (250, 249, 245), (218, 218, 224), (45, 45, 55)
_SCALE = 4
_PIPS = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    5: ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)),
    6: ((-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)),
}


class _Canvas:
    """Drawing in picture coordinates (pixels of the finished picture, floats allowed)."""

    def __init__(self) -> None:
        side = PICTURE_SIZE * _SCALE
        self.image = Image.new("RGB", (side, side), _PAPER)
        self._draw = ImageDraw.Draw(self.image)

    @staticmethod
    def _scaled(points: list[tuple[float, float]]) -> list[tuple[int, int]]:
        return [(round(x * _SCALE), round(y * _SCALE)) for x, y in points]

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: tuple[int, int, int]) -> None:
        self._draw.line(self._scaled([start, end]), fill=colour, width=_SCALE)

    def box(
        self, corner: tuple[float, float], size: tuple[float, float], colour: tuple[int, int, int], radius: float = 0
    ) -> None:
        (x, y), (width, height) = corner, size
        corners = self._scaled([(x, y), (x + width, y + height)])
        self._draw.rounded_rectangle(corners, radius * _SCALE, fill=colour, outline=_INK, width=_SCALE)

    def disc(self, x: float, y: float, radius: float) -> None:
        self._draw.ellipse(self._scaled([(x - radius, y - radius), (x + radius, y + radius)]), fill=_PAPER)


def _draw_bar(canvas: _Canvas, item: Item) -> None:
    height = 10 * item.value
    canvas.box((28 * item.place[0] + 6, 106 - height), (16, height), RGB[item.colour])


def _draw_die(canvas: _Canvas, item: Item) -> None:
    x, y = 56 * item.place[0] + 28, 56 * item.place[1] + 28
    canvas.box((x - 22, y - 22), (44, 44), RGB[item.colour], radius=7)
    for dx, dy in _PIPS[item.value]:
        canvas.disc(x + 12 * dx, y + 12 * dy, 4.5)


_DRAW = {"bars": _draw_bar, "dice": _draw_die}


def picture(scene: Scene) -> Image.Image:
    """The scene's picture: RGB, ``PICTURE_SIZE`` x ``PICTURE_SIZE`` pixels."""
    canvas = _Canvas()
    for level in range(10 if scene.family == "bars" else 0):  # The faint lines behind the items.
        canvas.line((0, 106 - 10 * level), (PICTURE_SIZE, 106 - 10 * level), _INK if level == 0 else _LINE)
    for item in scene.items:
        _DRAW[scene.family](canvas, item)
    return canvas.image.reduce(_SCALE)


def png(scene: Scene) -> bytes:
    """The scene's picture as a PNG file."""
    buffer = io.BytesIO()
    picture(scene).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
