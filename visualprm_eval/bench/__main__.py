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
        arguments.command(arguments)
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
    sampling.set_defaults(command=_sampling)
    scores = commands.add_parser("scoring", help=scoring.HELP)
    scoring.add_options(scores)
    scores.set_defaults(command=scoring.run)
    reading = commands.add_parser("answers", help=answers.HELP)
    answers.add_options(reading)
    reading.set_defaults(command=_answers)
    reporting = commands.add_parser("report", help="what a report takes, from the store to the files")
    report.add_options(reporting)
    reporting.set_defaults(command=_report)
    return parser


def _sampling(arguments: argparse.Namespace) -> None:
    chosen = [name for name in SAMPLING_PARTS if getattr(arguments, name)] or list(SAMPLING_PARTS)
    for name in chosen:
        print(SAMPLING_PARTS[name].measure(arguments))


def _answers(arguments: argparse.Namespace) -> None:
    print(answers.measure(arguments))


def _report(arguments: argparse.Namespace) -> None:
    print(report.measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
