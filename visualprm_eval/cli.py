"""Argument parsing and nothing else: commands become calls, errors become messages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.core import config as cfg
from visualprm_eval.core.baselines import BASELINES
from visualprm_eval.core.errors import ConfigError, VisualPRMEvalError
from visualprm_eval.core.packages import VERSION
from visualprm_eval.run.options import BASELINE_HELP, add_run_options, benchmarks, judge_url, run_config
from visualprm_eval.tasks import SUITES

EXIT_OK, EXIT_UNUSABLE, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

_EXAMPLES = """\
examples:
  python run.py --demo
  python run.py --model OpenGVLab/InternVL2_5-8B --reranker visualprm self-consistency --data MMMU_DEV_VAL -n 8
  python run.py --candidates pack.jsonl --reranker visualprm --data MMMU_DEV_VAL
  python run.py --data VisualProcessBench --critic visualprm GPT4o random
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit status.

    It is 0 when all is done, 1 when the doctor found something that cannot be used, 2 when an error was printed, 130
    when the user interrupted.
    """
    parser = _build_parser()
    arguments = parser.parse_args(sys.argv[1:] if argv is None else list(argv))
    try:
        return int(arguments.command(arguments))
    except VisualPRMEvalError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted; all that was done is stored: run the same command again to go on", file=sys.stderr)
        return EXIT_INTERRUPTED


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="visualprm_eval", description="Best-of-N with multimodal process reward models.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="sample, score, select, grade and tabulate (what run.py does)",
        description="Sample N solutions per problem, score their steps, pick the best, grade, tabulate.",
        epilog=_EXAMPLES,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    add_run_options(run)
    run.set_defaults(command=_run)
    _add_report(commands)
    export = commands.add_parser(
        "export-candidates", help="write the stored candidates as JSONL with a manifest", allow_abbrev=False,
        description="Write the candidates of a work dir as JSONL (benchmark, index, rank, text, policy, sampling).",
    )  # fmt: skip
    export.add_argument("--work-dir", type=Path, default=Path("outputs"), help="where the store lives (%(default)s)")
    export.add_argument("-o", "--output", type=Path, required=True, help="the JSONL file to write")
    export.add_argument("--data", nargs="+", default=None, metavar="D", help="only these benchmarks (all)")
    export.add_argument("--model", nargs="+", default=None, metavar="X", help="only these policies (all)")
    export.set_defaults(command=_export)
    problems = commands.add_parser(
        "export-problems", help="write problems and prompts for a machine without the host", allow_abbrev=False,
        description="Write problems, prompts and pictures as a work dir: copied to a machine without VLMEvalKit, it is "
        "the --work-dir of a run with --stages sample (or score, or report) there.",
    )  # fmt: skip
    problems.add_argument("--data", nargs="+", required=True, metavar="D", help="benchmarks by their host names")
    problems.add_argument("-o", "--output", type=Path, required=True, help="the work dir to write")
    problems.add_argument(
        "--prompt",
        choices=cfg.PROMPTS,
        default=cfg.RunConfig().sampling.prompt,
        help="the --prompt of that run (%(default)s)",
    )
    problems.add_argument(
        "--pictures",
        choices=cfg.PICTURES,
        default=cfg.RunConfig().pictures,
        help="the --pictures of that run (%(default)s)",
    )
    problems.add_argument("--limit", type=int, default=None, help="only the first problems of each benchmark")
    problems.set_defaults(command=_export_problems)
    merge = commands.add_parser(
        "merge", help="bring the facts of several stores into one", allow_abbrev=False,
        description="Merge stores: what was sampled on one machine, scored on another, graded on a third. The inputs "
        "are only read; merging again changes nothing; contradictions are refused and then nothing is merged.",
    )  # fmt: skip
    merge.add_argument("stores", nargs="+", type=Path, metavar="STORE", help="store files, or work dirs with one")
    merge.add_argument("-o", "--output", type=Path, required=True, help="the store or work dir that takes them over")
    merge.set_defaults(command=_merge)
    _add_doctor(commands)
    _add_host(commands)
    return parser


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor", help="say what is here: host, versions, GPU, benchmark files, judge", allow_abbrev=False,
        description="Look at the host, versions, GPUs, the benchmarks' files and, when one is named, the judge. The "
        "exit status is 1 when the host is missing, a benchmark is unknown, or the judge does not answer.",
    )  # fmt: skip
    doctor.add_argument("--data", nargs="+", default=None, metavar="D", help="benchmarks to look for (--suite table2)")
    doctor.add_argument("--suite", choices=tuple(SUITES), default=None, help="a set of benchmarks to look for")
    doctor.add_argument("--data-dir", type=Path, default=None, metavar="DIR", help="folder with their TSV files")
    doctor.add_argument("--judge", default=None, help="judge to ask for a short reply (none)")
    doctor.add_argument("--judge-base-url", default=None, help="its OpenAI-compatible endpoint (the host's)")
    doctor.add_argument("--judge-key", default=None, help="its key; never stored or printed (the host's)")
    doctor.set_defaults(command=_doctor)


def _add_host(commands: Any) -> None:
    host = commands.add_parser(
        "host", help="VLMEvalKit's own commands, with our benchmarks and policies in its tables", allow_abbrev=False,
        description="Start an entry point of VLMEvalKit with our benchmarks and policies in its tables.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="run    the host's runner (vlmeval.run); all its options, see `host run --help`\n"
        "dlist  the host's list of datasets: all, or one of its levels (l1, l2, ...)\n"
        "mlist  the host's list of models: all, or one of its groups",
    )  # fmt: skip
    host.add_argument("entry", choices=("run", "dlist", "mlist"), help="what to start")
    host.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="the host's own options")
    host.set_defaults(command=_host)


def _host(arguments: argparse.Namespace) -> int:
    from visualprm_eval.host.load.entry_points import start

    return start(arguments.entry, arguments.rest)


def _doctor(arguments: argparse.Namespace) -> int:
    from visualprm_eval.run.doctor import findings

    judge = cfg.JudgeOptions(arguments.judge, judge_url(arguments), arguments.judge_key)
    if not arguments.data and not arguments.suite:
        arguments.suite = "table2"
    usable = True
    for finding in findings(benchmarks(arguments), arguments.data_dir, judge):
        print(f"{finding.what + ':':<28} {finding.found}")
        usable = usable and finding.is_usable
    return EXIT_OK if usable else EXIT_UNUSABLE


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="tables, figures, workbook and viewer of a work dir, from its store alone", allow_abbrev=False,
        description="Report on everything that a work dir's store holds: no model, no judge and no host are asked.",
    )  # fmt: skip
    report.add_argument("--work-dir", type=Path, default=Path("outputs"), help="store and results (./%(default)s)")
    report.add_argument("--data", nargs="+", default=(), metavar="D", help="only these benchmarks (all)")
    report.add_argument("--model", nargs="+", default=(), metavar="X", help="only these policies (all)")
    report.add_argument(
        "--reranker",
        nargs="+",
        default=(),
        metavar="R",
        help="rerankers (those of the last run, else all that the stored scores serve)",
    )
    report.add_argument(
        "--k", nargs="+", type=int, default=(), metavar="K", help="the k to tabulate (those of the last run)"
    )
    report.add_argument("--baseline", choices=BASELINES, default=None, help=BASELINE_HELP)
    report.add_argument(
        "--limit", type=int, default=None, help="only the first problems of each benchmark (as many as the last run)"
    )
    report.add_argument("--judge", default=None, help="whose verdicts, where several judges graded (the last run's)")
    report.add_argument(
        "--grade", choices=("auto", "all", "picks"), default="auto",
        help="which verdicts decide (auto: as in the last run)",
    )  # fmt: skip
    report.set_defaults(command=_report)
    compare = commands.add_parser(
        "compare", help="two rerankers, or two work dirs, paired problem by problem", allow_abbrev=False,
        description="Compare two rerankers of one work dir, or the same rerankers in two work dirs, on the problems "
        "that both have: difference, 95% interval, p-value, and the outcome in words.",
    )  # fmt: skip
    compare.add_argument("first", metavar="A", help="a reranker, or a work dir")
    compare.add_argument("second", metavar="B", help="another reranker, or another work dir")
    compare.add_argument("--work-dir", type=Path, default=Path("outputs"), help="of two rerankers (./%(default)s)")
    compare.add_argument("--data", nargs="+", default=(), metavar="D", help="only these benchmarks (all)")
    compare.add_argument("--model", nargs="+", default=(), metavar="X", help="only these policies (all)")
    compare.add_argument(
        "--reranker", nargs="+", default=(), metavar="R", help="of two work dirs: which (all that both have)"
    )
    compare.add_argument("--judge", default=None, help="whose verdicts, where several judges graded (the last run's)")
    compare.set_defaults(command=_compare)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples' lines and shows long option names in one column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


def _run(arguments: argparse.Namespace) -> int:
    config = run_config(arguments)
    from visualprm_eval.run.pipeline import run

    run(config)
    return EXIT_OK


def _export(arguments: argparse.Namespace) -> int:
    from visualprm_eval.run.pipeline import export

    export(arguments.work_dir, arguments.output, benchmarks=arguments.data, policies=arguments.model)
    return EXIT_OK


def _merge(arguments: argparse.Namespace) -> int:
    from visualprm_eval.store.merge import merge

    merge(arguments.stores, arguments.output)
    return EXIT_OK


def _export_problems(arguments: argparse.Namespace) -> int:
    from visualprm_eval.run.export_problems import export_problems

    export_problems(
        arguments.data, arguments.output, prompt=arguments.prompt, limit=arguments.limit, pictures=arguments.pictures
    )
    return EXIT_OK


def _report(arguments: argparse.Namespace) -> int:
    from visualprm_eval.run.plan_report import config_of, report

    config = config_of(
        arguments.work_dir, data=arguments.data, models=arguments.model, ks=arguments.k, limit=arguments.limit,
        grade=arguments.grade, judge=arguments.judge, baseline=arguments.baseline,
    )  # fmt: skip
    report(config, arguments.reranker)
    return EXIT_OK


def _compare(arguments: argparse.Namespace) -> int:
    from visualprm_eval.run.compare import compare_rerankers, compare_work_dirs, in_words, is_work_dir
    from visualprm_eval.run.plan_report import config_of

    def config(work_dir: Path) -> cfg.RunConfig:
        return config_of(
            work_dir, data=arguments.data, models=arguments.model, ks=(), limit=None, grade="auto",
            judge=arguments.judge,
        )  # fmt: skip

    folders = [name for name in (arguments.first, arguments.second) if is_work_dir(name)]
    if len(folders) == 1:
        other = arguments.second if folders == [arguments.first] else arguments.first
        raise ConfigError(f"{folders[0]} is a work dir and {other} is none; compare two work dirs, or two rerankers")
    if folders:
        first, second = map(Path, (arguments.first, arguments.second))
        rows = compare_work_dirs(config(first), config(second), arguments.reranker)
    elif arguments.reranker:
        raise ConfigError("--reranker chooses among those of two work dirs; name the two rerankers alone")
    else:
        rows = compare_rerankers(config(arguments.work_dir), arguments.first, arguments.second)
    for row in rows:
        print(in_words(row))
    return EXIT_OK
