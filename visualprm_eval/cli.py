"""Argument parsing and nothing else: commands become calls, errors become messages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visualprm_eval import __version__
from visualprm_eval import config as cfg
from visualprm_eval.errors import ConfigError, VisualPRMEvalError
from visualprm_eval.tasks import SUITES, host_name

# Options that go into the run as they are.
_SAME = (
    "candidates", "num_samples", "temperature", "top_p", "max_tokens", "seed", "batch_size", "engine", "prompt", "key",
    "timeout_s", "api_nproc", "retry", "allow_remote_code", "max_steps", "device", "dtype", "token_budget", "grade",
    "limit", "work_dir", "data_dir", "prediction", "retry_failed", "dry_run", "verbose", "vpb_dir", "threshold",
    "critic_key",
)  # fmt: skip
# Fields of the run that are lists, with the options that fill them.
_LISTS = {
    "models": "model", "rerankers": "reranker", "candidate_fields": "candidate_fields",
    "base_urls": "base_url", "critics": "critic", "critic_base_urls": "critic_base_url",
}  # fmt: skip

EXIT_OK, EXIT_ERROR, EXIT_INTERRUPTED = 0, 2, 130

_EXAMPLES = """\
examples:
  python run.py --demo
  python run.py --model OpenGVLab/InternVL2_5-8B --reranker visualprm self-consistency --data MMMU_DEV_VAL -n 8
  python run.py --candidates pack.jsonl --reranker visualprm --data MMMU_DEV_VAL
  python run.py --data VisualProcessBench --critic visualprm GPT4o random
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit status (0 done, 2 an error was printed, 130 interrupted)."""
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
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="sample, score, select, grade and tabulate (what run.py does)",
        description="Sample N solutions per problem, score their steps, pick the best, grade, tabulate.",
        epilog=_EXAMPLES,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    _add_run_options(run)
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
        "--prompt", choices=cfg.PROMPTS, default=cfg.RunConfig().prompt, help="the --prompt of that run (%(default)s)"
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
    return parser


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor", help="say what is here: host, versions, GPU, benchmark files, judge", allow_abbrev=False,
        description="Look at the host, versions, GPUs, the benchmarks' files and, when one is named, the judge.",
    )  # fmt: skip
    doctor.add_argument("--data", nargs="+", default=None, metavar="D", help="benchmarks to look for (--suite table2)")
    doctor.add_argument("--suite", choices=tuple(SUITES), default=None, help="a set of benchmarks to look for")
    doctor.add_argument("--data-dir", type=Path, default=None, metavar="DIR", help="folder with their TSV files")
    doctor.add_argument("--judge", default=None, help="judge to ask for a short reply (none)")
    doctor.add_argument("--judge-base-url", default=None, help="its OpenAI-compatible endpoint (the host's)")
    doctor.add_argument("--judge-key", default=None, help="its key; never stored or printed (the host's)")
    doctor.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from visualprm_eval.doctor import findings

    judge = cfg.JudgeOptions(arguments.judge, arguments.judge_base_url, arguments.judge_key)
    if not arguments.data and not arguments.suite:
        arguments.suite = "table2"
    for what, found in findings(_benchmarks(arguments), arguments.data_dir, judge):
        print(f"{what + ':':<28} {found}")
    return EXIT_OK


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="tables, figures, workbook and viewer of a work dir, from its store alone", allow_abbrev=False,
        description="Report on everything that a work dir's store holds: no model, no judge and no host are asked.",
    )  # fmt: skip
    report.add_argument("--work-dir", type=Path, default=Path("outputs"), help="store and results (./%(default)s)")
    report.add_argument("--data", nargs="+", default=(), metavar="D", help="only these benchmarks (all)")
    report.add_argument("--model", nargs="+", default=(), metavar="X", help="only these policies (all)")
    report.add_argument(
        "--reranker", nargs="+", default=(), metavar="R", help="rerankers (all that the stored scores serve)"
    )
    report.add_argument(
        "--k", nargs="+", type=int, default=(), metavar="K", help="the k to tabulate (powers of two below N, and N)"
    )
    report.add_argument("--limit", type=int, default=None, help="only the first problems of each benchmark (all)")
    report.add_argument("--judge", default=None, help="whose verdicts, where several judges graded (the only one)")
    report.add_argument(
        "--grade", choices=("auto", "all", "picks"), default="auto",
        help="which verdicts decide (auto: of all texts where no judge is needed, N <= 8 or all are there)",
    )  # fmt: skip
    report.set_defaults(command=_report)
    compare = commands.add_parser(
        "compare", help="two rerankers, or two work dirs, paired problem by problem", allow_abbrev=False,
        description="Compare two rerankers of one work dir, or the same rerankers in two work dirs, on the problems "
        "that both have: difference, 95%% interval, p-value, and the outcome in words.",
    )  # fmt: skip
    compare.add_argument("first", metavar="A", help="a reranker, or a work dir")
    compare.add_argument("second", metavar="B", help="another reranker, or another work dir")
    compare.add_argument("--work-dir", type=Path, default=Path("outputs"), help="of two rerankers (./%(default)s)")
    compare.add_argument("--data", nargs="+", default=(), metavar="D", help="only these benchmarks (all)")
    compare.add_argument("--model", nargs="+", default=(), metavar="X", help="only these policies (all)")
    compare.add_argument(
        "--reranker", nargs="+", default=(), metavar="R", help="of two work dirs: which (all that both have)"
    )
    compare.add_argument("--judge", default=None, help="whose verdicts, where several judges graded (the only one)")
    compare.set_defaults(command=_compare)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples' lines and shows long option names in one column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    defaults = cfg.RunConfig()
    _add_what(parser, defaults)
    _add_sampling(parser, defaults)
    _add_scoring(parser, defaults)
    _add_critics(parser, defaults)
    _add_judge(parser, defaults.judge)
    _add_process(parser)


def _add_what(parser: argparse.ArgumentParser, defaults: cfg.RunConfig) -> None:
    group = parser.add_argument_group("what to run")
    group.add_argument(
        "--model", nargs="+", default=None, metavar="X",
        help="policies: host model names, InternVL-layout checkpoints as [NAME=]PATH_OR_ID[@REVISION], or other "
        "families through transformers as [NAME=]hf:PATH_OR_ID[@REVISION]",
    )  # fmt: skip
    group.add_argument(
        "--data", nargs="+", default=None, metavar="D",
        help="benchmarks by their host names, or by short names of the paper's (MMMU, MathVista, WeMath ...)",
    )  # fmt: skip
    group.add_argument(
        "--suite", choices=tuple(SUITES), default=None, help="a set of benchmarks (table2: the paper's seven)"
    )
    group.add_argument(
        "--data-dir", type=Path, default=None, metavar="DIR",
        help="folder with the benchmarks' TSV files; only read, but for files that are fetched ($LMUData, ~/LMUData)",
    )  # fmt: skip
    group.add_argument(
        "--reranker", nargs="+", default=None, metavar="R",
        help=f"rerankers ({' '.join(defaults.rerankers)}); first (pass@1) is always shown beside them",
    )  # fmt: skip
    group.add_argument(
        "--prm", nargs="+", default=None, metavar="P",
        help=f"reward models as [NAME=]PATH_OR_ID[@REVISION] ({cfg.DEFAULT_PRM})",
    )  # fmt: skip
    group.add_argument(
        "--candidates", type=Path, default=None, metavar="FILE", help="a pack of candidates instead of sampling (none)"
    )
    group.add_argument(
        "--candidate-fields", nargs="+", default=None, metavar="NAME=FIELD",
        help="for a pack of another tool: which field is what, as index=doc_id text=resps policy:=MODEL",
    )  # fmt: skip
    group.add_argument("--demo", action="store_true", help="the bundled policy, reward model and benchmark")
    group.add_argument("--work-dir", type=Path, default=defaults.work_dir, help="store and results (./%(default)s)")


def _add_sampling(parser: argparse.ArgumentParser, defaults: cfg.RunConfig) -> None:
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "-n", "--num-samples", type=int, default=None, metavar="N",
        help=f"candidates per problem ({cfg.DEFAULT_NUM_SAMPLES}; with --candidates as many as the file has)",
    )  # fmt: skip
    group.add_argument(
        "--prompt", choices=cfg.PROMPTS, default=None,
        help=f"chain of thought, a direct answer, or what the host would show the model ({defaults.prompt})",
    )  # fmt: skip
    group.add_argument(
        "--engine", choices=cfg.ENGINES, default=defaults.engine,
        help="who runs the policies (%(default)s: an endpoint with --base-url, native if we can, else the host's)",
    )  # fmt: skip
    group.add_argument("--temperature", type=float, default=None, help=f"0 is greedy ({defaults.temperature})")
    group.add_argument("--top-p", type=float, default=None, help=f"nucleus; 1 keeps all ({defaults.top_p})")
    group.add_argument(
        "--max-tokens", type=int, default=None,
        help=f"longest sample in tokens ({defaults.max_tokens}; {cfg.DEMO_MAX_TOKENS} with --demo)",
    )  # fmt: skip
    group.add_argument("--seed", type=int, default=None, help=f"seed of the sampling noise ({defaults.seed})")
    group.add_argument(
        "--batch-size", type=int, default=None, help=f"samples at a time, native policies ({defaults.batch_size})"
    )
    group.add_argument(
        "--base-url", nargs="+", default=None, metavar="URL",
        help="OpenAI-compatible endpoints that serve the model, such as http://127.0.0.1:8000/v1",
    )  # fmt: skip
    group.add_argument("--key", default=None, help="their key; never stored or printed ($OPENAI_API_KEY)")
    group.add_argument(
        "--timeout", dest="timeout_s", metavar="SECONDS", type=int, default=defaults.timeout_s,
        help="seconds to wait for a reply of an endpoint (%(default)s)",
    )  # fmt: skip
    group.add_argument("--api-nproc", type=int, default=defaults.api_nproc, help="parallel API requests (%(default)s)")
    group.add_argument("--retry", type=int, default=defaults.retry, help="tries per API request (%(default)s)")
    group.add_argument(
        "--allow-remote-code", action="store_true", help="let host model classes run code shipped with a checkpoint"
    )


def _add_scoring(parser: argparse.ArgumentParser, defaults: cfg.RunConfig) -> None:
    group = parser.add_argument_group("scoring and selecting")
    group.add_argument(
        "--k", nargs="+", type=int, default=(), metavar="K",
        help="the k of best-of-k to tabulate (powers of two below N, and N)",
    )  # fmt: skip
    group.add_argument(
        "--max-steps", type=int, default=defaults.max_steps, help="steps per solution, merged evenly (%(default)s)"
    )
    group.add_argument("--device", default=defaults.device, help="auto, cpu, cuda, cuda:1 ... (%(default)s)")
    group.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default=defaults.dtype,
        help="auto: bfloat16 on a GPU, float32 on a CPU (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--token-budget", type=int, default=defaults.token_budget,
        help="most tokens that the reward model reads at a time: memory depends on it, not on N; it halves itself when "
        "memory runs out, and a CPU takes at most 4096 (%(default)s)",
    )  # fmt: skip


def _add_critics(parser: argparse.ArgumentParser, defaults: cfg.RunConfig) -> None:
    group = parser.add_argument_group("critics against labelled steps")
    group.add_argument(
        "--critic", nargs="+", default=None, metavar="C",
        help=f"for --data {' or '.join(cfg.PROCESS_BENCHMARKS)}: visualprm, random, all-correct, a third party's, or "
        "any model as a prompted judge",
    )  # fmt: skip
    group.add_argument(
        "--vpb-dir", type=Path, default=None, metavar="DIR",
        help="the folder with test.jsonl and the pictures (VisualProcessBench in the host's data folder)",
    )  # fmt: skip
    group.add_argument(
        "--threshold", type=float, default=defaults.threshold,
        help="a step with a greater score counts as correct (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--critic-base-url", nargs="+", default=None, metavar="URL",
        help="OpenAI-compatible endpoints of prompted judges, --reranker judge:MODEL too (those of --base-url)",
    )  # fmt: skip
    group.add_argument("--critic-key", default=None, help="their key; never stored or printed ($OPENAI_API_KEY)")


def _add_judge(parser: argparse.ArgumentParser, defaults: cfg.JudgeOptions) -> None:
    group = parser.add_argument_group("grading by the host")
    group.add_argument(
        "--grade", choices=("auto", "all", "picks"), default="auto",
        help="all distinct texts, or only picks (auto: all where no judge is needed or N <= 8); oracle needs all",
    )  # fmt: skip
    group.add_argument(
        "--judge", default=None,
        help="judge model, or exact_matching where the benchmark can do without (the benchmark's own default)",
    )  # fmt: skip
    group.add_argument(
        "--prediction", choices=cfg.PREDICTIONS, default=None,
        help="what is graded of a text: all of it, or its final answer (raw with a judge, final without)",
    )  # fmt: skip
    group.add_argument("--judge-base-url", default=None, help="OpenAI-compatible endpoint of the judge (the host's)")
    group.add_argument("--judge-key", default=None, help="its key; never stored or printed (the host's)")
    group.add_argument("--judge-api-nproc", type=int, default=defaults.nproc, help="parallel requests (%(default)s)")
    group.add_argument("--judge-retry", type=int, default=defaults.retry, help="tries per request (%(default)s)")
    group.add_argument(
        "--judge-timeout", type=int, default=defaults.timeout_s, help="seconds to wait for a reply (%(default)s)"
    )


def _add_process(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("process")
    group.add_argument("--limit", type=int, default=None, help="only the first problems of each benchmark (all)")
    group.add_argument("--mode", choices=tuple(cfg.MODES), default=None, help="infer: sample; eval: the rest (all)")
    group.add_argument("--stages", nargs="+", choices=cfg.STAGES, default=None, help="any of the stages (all)")
    group.add_argument("--retry-failed", action="store_true", help="try stored failures again")
    group.add_argument("--dry-run", action="store_true", help="say what would be sampled, scored and graded")
    group.add_argument("--verbose", action="store_true", help="show the host's own messages")


def _run(arguments: argparse.Namespace) -> int:
    config = run_config(arguments)
    from visualprm_eval.pipeline import run

    run(config)
    return EXIT_OK


def run_config(arguments: argparse.Namespace) -> cfg.RunConfig:
    """The run that parsed options ask for.

    Raises:
        ConfigError: When options are out of range or conflict.
    """
    _check_candidates_options(arguments)
    given = _demo_choices(arguments) if arguments.demo else {}
    given |= {name: value for name in _SAME if (value := getattr(arguments, name)) is not None}
    for name, option in _LISTS.items():
        if values := getattr(arguments, option):
            given[name] = tuple(values)
    if arguments.data or arguments.suite:
        given["data"] = _benchmarks(arguments)
    if arguments.critic and not arguments.prm and cfg.DEMO_PROCESS_BENCHMARK in (arguments.data or ()):
        given["prms"] = (cfg.ModelSource(cfg.DEMO_PRM, cfg.DEMO_PRM),)
    if arguments.prm:
        given |= {"prms": tuple(cfg.ModelSource.parse(text) for text in arguments.prm), "prms_named": True}
    if arguments.num_samples is None and arguments.candidates is not None:
        given["num_samples"] = None
    judge = cfg.JudgeOptions(
        name=arguments.judge,
        base_url=arguments.judge_base_url,
        key=arguments.judge_key,
        nproc=arguments.judge_api_nproc,
        retry=arguments.judge_retry,
        timeout_s=arguments.judge_timeout,
    )
    stages = cfg.stages_of(arguments.mode, arguments.stages)
    return cfg.RunConfig(**given, ks=tuple(arguments.k), stages=stages, judge=judge).check()


def _benchmarks(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The host's names of the benchmarks of ``--suite`` and ``--data``; one of the suite may be named again."""
    suite = SUITES[arguments.suite] if arguments.suite else ()
    return (*suite, *(name for name in map(host_name, arguments.data or ()) if name not in suite))


def _check_candidates_options(arguments: argparse.Namespace) -> None:
    """Samples that are there already have their settings: asking for others would do nothing."""
    if arguments.candidates is None:
        return
    for option in ("temperature", "top_p", "max_tokens", "seed", "prompt"):
        if getattr(arguments, option) is not None:
            raise ConfigError(
                f"--{option.replace('_', '-')} conflicts with --candidates: those samples are written already"
            )


def _demo_choices(arguments: argparse.Namespace) -> dict[str, Any]:
    for option in ("model", "data", "suite", "prm", "candidates", "critic"):
        if getattr(arguments, option) is not None:
            raise ConfigError(f"--demo conflicts with --{option}: the demo brings its own; leave one of them out")
    return {
        "models": (cfg.DEMO_POLICY,),
        "data": (cfg.DEMO_BENCHMARK,),
        "prms": (cfg.ModelSource(cfg.DEMO_PRM, cfg.DEMO_PRM),),
        "rerankers": cfg.DEMO_RERANKERS,
        "max_tokens": cfg.DEMO_MAX_TOKENS,
        "batch_size": cfg.DEMO_BATCH_SIZE,
    }


def _export(arguments: argparse.Namespace) -> int:
    from visualprm_eval.pipeline import export

    export(arguments.work_dir, arguments.output, benchmarks=arguments.data, policies=arguments.model)
    return EXIT_OK


def _merge(arguments: argparse.Namespace) -> int:
    from visualprm_eval.merge import merge

    merge(arguments.stores, arguments.output)
    return EXIT_OK


def _export_problems(arguments: argparse.Namespace) -> int:
    from visualprm_eval.stored import export_problems

    export_problems(arguments.data, arguments.output, prompt=arguments.prompt, limit=arguments.limit)
    return EXIT_OK


def _report(arguments: argparse.Namespace) -> int:
    from visualprm_eval.stored_run import config_of, report

    config = config_of(
        arguments.work_dir, data=arguments.data, models=arguments.model, ks=arguments.k, limit=arguments.limit,
        grade=arguments.grade, judge=arguments.judge,
    )  # fmt: skip
    report(config, arguments.reranker)
    return EXIT_OK


def _compare(arguments: argparse.Namespace) -> int:
    from visualprm_eval.compare import compare_rerankers, compare_work_dirs, in_words, is_work_dir
    from visualprm_eval.stored_run import config_of

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
