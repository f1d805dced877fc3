"""Scoring N candidates: the model card's procedure against the engine, on the same random weights in one process.

Rounds of both ways alternate, and ratios are taken within a round, so that a busy machine is busy for both; the figures
are medians over the rounds. The card's way is measured on one candidate and counted N times, which is what it does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.bench import flops
from visualprm_eval.bench.clocks import CLOCKS, Stopwatch
from visualprm_eval.bench.machine import machine
from visualprm_eval.bench.scoring_rows import Round, Row, Setting, row_of, table, write_csv
from visualprm_eval.bench.shapes import GRIDS, PRESETS, Material, material, random_checkpoint
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.progress import Tracker, track

if TYPE_CHECKING:
    from visualprm_eval.engine.visualprm import VisualPRM

HELP = "N candidates at once against one forward pass per candidate"
MOST_TILES = max(GRIDS)
CURVE_N = 8
"""Candidates of the curve over tiles."""
GIBIBYTE = 1 << 30
SMALL_GPU_BYTES = 24 * GIBIBYTE


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--preset", choices=sorted(PRESETS), default="mid", help="shape of the model (%(default)s)")
    parser.add_argument("--device", default="auto", help="where to compute (%(default)s)")
    parser.add_argument("--dtype", default="auto", help="number type (the preset's)")
    parser.add_argument("--attn", default="auto", help="attention of the model: auto, eager or sdpa (%(default)s)")
    parser.add_argument("--threads", type=int, default=None, help="threads on a processor (torch's default)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu on a busy processor (%(default)s)")
    parser.add_argument("--n", type=int, nargs="+", default=[1, 8, 32], help="N of the table (%(default)s)")
    parser.add_argument(
        "--curve", type=int, nargs="*", default=[2, 16, 128], help="more N, measured once, for the curve (%(default)s)"
    )
    parser.add_argument(
        "--tiles", type=int, nargs="*", default=[1, 3, 7],
        help=f"tiles, measured once with N = {CURVE_N}, for the curve (%(default)s; the table has {MOST_TILES})",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="measurements of the table (%(default)s)")
    parser.add_argument(
        "--token-budget", type=int, default=16_384,
        help="most tokens that are read at a time; a processor takes at most 4096 (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("results/bench"), help="folder of the tables (%(default)s)")


def measure(arguments: argparse.Namespace) -> str:
    """Measures, writes the table and returns it.

    Raises:
        ConfigError: When an option makes no sense.
    """
    import torch

    wrong, threads = [tiles for tiles in arguments.tiles if tiles not in GRIDS], arguments.threads
    if wrong or min(arguments.rounds, 1 if threads is None else threads, *arguments.n, *arguments.curve) < 1:
        raise ConfigError(
            f"expected --tiles among {', '.join(map(str, GRIDS))}, and --n, --curve, --rounds, --threads from 1"
        )
    if threads is not None:
        torch.set_num_threads(threads)
    bench = Bench(arguments)
    rows = bench.rows()
    setting = bench.setting()
    text = "\n\n".join([str(setting), table(rows), bench.memory_note()])
    arguments.out.mkdir(parents=True, exist_ok=True)
    name = f"scoring-{arguments.preset}-{bench.device.type}"
    (arguments.out / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    write_csv(arguments.out / f"{name}.csv", rows, setting)
    return text


class Bench:
    """One preset on one device.

    Args:
        arguments: The options.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        from visualprm_eval.engine.visualprm import VisualPRM

        self._options = arguments
        checkpoint = random_checkpoint(
            PRESETS[arguments.preset], arguments.device, arguments.dtype, arguments.attn
        )  # fmt: skip
        self.device, self.dtype = checkpoint.device, checkpoint.model.dtype
        self._prm: VisualPRM = VisualPRM(checkpoint)
        self._watch = Stopwatch(self.device, arguments.clock)
        self._tracker: Tracker

    def setting(self) -> Setting:
        """What is measured, where."""
        import torch

        return Setting(
            self._options.preset,
            torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type,
            str(self.dtype).removeprefix("torch."), self._options.clock, torch.get_num_threads(),
            machine("torch", "transformers"),
        )  # fmt: skip

    def memory_note(self) -> str:
        """What scoring takes at most on a GPU for the 8B shape, whatever N."""
        config, gib = PRESETS["8b"].config, GIBIBYTE
        from visualprm_eval.engine.decoder import GPU_BLOCK_BYTES
        from visualprm_eval.engine.image_features import PATCHES_PER_PASS

        tiles = PATCHES_PER_PASS // (config.vision.image_size // config.vision.patch_size) ** 2
        counted = flops.memory(config, self._options.token_budget, 2, GPU_BLOCK_BYTES, tiles)
        parts = ", ".join(f"{name} {value / gib:.2f}" for name, value in counted.items())
        total = sum(counted.values())
        fits = "fits" if total < SMALL_GPU_BYTES else "does not fit"
        return (
            f"Memory at 8B in bfloat16, counted, a budget of {self._options.token_budget:,} tokens, any N, 13 tiles: "
            f"{parts}; together {total / gib:.2f} GiB, {fits} a 24 GB card."
        )

    def rows(self) -> list[Row]:
        """All rows: the table's, then the curves over N and over tiles."""
        options = self._options
        few = self._material(min(GRIDS), 1)
        self._round(few, few.solutions[0], [1])  # Not measured: the first pass is slow.
        given = self._material(MOST_TILES, max([*options.n, *options.curve]))
        with track("bench scoring", options.rounds + bool(options.curve) + len(options.tiles)) as self._tracker:
            by_size = self._rounds(given, options.n, options.rounds, vision=True)
            rows = [
                self._row(part, given, MOST_TILES, by_size[size], size)
                for part in ("all", "language")
                for size in options.n
            ]
            if options.curve:
                by_size = self._rounds(given, options.curve, 1)
                rows += [self._row("all", given, MOST_TILES, by_size[size], size) for size in options.curve]
            for tiles in options.tiles:
                given = self._material(tiles, CURVE_N)
                rows.append(self._row("all", given, tiles, self._rounds(given, [CURVE_N], 1)[CURVE_N], CURVE_N))
        return rows

    def _material(self, tiles: int, number: int) -> Material:
        return material(self._prm.checkpoint.config, self._prm.checkpoint.tokenizer, tiles, number)

    def _rounds(
        self, given: Material, sizes: Sequence[int], rounds: int, *, vision: bool = False
    ) -> dict[int, list[Round]]:
        by_size: dict[int, list[Round]] = {size: [] for size in sizes}
        for number in range(rounds):
            solution = given.solutions[number % max(sizes)]
            for size, each in self._round(given, solution, sizes, vision=vision).items():
                by_size[size].append(each)
            self._tracker.advance()
        return by_size

    def _round(
        self, given: Material, solution: Sequence[str], sizes: Sequence[int], *, vision: bool = False
    ) -> dict[int, Round]:
        """Both ways one after the other."""
        from visualprm_eval.bench.model_card import card_scores

        checkpoint, measure = self._prm.checkpoint, self._watch.measure
        speed = self._watch.matrix_peak(self.dtype)
        card_s, card_bytes, card = measure(lambda: card_scores(checkpoint, given.question, solution, [given.picture]))
        card_vision_s = self._vision(given, at_once=True) if vision else 0.0
        vision_s = self._vision(given, at_once=False) if vision else 0.0
        measured = {}
        for size in sizes:
            engine_s, engine_bytes, scored = measure(lambda size=size: self._score(given, size))  # type: ignore[misc]
            speed = max(speed, self._watch.matrix_peak(self.dtype))
            by_steps = zip(given.solutions, scored, strict=False)
            ours = [scores for steps, scores in by_steps if steps == solution]
            apart = [abs(a - b) for scores in ours for a, b in zip(scores, card, strict=True)]
            measured[size] = Round(
                card_s * size, card_vision_s * size, vision_s, engine_s, speed, card_bytes, engine_bytes,
                max(apart, default=None),
            )  # fmt: skip
        return measured

    def _score(self, given: Material, size: int) -> list[tuple[float, ...]]:
        """Step scores of the first candidates."""
        items = [(given.question, steps, [given.picture]) for steps in given.solutions[:size]]
        scored = self._prm.score_items(items, batch_tokens=self._options.token_budget)
        assert all(item.error is None for item in scored), "a candidate could not be scored"
        return [item.scores for item in scored]

    def _vision(self, given: Material, *, at_once: bool) -> float:
        """Seconds to cut and encode the picture: all tiles in one pass as on the card, or as the engine does."""
        from visualprm_eval.engine.image_features import ImageEncoder
        from visualprm_eval.engine.images import load_image

        def encode() -> None:
            encoder = ImageEncoder(self._prm.checkpoint)
            encoder.tiles_per_pass = max(GRIDS) if at_once else encoder.tiles_per_pass
            encoder.encode_tiles([encoder.tiles(load_image(given.picture))])

        return self._watch.measure(encode)[0]

    def _row(self, part: str, given: Material, tiles: int, rounds: Sequence[Round], size: int) -> Row:
        from visualprm_eval.engine.prompt import ImageSlot, PromptFormat
        from visualprm_eval.engine.question_groups import Question, Work

        checkpoint = self._prm.checkpoint
        form = PromptFormat(checkpoint.tokenizer, checkpoint.config)
        content: list[str | ImageSlot] = [ImageSlot(tiles), "\n", given.question]
        works = tuple(Work((0,), form.prm(content, steps)) for steps in given.solutions[:size])
        shared = Question((), works).shared if size > 1 else works[0].length
        load = flops.Load(tiles, shared, [work.length - shared for work in works])
        return row_of(checkpoint.config, part, load, rounds)
