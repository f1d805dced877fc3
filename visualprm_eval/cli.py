"""Argument parsing and nothing else: commands become calls, errors become messages."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from visualprm_eval.core import config as cfg
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.packages import VERSION
from visualprm_eval.core.secrets import secrets_in
from visualprm_eval.core.visible import say
from visualprm_eval.run.announce import announce, run_line
from visualprm_eval.run.options import (
    add_options,
    add_run_options,
    benchmarks,
    given_fields,
    partial_config,
    run_config,
)
from visualprm_eval.run.parser import Parser, path
from visualprm_eval.run.process import EXIT_OK, EXIT_UNUSABLE, explained, leave, run_command
from visualprm_eval.tasks import SUITES

_EXAMPLES = """\
examples:
  python run.py --demo
  python run.py --model OpenGVLab/InternVL2_5-8B --reranker visualprm self-consistency --data MMMU_DEV_VAL -n 8
  python run.py --candidates pack.jsonl --reranker visualprm --data MMMU_DEV_VAL
  python run.py --data VisualProcessBench --critic visualprm GPT4o random
"""

_ENTRIES = """\
run    the host's runner (its run.py); all its options, see `host run --help`
dlist  the host's list of datasets: all, or one of its levels (l1, l2, ...)
mlist  the host's list of models: all, or one of its groups
sweep  try which of its benchmarks are graded here, on small made-up tables; see `host sweep --help`
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit status.

    It is 0 when all is done, 1 when the doctor found something that cannot be used; all others are those of
    :func:`visualprm_eval.run.process.run_command`.
    """
    line = sys.argv[1:] if argv is None else list(argv)
    given = argparse.Namespace()

    def command() -> int | None:
        arguments = _build_parser().parse_args(line, given)
        try:
            status: int | None = arguments.command(arguments)
        except SystemExit as exit_:
            if arguments.command is _host:  # Its own parser says so.
                raise
            raise RuntimeError(f"something called exit({exit_.code!r})") from exit_
        return status

    def fault(error: BaseException) -> str:
        fields = vars(given)
        secrets = [*secrets_in(os.environ), *(str(value) for field, value in fields.items() if field.endswith("key"))]
        place, verbose = fields.get("work_dir", cfg.RunConfig().work_dir), fields.get("verbose", False)
        return explained(error, argv=line, work_dir=place, secrets=secrets, verbose=verbose)

    return run_command(command, fault)


def entry() -> None:
    """Runs the command line of this process and ends it."""
    leave(main())


def _build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="visualprm_eval", description="Best-of-N with multimodal process reward models.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int | None], **texts: Any) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, allow_abbrev=False, **texts)
        added.set_defaults(command=command)
        return added

    run = add(
        "run", _run, help="sample, score, select, grade and tabulate (what run.py does)", epilog=_EXAMPLES,
        description="Sample N solutions per problem, score their steps, pick the best, grade, tabulate.",
        formatter_class=_HelpFormatter,
    )  # fmt: skip
    add_run_options(run)
    report = add(
        "report", _report, help="tables, figures, workbook and viewer of a work dir, from its store alone",
        description="Report on everything that a work dir's store holds: no model, no judge and no host are asked.",
    )  # fmt: skip
    add_options(report, _OF_REPORT)
    report.add_argument("-o", "--output", type=path, metavar="DIR", help="folder for the files (the work dir)")
    compare = add(
        "compare", _compare, help="two rerankers, or two work dirs, paired problem by problem",
        description="Compare two rerankers of one work dir, or the same rerankers in two work dirs, on the problems "
        "that both have: difference, 95% interval, p-value, and the outcome in words.",
    )  # fmt: skip
    compare.add_argument("first", metavar="A", help="a reranker, or a work dir")
    compare.add_argument("second", metavar="B", help="another reranker, or another work dir")
    add_options(compare, _OF_COMPARE)
    export = add(
        "export-candidates", _export, help="write the stored candidates as JSONL with a manifest",
        description="Write the candidates of a work dir as JSONL (benchmark, index, rank, text, policy, sampling).",
    )  # fmt: skip
    add_options(export, {"--work-dir": "where the store lives ({default})", **_SOME})
    export.add_argument("-o", "--output", type=path, required=True, help="the JSONL file to write")
    problems = add(
        "export-problems", _export_problems, help="write problems and prompts for a machine without the host",
        description="Write problems, prompts and pictures as a work dir: copied to a machine without VLMEvalKit, it is "
        "the --work-dir of a run with --stages sample (or score, or report) there.",
    )  # fmt: skip
    add_options(problems, _OF_EXPORT_PROBLEMS, required="--data")
    problems.add_argument("-o", "--output", type=path, required=True, help="the work dir to write")
    merge = add(
        "merge", _merge, help="bring the facts of several stores into one",
        description="Merge stores: what was sampled on one machine, scored on another, graded on a third. The inputs "
        "are only read; merging again changes nothing; contradictions are refused and then nothing is merged.",
    )  # fmt: skip
    merge.add_argument("stores", nargs="+", type=path, metavar="STORE", help="store files, or work dirs with one")
    merge.add_argument("-o", "--output", type=path, required=True, help="the store or work dir that takes them over")
    doctor = add(
        "doctor", _doctor, help="say what is here: host, versions, GPU, benchmark files, judge",
        description="Look at the host, versions, GPUs, the benchmarks' files and, when one is named, the judge. The "
        "exit status is 1 when the host is missing, a benchmark is unknown, or the judge does not answer.",
    )  # fmt: skip
    add_options(doctor, _OF_DOCTOR)
    host = add(
        "host", _host, help="VLMEvalKit's own commands, with our benchmarks and policies in its tables",
        description="Start an entry point of VLMEvalKit with our benchmarks and policies in its tables.",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_ENTRIES,
    )  # fmt: skip
    host.add_argument("entry", choices=("run", "dlist", "mlist", "sweep"), help="what to start")
    host.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the host's own options")
    return parser


# What the help of other commands says of options of ``run``; ``None`` for the same.
_SOME = {"--data": "only these benchmarks (all)", "--model": "only these policies (all)"}
_WHOSE = "whose verdicts, where several judges graded (the last run's)"
_OF_REPORT = {
    "--work-dir": None,
    **_SOME,
    "--reranker": "rerankers (those of the last run, else all that the stored scores serve)",
    "--k": "the k to tabulate (those of the last run)",
    "--baseline": None,
    "--limit": "only the first problems of each benchmark (as many as the last run)",
    "--judge": _WHOSE,
    "--grade": "which verdicts decide (auto: as in the last run)",
}
_OF_COMPARE = {
    "--work-dir": "of two rerankers (./{default})",
    **_SOME,
    "--reranker": "of two work dirs: which (all that both have)",
    "--judge": _WHOSE,
}
_OF_EXPORT_PROBLEMS = {
    "--data": "benchmarks by their host names",
    "--host-python": None,
    "--prompt": "the --prompt of that run ({default})",
    "--pictures": "the --pictures of that run ({default})",
    "--limit": "only the first problems of each benchmark",
}
_OF_DOCTOR = {
    "--data": "benchmarks to look for (--suite table2)",
    "--suite": "a set of benchmarks to look for",
    "--data-dir": "folder with their TSV files",
    "--host-python": None,
    "--judge": "judge to ask for a short reply (none)",
    "--judge-base-url": "its OpenAI-compatible endpoint (the host's)",
    "--judge-key": None,
}


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples' lines and shows long option names in one column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


def _run(arguments: argparse.Namespace) -> None:
    config = run_config(arguments)
    announce(run_line(config))
    from visualprm_eval.run.pipeline import run

    run(config)


def _report(arguments: argparse.Namespace) -> None:
    config = partial_config(arguments, cfg.REPORT)
    announce(f"report of {config.work_dir}")
    from visualprm_eval.run.plan_report import report

    report(config, given_fields(arguments).get("rerankers", ()), arguments.output)


def _compare(arguments: argparse.Namespace) -> None:
    config, rerankers = partial_config(arguments, cfg.REPORT), given_fields(arguments).get("rerankers", ())
    announce(f"compare {arguments.first} with {arguments.second}")
    from visualprm_eval.run.compare import compare_rerankers, compare_work_dirs, in_words, is_work_dir

    folders = [name for name in (arguments.first, arguments.second) if is_work_dir(name)]
    if len(folders) == 1:
        other = arguments.second if folders == [arguments.first] else arguments.first
        raise ConfigError(f"{folders[0]} is a work dir and {other} is none; compare two work dirs, or two rerankers")
    if folders:
        first, second = (replace(config, work_dir=Path(folder)) for folder in folders)
        rows = compare_work_dirs(first, second, rerankers)
    elif rerankers:
        raise ConfigError("--reranker chooses among those of two work dirs; name the two rerankers alone")
    else:
        rows = compare_rerankers(config, arguments.first, arguments.second)
    for row in rows:
        say(in_words(row))


def _export(arguments: argparse.Namespace) -> None:
    config = partial_config(arguments, cfg.RunConfig())
    announce(f"export the candidates of {config.work_dir} to {arguments.output}")
    from visualprm_eval.run.pipeline import export

    export(config.work_dir, arguments.output, benchmarks=config.data or None, policies=config.models or None)


def _export_problems(arguments: argparse.Namespace) -> None:
    config = partial_config(arguments, cfg.RunConfig())
    announce(f"export the problems of {', '.join(config.data)} to {arguments.output}")
    from visualprm_eval.host.toolkit import use_host_python
    from visualprm_eval.run.export_problems import export_problems

    use_host_python(config.host_python)
    prompt, limit, pictures = config.sampling.prompt, config.limit, config.pictures
    export_problems(config.data, arguments.output, prompt=prompt, limit=limit, pictures=pictures)


def _merge(arguments: argparse.Namespace) -> None:
    announce(f"merge into {arguments.output}")
    from visualprm_eval.store.merge import merge

    merge(arguments.stores, arguments.output)


def _doctor(arguments: argparse.Namespace) -> int:
    announce("look at what is here")
    from visualprm_eval.host.toolkit import use_host_python
    from visualprm_eval.run.doctor import findings

    config, names = partial_config(arguments, cfg.RunConfig()), benchmarks(given_fields(arguments))
    use_host_python(config.host_python)
    usable = True
    for finding in findings(names or SUITES["table2"], config.data_dir, config.judge):
        say(f"{finding.what + ':':<28} {finding.found}")
        usable = usable and finding.is_usable
    return EXIT_OK if usable else EXIT_UNUSABLE


def _host(arguments: argparse.Namespace) -> int | None:
    if arguments.entry == "sweep":
        from visualprm_eval.run.sweep import sweep

        return sweep(arguments.rest)
    from visualprm_eval.host.load.entry_points import start

    return start(arguments.entry, arguments.rest)
