"""``python -m visualprm_eval.bench``: one module per benchmark, each of which adds its options and runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from visualprm_eval.bench import answers, report, sampling_client, sampling_native, scoring
from visualprm_eval.core.errors import VisualPRMEvalError

SAMPLING_PARTS = {"native": sampling_native, "client": sampling_client}
"""Parts of ``sampling`` by the option that chooses one alone: modules with ``HELP`` and ``measure(arguments)``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a benchmark and prints what it measured; returns the exit status."""
    arguments = _build_parser().parse_args(argv)
    try:
        print(arguments.measure(arguments))
    except VisualPRMEvalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m visualprm_eval.bench", description="Benchmarks of this project.")
    commands = parser.add_subparsers(title="benchmarks", required=True, metavar="NAME")
    sampling = commands.add_parser("sampling", help="what it takes to get samples")
    for name, part in SAMPLING_PARTS.items():
        sampling.add_argument(f"--{name}", action="store_true", help=f"{part.HELP} (all parts without any such option)")
        part.add_options(sampling)
    sampling.set_defaults(measure=_sampling)
    for name, benchmark in {"scoring": scoring, "answers": answers, "report": report}.items():
        command = commands.add_parser(name, help=benchmark.HELP)
        benchmark.add_options(command)
        command.set_defaults(measure=benchmark.measure)
    return parser


def _sampling(arguments: argparse.Namespace) -> str:
    chosen = [name for name in SAMPLING_PARTS if getattr(arguments, name)] or list(SAMPLING_PARTS)
    return "\n".join(SAMPLING_PARTS[name].measure(arguments) for name in chosen)


if __name__ == "__main__":
    sys.exit(main())
