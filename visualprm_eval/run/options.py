"""The options of ``run``, and the run that they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from visualprm_eval.core import config as cfg
from visualprm_eval.core.baselines import BASELINES
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.tasks import SUITES, host_name

# Where in the run the value of an option goes.
_FIELDS = {
    "model": "models", "candidates": "candidates", "candidate_fields": "candidate_fields", "reranker": "rerankers",
    "num_samples": "sampling.num_samples", "temperature": "sampling.temperature", "top_p": "sampling.top_p",
    "max_tokens": "sampling.max_tokens", "seed": "sampling.seed", "batch_size": "sampling.batch_size",
    "engine": "sampling.engine", "prompt": "sampling.prompt", "allow_remote_code": "sampling.allow_remote_code",
    "base_url": "api.base_urls", "key": "api.key", "timeout_s": "api.timeout_s", "api_nproc": "api.nproc",
    "retry": "api.retry", "device": "compute.device", "dtype": "compute.dtype", "max_steps": "scoring.max_steps",
    "thoughts": "scoring.thoughts", "token_budget": "scoring.token_budget", "critic_base_url": "scoring.base_urls",
    "critic_key": "scoring.key", "critic": "step_labels.critics", "vpb_dir": "step_labels.vpb_dir",
    "threshold": "step_labels.threshold", "grade": "grade", "k": "ks", "baseline": "baseline", "limit": "limit",
    "work_dir": "work_dir", "data_dir": "data_dir", "pictures": "pictures", "retry_failed": "retry_failed",
    "dry_run": "dry_run", "verbose": "verbose", "judge": "judge.name", "judge_key": "judge.key",
    "judge_api_nproc": "judge.nproc", "judge_retry": "judge.retry", "judge_timeout": "judge.timeout_s",
    "prediction": "judge.prediction",
}  # fmt: skip


BASELINE_HELP = (
    "what gains are measured against (mean of all N samples where every candidate has a verdict, else greedy if it was "
    "sampled, else first)"
)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Adds all options of ``run``, group by group."""
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
        "--pictures", choices=cfg.PICTURES, default=defaults.pictures,
        help="upright: turned as their EXIF says and scaled to 8 bits, where they are not so already; raw: left to the "
        "host, the servers and the models (%(default)s)",
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
        help=f"chain of thought, a direct answer, or what the host would show the model ({defaults.sampling.prompt})",
    )  # fmt: skip
    group.add_argument(
        "--engine", choices=cfg.ENGINES, default=defaults.sampling.engine,
        help="who runs the policies (%(default)s: an endpoint with --base-url, native if we can, else the host's)",
    )  # fmt: skip
    group.add_argument("--temperature", type=float, default=None, help=f"0 is greedy ({defaults.sampling.temperature})")
    group.add_argument("--top-p", type=float, default=None, help=f"nucleus; 1 keeps all ({defaults.sampling.top_p})")
    group.add_argument(
        "--max-tokens", type=int, default=None,
        help=f"longest sample in tokens ({defaults.sampling.max_tokens}; {cfg.DEMO_MAX_TOKENS} with --demo)",
    )  # fmt: skip
    group.add_argument("--seed", type=int, default=None, help=f"seed of the sampling noise ({defaults.sampling.seed})")
    group.add_argument(
        "--batch-size",
        type=int,
        default=None,
        help=f"samples at a time, native policies ({defaults.sampling.batch_size})",
    )
    group.add_argument(
        "--base-url", nargs="+", default=None, metavar="URL",
        help="OpenAI-compatible endpoints that serve the model, such as http://127.0.0.1:8000/v1",
    )  # fmt: skip
    group.add_argument("--key", default=None, help="their key; never stored or printed ($OPENAI_API_KEY)")
    group.add_argument(
        "--timeout", dest="timeout_s", metavar="SECONDS", type=int, default=defaults.api.timeout_s,
        help="seconds to wait for a reply of an endpoint (%(default)s)",
    )  # fmt: skip
    group.add_argument("--api-nproc", type=int, default=defaults.api.nproc, help="parallel API requests (%(default)s)")
    group.add_argument("--retry", type=int, default=defaults.api.retry, help="tries per API request (%(default)s)")
    group.add_argument(
        "--allow-remote-code", action="store_true", help="let host model classes run code shipped with a checkpoint"
    )


def _add_scoring(parser: argparse.ArgumentParser, defaults: cfg.RunConfig) -> None:
    group = parser.add_argument_group("scoring and selecting")
    group.add_argument(
        "--k", nargs="+", type=int, default=(), metavar="K",
        help="the k of best-of-k to tabulate (powers of two below N, and N)",
    )  # fmt: skip
    group.add_argument("--baseline", choices=BASELINES, default=None, help=BASELINE_HELP)
    group.add_argument(
        "--max-steps",
        type=int,
        default=defaults.scoring.max_steps,
        help="steps per solution, merged evenly (%(default)s)",
    )
    group.add_argument(
        "--thoughts", choices=cfg.THOUGHTS, default=defaults.scoring.thoughts,
        help="whether reward models and step judges read what stands in <think> tags and the like (%(default)s)",
    )  # fmt: skip
    group.add_argument("--device", default=defaults.compute.device, help="auto, cpu, cuda, cuda:1 ... (%(default)s)")
    group.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default=defaults.compute.dtype,
        help="auto: bfloat16 on a GPU, float32 on a CPU (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--token-budget", type=int, default=defaults.scoring.token_budget,
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
        "--threshold", type=float, default=defaults.step_labels.threshold,
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


def run_config(arguments: argparse.Namespace) -> cfg.RunConfig:
    """The run that parsed options ask for.

    Raises:
        ConfigError: When options are out of range or conflict.
    """
    _check_candidates_options(arguments)
    given = _demo_choices(arguments) if arguments.demo else {}
    for option, path in _FIELDS.items():
        value = getattr(arguments, option)
        if value is not None:
            given[path] = tuple(value) if isinstance(value, list) else value
    if arguments.data or arguments.suite:
        given["data"] = benchmarks(arguments)
    if arguments.critic and not arguments.prm and cfg.DEMO_PROCESS_BENCHMARK in (arguments.data or ()):
        given["scoring.prms"] = (cfg.ModelSource(cfg.DEMO_PRM, cfg.DEMO_PRM),)
    if arguments.prm:
        given |= {
            "scoring.prms": tuple(cfg.ModelSource.parse(text) for text in arguments.prm), "scoring.prms_named": True,
        }  # fmt: skip
    if arguments.num_samples is None and arguments.candidates is not None:
        given["sampling.num_samples"] = None
    given |= {"judge.base_url": judge_url(arguments), "stages": cfg.stages_of(arguments.mode, arguments.stages)}
    return cfg.filled(cfg.RunConfig(), given).check()


def benchmarks(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The host's names of the benchmarks of ``--suite`` and ``--data``; one of the suite may be named again."""
    suite = SUITES[arguments.suite] if arguments.suite else ()
    return (*suite, *(name for name in map(host_name, arguments.data or ()) if name not in suite))


def judge_url(arguments: argparse.Namespace) -> str | None:
    """The judge's address; a bare host gets ``/v1``, as with ``--base-url``."""
    if arguments.judge_base_url is None:
        return None
    from visualprm_eval.core.server_address import completed

    return completed(arguments.judge_base_url)


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
        "scoring.prms": (cfg.ModelSource(cfg.DEMO_PRM, cfg.DEMO_PRM),),
        "rerankers": cfg.DEMO_RERANKERS,
        "sampling.max_tokens": cfg.DEMO_MAX_TOKENS,
        "sampling.batch_size": cfg.DEMO_BATCH_SIZE,
    }
