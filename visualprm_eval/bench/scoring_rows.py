"""The benchmark of scoring: what a round measured, the figures of a setting, their table and their CSV file."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from visualprm_eval.bench import flops
from visualprm_eval.engine.config import CheckpointConfig

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One measured setting; seconds are per question.

    Attributes:
        part: ``"all"``, or ``"language"`` without the image encoder's time on either side.
        tiles: Tiles of the picture.
        n: Candidates.
        shared: Tokens that they share.
        endings: Tokens of all that they do not share.
        rounds: Measurements.
        card_s: The model card's way: N times one candidate.
        engine_s: The engine.
        ratio: How many times as fast the engine is.
        token_bound: The ratio of the tokens that the language model reads.
        flop_bound: The ratio of all operations, with every layer in full for every token that is read.
        bound_share: ``ratio / flop_bound``.
        card_tokens_per_s: Tokens of all candidates per second, the card's way.
        tokens_per_s: As many tokens, by the engine.
        peak_share: The engine's needed operations per second in parts of one large matrix product's.
        peak_flops_per_s: That matrix product's speed.
        card_mib: Peak memory of the card's way beside the weights; ``None`` where it cannot be told.
        engine_mib: Of the engine.
        difference: Largest difference of a step score.
    """

    part: str
    tiles: int
    n: int
    shared: int
    endings: int
    rounds: int
    card_s: float
    engine_s: float
    ratio: float
    token_bound: float
    flop_bound: float
    bound_share: float
    card_tokens_per_s: float
    tokens_per_s: float
    peak_share: float
    peak_flops_per_s: float
    card_mib: float | None = None
    engine_mib: float | None = None
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of one round, peak bytes where they can be told, and the largest difference of scores.

    Attributes:
        card_s: Of one candidate, counted N times.
        card_vision_s: Its image encoding, counted N times.
        vision_s: The engine's image encoding.
        engine_s: Of all candidates.
        flops_per_s: Speed of a large matrix product.
        card_bytes: Peak memory of the card's way.
        engine_bytes: Of the engine.
        difference: Of the scores of one candidate; ``None`` when it is not among so few.
    """

    card_s: float
    card_vision_s: float
    vision_s: float
    engine_s: float
    flops_per_s: float
    card_bytes: int | None
    engine_bytes: int | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured, where: columns of the CSV file too.

    Attributes:
        shape: The preset.
        device: ``"cpu"``, or the GPU's name.
        dtype: Number type.
        clock: See ``Stopwatch``.
        threads: Of a processor.
        machine: Processor, interpreter and versions.
    """

    shape: str
    device: str
    dtype: str
    clock: str
    threads: int
    machine: str

    def __str__(self) -> str:
        threads = f", {self.threads} threads" if self.device == "cpu" else ""
        return f"Scoring, shape {self.shape}, {self.device}{threads}, {self.dtype}, {self.clock} clock, {self.machine}"


def row_of(config: CheckpointConfig, part: str, load: flops.Load, rounds: Sequence[Round]) -> Row:
    """The figures of one setting.

    Args:
        config: The model's shape.
        part: ``"all"`` or ``"language"``; see ``Row``.
        load: What was scored.
        rounds: Its measurements.
    """
    whole, size = part == "all", len(load.endings)
    card = [each.card_s - (0 if whole else each.card_vision_s) for each in rounds]
    engine = [each.engine_s - (0 if whole else each.vision_s) for each in rounds]
    ratio = statistics.median(one / other for one, other in zip(card, engine, strict=True))
    vision = flops.vision_flops(config, load.tiles)
    needed = flops.needed_flops(config, load) - (0 if whole else vision)
    bound = (flops.card_flops(config, load) - (0 if whole else size * vision)) / needed
    speed = max(each.flops_per_s for each in rounds)
    card_s, engine_s = statistics.median(card), statistics.median(engine)
    return Row(
        part, load.tiles, size, load.shared, sum(load.endings), len(rounds), card_s, engine_s, ratio,
        load.card_tokens / load.needed_tokens, bound, ratio / bound, load.card_tokens / card_s,
        load.card_tokens / engine_s, needed / engine_s / speed, speed,
        _largest((each.card_bytes for each in rounds), MEBIBYTE) if whole else None,
        _largest((each.engine_bytes for each in rounds), MEBIBYTE) if whole else None,
        _largest(each.difference for each in rounds) if whole else None,
    )  # fmt: skip


def _largest(values: Iterable[float | None], unit: int = 1) -> float | None:
    return max((value / unit for value in values if value is not None), default=None)


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    head = (
        "part", "tiles", "N", "rounds", "card s", "engine s", "ratio", "token bound", "FLOP bound", "of FLOP bound",
        "card tokens/s", "tokens/s", "of matrix peak", "card MiB", "engine MiB", "difference",
    )  # fmt: skip
    lines = [head, ("---",) * len(head)]
    for row in rows:
        memory = ["" if value is None else f"{value:,.0f}" for value in (row.card_mib, row.engine_mib)]
        card_s = f"{row.card_s:.2f}" + (" *" if row.n > 1 else "")
        lines.append((
            row.part, f"{row.tiles}", f"{row.n}", f"{row.rounds}", card_s, f"{row.engine_s:.2f}", f"{row.ratio:.2f}",
            f"{row.token_bound:.2f}", f"{row.flop_bound:.2f}", f"{row.bound_share:.0%}",
            f"{row.card_tokens_per_s:,.0f}", f"{row.tokens_per_s:,.0f}", f"{row.peak_share:.0%}", *memory,
            "" if row.difference is None else f"{row.difference:.1e}",
        ))  # fmt: skip
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n\\* N times one measured candidate"


def write_csv(path: Path, rows: Sequence[Row], setting: Setting) -> None:
    """One line per row, with what was measured where."""
    frame = pd.DataFrame([asdict(row) | asdict(setting) for row in rows])
    frame.to_csv(path, index=False, float_format="%.6g")
