"""``host sweep``: which groups of the host's benchmarks are graded here, tried on small made-up tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from csv import DictReader
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.errors import ConfigError, HostError, UnknownNameError
from visualprm_eval.core.folders import check_folder
from visualprm_eval.core.progress import track
from visualprm_eval.core.words import counted, listed
from visualprm_eval.host.sweep.one_group import GRADED, REFUSED
from visualprm_eval.report.render import csv, markdown
from visualprm_eval.report.render.terminal import print_report
from visualprm_eval.report.table import Fields, Table, of_fields
from visualprm_eval.run.parser import Parser, path, whole_number
from visualprm_eval.run.process import EXIT_OK, EXIT_UNUSABLE

FILE = "host-sweep"
"""What the files are called, before their endings."""
_ABOUT = (
    "Each group is a class of the host, or one of several benchmarks of a class. Its table is made up: a few rows with "
    "the columns that its grader needs. The column right has the figure of right texts, wrong that of wrong ones. "
    "Options are those that a run needs which grades such a benchmark."
)
_ABOUT_JUDGE = (
    "The stub judge knows the answers, and what it replies depends on the prompt's text alone: it shows that a grader "
    "asks, reads and counts, and nothing of a real judge."
)


def _fields() -> Fields:
    return {
        "group": ("name", "group"), "benchmark": ("name", "benchmark"), "type": ("name", "host_type"),
        "judge": ("name", "judge"), "options": ("name", "options"), "outcome": ("name", "outcome"),
        "metric": ("name", "metric"), "right": ("name", "reference"), "wrong": ("name", "wrong"),
        "reason": ("message", "reason"),
    }  # fmt: skip


def sweep(arguments: Sequence[str]) -> int:
    """Tries the groups, prints the table and writes it as CSV and Markdown.

    Args:
        arguments: The command line after ``sweep``.

    Returns:
        The exit status: 1 where a group ended in another way than graded or refused.

    Raises:
        ConfigError: An option makes no sense, a name is none of the host's, or a former table cannot be read.
        HostError: The host cannot be imported.
    """
    given = _parser().parse_args(arguments)
    if given.output is not None:
        check_folder(given.output, "--output")
    for option, number in (("--jobs", given.jobs), ("--time-limit", given.time_limit)):
        if number < 1:
            raise ConfigError(f"{option} {number}: expected at least 1")
    former = former_outcomes(given.output / f"{FILE}.csv") if given.names and given.output is not None else []
    outcomes = list(_outcomes(given.names, given.jobs, given.time_limit, given.keep))
    new = {(outcome["group"], outcome["benchmark"]) for outcome in outcomes}
    others = [outcome for outcome in former if (outcome["group"], outcome["benchmark"]) not in new]
    files = [] if given.output is None else written(sweep_table([*outcomes, *others]), given.output)
    print_report([_short(sweep_table(outcomes))], {}, None, files)
    return EXIT_OK if {outcome["outcome"] for outcome in outcomes} <= {GRADED, REFUSED} else EXIT_UNUSABLE


def _parser() -> Parser:
    parser = Parser(
        prog="visualprm_eval host sweep", allow_abbrev=False,
        description="Try which of the host's benchmarks are graded here: a small made-up table for each group, graded "
        "with right and with wrong answers. No data, no network and no judge are needed.",
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="classes of the host, or benchmarks (all groups)")
    parser.add_argument(
        "-o", "--output", type=path, metavar="DIR",
        help=f"write {FILE}.csv and {FILE}.md here; with names, rows of other groups stay that are in such a table",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=whole_number, default=min(4, os.cpu_count() or 1), help="groups at a time (%(default)s)"
    )
    parser.add_argument(
        "--time-limit", type=whole_number, default=300, metavar="S", help="seconds for a group (%(default)s)"
    )
    parser.add_argument("--keep", type=path, metavar="DIR", help="keep each group's files and logs in this new folder")
    return parser


def sweep_table(outcomes: Sequence[dict[str, Any]]) -> Table:
    """The outcomes as a table, with how many there are of each."""
    rows = sorted(outcomes, key=lambda outcome: (outcome["group"].lower(), outcome["benchmark"].lower()))
    counts = Counter(outcome["outcome"] for outcome in rows)
    told = listed(f"{count} {outcome}" for outcome, count in counts.most_common()) if rows else "none"
    return of_fields(
        [_Row(outcome) for outcome in rows], _fields(), f"{counted(len(rows), 'group')} of benchmarks: {told}",
        notes=(_ABOUT, _ABOUT_JUDGE),
    )  # fmt: skip


def _short(table: Table) -> Table:
    """The table without its longest columns; the reasons stand below it."""
    titles = [column.title for column in table.columns]
    rows = [dict(zip(titles, row, strict=True)) for row in table.rows]
    shown = [place for place, title in enumerate(titles) if title not in {"group", "type", "options", "reason"}]
    reasons = [
        f"{row['benchmark']}: {row['reason'].removeprefix(row['benchmark'] + ': ')}" for row in rows if row["reason"]
    ]
    return replace(
        table, columns=[table.columns[place] for place in shown], notes=(*reasons, *table.notes),
        rows=[[row[titles[place]] for place in shown] for row in rows],
    )  # fmt: skip


class _Row:
    """An outcome whose entries are attributes."""

    def __init__(self, outcome: dict[str, Any]) -> None:
        vars(self).update(outcome)


def former_outcomes(file: Path) -> list[dict[str, Any]]:
    """The outcomes in a table that was written before; none where there is no such file.

    Raises:
        ConfigError: It is no table of a sweep.
    """
    fields = {title: str(source) for title, (_, source) in _fields().items()}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(DictReader(stream))
        found: list[dict[str, Any]] = [
            {fields[title]: cell.removeprefix("'") for title, cell in row.items()} for row in rows
        ]
        for row in found:
            row |= {name: float(row[name]) if row[name] else None for name in ("reference", "wrong")}
    except FileNotFoundError:
        return []
    except (KeyError, AttributeError, ValueError) as error:
        raise ConfigError(f"{file} is no table of a sweep: choose another folder with --output") from error
    return found


def written(table: Table, folder: Path) -> list[Path]:
    """Writes a table into a folder as CSV and as Markdown; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"csv": csv.render(table), "md": f"# {table.title}\n\n{markdown.markdown_table(table)}\n"}
    files = [folder / f"{FILE}.{ending}" for ending in texts]
    for file, text in zip(files, texts.values(), strict=True):
        write_atomically(file, text)
    return files


# The process that has the host ----------------------------------------------------------------------------------------


def _outcomes(names: Sequence[str], jobs: int, limit_s: int, keep: Path | None) -> Iterator[dict[str, Any]]:
    """What became of each group, as it ends."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="visualprm_eval-sweep-")))
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {"names": list(names), "jobs": jobs, "limit_s": limit_s, "folder": str(folder.absolute())}
        with _started(wanted) as lines:
            first = lines.readline()
            if not first:
                raise HostError("the process that tries the benchmarks ended before it began; its messages are above")
            told = json.loads(first)
            if told["unknown"]:
                raise UnknownNameError("group or benchmark", told["unknown"][0], told["known"])
            with track("try groups of benchmarks", told["count"]) as tracker:
                for line in lines:
                    yield json.loads(line)
                    tracker.advance()


@contextmanager
def _started(wanted: dict[str, Any]) -> Iterator[IO[str]]:
    command = [sys.executable, "-m", "visualprm_eval.host.sweep.process"]
    pipe = subprocess.PIPE
    environment = {**os.environ, "HF_HOME": wanted["folder"]}  # A cache of the hub with nothing in it.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, encoding="utf-8") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as stream:
            json.dump(wanted, stream)
        try:
            yield process.stdout
        except BaseException:
            process.terminate()
            raise
