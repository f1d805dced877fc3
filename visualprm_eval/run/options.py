"""The options of all commands from one table, the run that they ask for, and the rules between them.

A value's type, choices, default and help are those of the field of ``core.config`` that it goes to.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from visualprm_eval.core import config as cfg
from visualprm_eval.core.baselines import GREEDY, MEAN
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.proxies import check_way
from visualprm_eval.core.server_address import api_key, base_url, completed
from visualprm_eval.core.steps import ORIGINAL
from visualprm_eval.core.visible import one_line
from visualprm_eval.run.parser import number, path, whole_number
from visualprm_eval.tasks import SUITES, TASKS, host_name

MODES: Mapping[str, tuple[cfg.Stage, ...]] = {
    "all": cfg.STAGES, "infer": ("sample",), "eval": ("score", "grade", "report"),
}  # fmt: skip


@dataclass(frozen=True)
class Shorthands:
    """Options that stand for values of others.

    Attributes:
        suite: a set of benchmarks (table2: the paper's seven)
        demo: the bundled policy, reward model and benchmark
        mode: infer: sample; eval: the rest (all)
    """

    suite: Literal[*SUITES] | None = None  # type: ignore[valid-type]
    demo: bool = False
    mode: Literal[*MODES] | None = None  # type: ignore[valid-type]


# The options of ``run`` in groups, as ``--help`` shows them: names and metavar, and the field to fill.
_TABLE: Mapping[str, Mapping[str, str]] = {
    "what to run": {
        "--model X": "models",
        "--data D": "data",
        "--suite": "suite",
        "--data-dir DIR": "data_dir",
        "--host-python PATH": "host_python",
        "--pictures": "pictures",
        "--reranker R": "rerankers",
        "--prm P": "scoring.prms",
        "--candidates FILE": "candidates",
        "--candidate-fields NAME=FIELD": "candidate_fields",
        "--demo": "demo",
        "--work-dir": "work_dir",
    },
    "sampling": {
        "-n/--num-samples N": "sampling.num_samples",
        "--prompt": "sampling.prompt",
        "--engine": "sampling.engine",
        "--temperature": "sampling.temperature",
        "--top-p": "sampling.top_p",
        "--max-tokens": "sampling.max_tokens",
        "--seed": "sampling.seed",
        "--batch-size": "sampling.batch_size",
        "--base-url URL": "api.base_urls",
        "--key": "api.key",
        "--timeout SECONDS": "api.timeout_s",
        "--api-nproc": "api.nproc",
        "--retry": "api.retry",
        "--allow-remote-code": "sampling.allow_remote_code",
    },
    "scoring and selecting": {
        "--k K": "ks",
        "--baseline": "baseline",
        "--steps": "scoring.steps",
        "--max-steps": "scoring.max_steps",
        "--thoughts": "scoring.thoughts",
        "--device": "compute.device",
        "--dtype": "compute.dtype",
        "--token-budget": "scoring.token_budget",
    },
    "critics against labelled steps": {
        "--critic C": "step_labels.critics",
        "--vpb-dir DIR": "step_labels.vpb_dir",
        "--threshold": "step_labels.threshold",
        "--critic-base-url URL": "scoring.base_urls",
        "--critic-key": "scoring.key",
    },
    "grading by the host": {
        "--grade": "grade",
        "--judge": "judge.name",
        "--prediction": "judge.prediction",
        "--metric [BENCHMARK=]COLUMN": "metrics",
        "--judge-base-url": "judge.base_url",
        "--judge-key": "judge.key",
        "--judge-api-nproc": "judge.nproc",
        "--judge-retry": "judge.retry",
        "--judge-timeout": "judge.timeout_s",
    },
    "process": {
        "--limit": "limit",
        "--mode": "mode",
        "--stages": "stages",
        "--retry-failed": "retry_failed",
        "--dry-run": "dry_run",
        "--verbose": "verbose",
    },
}


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        names: Its names, such as ``-n/--num-samples``.
        metavar: What stands for its value, ``""`` for its name in capitals.
        path: The field that it fills: one of ``RunConfig``, ``PART.FIELD``, or one of ``Shorthands``.
    """

    names: str
    metavar: str
    path: str

    @functools.cached_property
    def _field(self) -> tuple[type, str]:
        part, _, name = self.path.rpartition(".")
        if part:
            return type(getattr(cfg.RunConfig(), part)), name
        return (Shorthands if name in Shorthands.__dataclass_fields__ else cfg.RunConfig), name

    @property
    def hint(self) -> Any:
        """The type of its value, without ``None``."""
        owner, name = self._field
        hint = get_type_hints(owner)[name]
        return next(kind for kind in get_args(hint) if kind is not NoneType) if NoneType in get_args(hint) else hint

    def help(self, text: str | None) -> str:
        """What the field's description says, or another text, with the default."""
        owner, name = self._field
        default = getattr(owner(), name)
        if isinstance(default, tuple):
            default = " ".join(str(getattr(value, "source", value)) for value in default)
        return (text or _descriptions(owner).get(name, "")).format(default=default)  # None without docstrings: -OO

    def of(self, config: cfg.RunConfig) -> Any:
        """Its value in a run."""
        return functools.reduce(getattr, self.path.split("."), config)

    def add_to(self, parser: argparse._ActionsContainer, text: str | None = None, *, required: bool = False) -> None:
        """Adds it to a command, whose help may have another text."""
        names, hint = self.names.split("/"), self.hint
        keywords: dict[str, Any] = {"nargs": "+"} if get_origin(hint) is tuple else {}
        kind = get_args(hint)[0] if keywords else hint
        if kind is bool:
            keywords["action"] = "store_true"
        elif get_origin(kind) is Literal:
            keywords["choices"] = get_args(kind)
        else:
            keywords["type"] = {int: whole_number, float: number, Path: path}.get(kind, str)
            keywords["metavar"] = self.metavar or names[-1].lstrip("-").replace("-", "_").upper()
        if required:
            keywords["required"] = True
        parser.add_argument(*names, dest=self.path, default=argparse.SUPPRESS, help=self.help(text), **keywords)


@functools.cache
def _descriptions(owner: type) -> dict[str, str]:
    """What a class says of its attributes."""
    _, _, section = inspect.cleandoc(owner.__doc__ or "").partition("Attributes:\n")
    parts = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in parts}


_MOST = 2**31 - 1
"""The greatest count, or number of seconds: clocks and arrays of others take no more."""
_LONGEST_SEED = 2**63

_GROUPS: Mapping[str, list[Option]] = {
    title: [Option(*key.partition(" ")[::2], path) for key, path in rows.items()] for title, rows in _TABLE.items()
}
OPTIONS: Mapping[str, Option] = {
    option.names.rpartition("/")[2]: option for group in _GROUPS.values() for option in group
}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Adds all options of ``run``, group by group."""
    for title, options in _GROUPS.items():
        group = parser.add_argument_group(title)
        for option in options:
            option.add_to(group)


def add_options(parser: argparse.ArgumentParser, texts: Mapping[str, str | None], required: str = "") -> None:
    """Adds some options to another command.

    Args:
        parser: The command.
        texts: What its help says of each, by name; ``None`` for what that of ``run`` says.
        required: The one that must be given.
    """
    for name, text in texts.items():
        OPTIONS[name].add_to(parser, text, required=name == required)


def given_fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields that options were given for, by path."""
    paths = {option.path for option in OPTIONS.values()}
    values = {path: value for path, value in vars(arguments).items() if path in paths}
    given: dict[str, Any] = {path: tuple(value) if isinstance(value, list) else value for path, value in values.items()}
    if "judge.base_url" in given:  # A bare host gets ``/v1``, as with ``--base-url``.
        given["judge.base_url"] = completed(given["judge.base_url"])
    return given


def partial_config(arguments: argparse.Namespace, base: cfg.RunConfig) -> cfg.RunConfig:
    """What a command is told that has some options of a run.

    Args:
        arguments: The parsed options.
        base: What it does without them.

    Raises:
        ConfigError: When a value is out of range.
    """
    given = given_fields(arguments)
    config = cfg.filled(base, {path: given[path] for path in given.keys() - Shorthands.__dataclass_fields__.keys()})
    _refuse(_wrong_values(config))
    return config


def benchmarks(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The host's names of the benchmarks of ``--suite`` and ``--data``; one of the suite may be named again."""
    suite = SUITES.get(given.get("suite", ""), ())
    return (*suite, *(name for name in map(host_name, given.get("data", ())) if name not in suite))


def run_config(arguments: argparse.Namespace) -> cfg.RunConfig:
    """The run that parsed options ask for.

    Raises:
        ConfigError: When options are out of range or conflict.
    """
    given = given_fields(arguments)
    _refuse(_shorthand_conflicts(given))
    demo, mode = given.pop("demo", False), given.pop("mode", None)
    if {"data", "suite"} & given.keys():
        given["data"] = benchmarks(given)
    given.pop("suite", None)
    if "scoring.prms" in given:
        given["scoring.prms"] = tuple(map(cfg.ModelSource.parse, given["scoring.prms"]))
        given["scoring.prms_named"] = True
    elif "step_labels.critics" in given and cfg.DEMO_PROCESS_BENCHMARK in given.get("data", ()):
        given["scoring.prms"] = cfg.DEMO.scoring.prms
    if "candidates" in given:
        given.setdefault("sampling.num_samples", None)
    if "metrics" in given:
        given["metrics"] = tuple(_metric(text, benchmarks(given)) for text in given["metrics"])
    asked_for = {"temperature", "top_p", "seed"} & {path.removeprefix("sampling.") for path in given}
    given["sampling.asked_for"] = frozenset(asked_for)
    wanted = given.get("stages", MODES[mode or "all"])
    given["stages"] = tuple(stage for stage in cfg.STAGES if stage in wanted)
    return checked(cfg.filled(cfg.DEMO if demo else cfg.RunConfig(), given))


def _metric(text: str, names: Sequence[str]) -> str:
    """A value of ``--metric`` with the host's name of its benchmark, where it names one of the run's."""
    head, equals, column = text.partition("=")
    return f"{host_name(head)}={column}" if equals and host_name(head) in names else text


def _shorthand_conflicts(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with options beside the values that they come to."""
    # Samples that are there already have their settings: asking for others would do nothing.
    for name in ("--temperature", "--top-p", "--max-tokens", "--seed", "--prompt"):
        if "candidates" in given and OPTIONS[name].path in given:
            yield f"{name} conflicts with --candidates: those samples are written already"
    for name in ("--model", "--data", "--suite", "--prm", "--candidates", "--critic"):
        if given.get("demo") and OPTIONS[name].path in given:
            yield f"--demo conflicts with {name}: the demo brings its own; leave one of them out"
    if {"mode", "stages"} <= given.keys():
        yield "--mode conflicts with --stages: give one of them"


def checked(config: cfg.RunConfig) -> cfg.RunConfig:
    """A run whose options make sense together.

    Raises:
        ConfigError: Naming the option, what was expected and what to do.
    """
    for rules in (
        _critic_conflicts,
        _source_conflicts,
        _endpoint_conflicts,
        _wrong_values,
        _metric_conflicts,
        _other_conflicts,
    ):
        _refuse(rules(config))
    _check_ways(config)
    return config


def _refuse(messages: Iterator[str]) -> None:
    for message in messages:
        raise ConfigError(message)


def _wrong_values(config: cfg.RunConfig) -> Iterator[str]:
    """Values that no run can have, whatever the others are."""
    for name, option in OPTIONS.items():
        if option.path in Shorthands.__dataclass_fields__ or (value := option.of(config)) is None:
            continue
        least, most = (-_LONGEST_SEED, _LONGEST_SEED - 1) if name == "--seed" else (1, _MOST)
        if option.hint is int and not least <= value <= most:
            yield f"{option.names} {one_line(str(value), 40)}: expected a whole number {_range(least, most)}"
        if get_origin(option.hint) is Literal and value not in get_args(option.hint):
            yield f"{name} {value}: expected one of {', '.join(get_args(option.hint))}"
    sampling = config.sampling
    if not (math.isfinite(sampling.temperature) and sampling.temperature >= 0):
        yield f"--temperature {sampling.temperature}: expected 0 (greedy) or more"
    if not 0 < sampling.top_p <= 1:
        yield f"--top-p {sampling.top_p}: expected a number above 0 and at most 1 (1 keeps all)"
    if not math.isfinite(threshold := config.step_labels.threshold):
        yield f"--threshold {threshold}: expected a number, such as {cfg.DEFAULT_THRESHOLD}"
    unknown = [stage for stage in config.stages if stage not in cfg.STAGES]
    if unknown or not config.stages:
        yield f"--stages {' '.join(unknown)}: expected one or more of {', '.join(cfg.STAGES)}"


def _range(least: int, most: int) -> str:
    return f"of at least {least}, and at most {most:,}" if least == 1 else f"from {least} to {most}"


def _critic_conflicts(config: cfg.RunConfig) -> Iterator[str]:
    """What ``--critic`` goes with: one process benchmark, and nothing that samples."""
    critics, scoring = config.step_labels.critics, config.scoring
    judged = [name for name in config.data if name in cfg.PROCESS_BENCHMARKS]
    if judged and not critics:
        yield f"{judged[0]} judges critics: name them with --critic, such as --critic visualprm random"
    if critics and (len(config.data) != 1 or not judged):
        yield f"--critic: expected --data with one of {', '.join(cfg.PROCESS_BENCHMARKS)} and nothing else"
    if critics and (config.models or config.candidates is not None):
        yield "--critic conflicts with --model and --candidates: the solutions are given"
    if critics and scoring.steps != ORIGINAL:
        yield f"--steps {scoring.steps} conflicts with --critic: {config.data[0]} gives the steps; leave --steps out"
    if config.step_labels.vpb_dir is not None and not critics:
        yield f"--vpb-dir goes with --critic and --data {cfg.PROCESS_BENCHMARKS[0]}"
    if scoring.key is not None and not scoring.base_urls:
        yield "--critic-key: it is for the endpoints that --critic-base-url names; give both or none"
    if scoring.base_urls and not critics and not any(name.startswith("judge:") for name in config.rerankers):
        yield "--critic-base-url: no critic is a prompted judge; add --reranker judge:MODEL or leave it out"
    if scoring.base_urls:
        _check_address(scoring)


def _check_address(reached: cfg.ApiOptions | cfg.ScoringOptions) -> list[str]:
    """The addresses of endpoints, in full.

    Raises:
        ConfigError: One of them, or the key, cannot be used.
    """
    api_key(reached.key)
    return [base_url(url) for url in reached.base_urls]


def _check_ways(config: cfg.RunConfig) -> None:
    """Looks at what the environment puts between this run and the servers that it may ask.

    Raises:
        ConfigError: A variable names a proxy or certificates that cannot be used.
    """
    asked = [*config.api.base_urls] if "sample" in config.stages else []
    asked += config.scoring.base_urls if "score" in config.stages else ()
    for url in asked:
        check_way(base_url(url))
    if config.judge.base_url and "grade" in config.stages:
        check_way(config.judge.base_url, "requests")


def _source_conflicts(config: cfg.RunConfig) -> Iterator[str]:
    """Where candidates come from."""
    is_pack = config.candidates is not None
    if not config.data:
        yield "no benchmark given: name one or more with --data or --suite, or try the bundled world with --demo"
    if is_pack and config.models:
        yield "--candidates conflicts with --model: the candidates name their policy themselves"
    if config.candidate_fields and not is_pack:
        yield "--candidate-fields says how to read a file of candidates; name it with --candidates FILE"
    if not all(config.data):
        yield "--data: a benchmark's name is empty"
    if is_pack and config.stages == ("sample",):
        yield "--candidates conflicts with sampling alone (--mode infer): those samples are there already"
    if not (is_pack or config.models or config.step_labels.critics):
        yield "no policy given: name one or more with --model, or pass samples with --candidates FILE"
    for name, values in (("--model", config.models), ("--data", config.data)):
        if doubled := _doubled(values):
            yield f"{name} names {doubled} twice"


def _doubled(values: Sequence[str]) -> str:
    return ", ".join(sorted({value for value in values if values.count(value) > 1}))


def _endpoint_conflicts(config: cfg.RunConfig) -> Iterator[str]:
    """What ``--engine`` and ``--base-url`` go with."""
    engine, urls, is_demo = config.sampling.engine, config.api.base_urls, cfg.DEMO_POLICY in config.models
    if urls and engine in {"native", "host"}:
        yield f"--base-url conflicts with --engine {engine}: leave one of them out"
    if engine == "endpoint" and not urls and not is_demo and config.models and "sample" in config.stages:
        yield "--engine endpoint: say where with --base-url URL, such as http://127.0.0.1:8000/v1"
    if urls and (config.candidates is not None or is_demo):
        yield "--base-url conflicts with --candidates and --demo: there is nothing to sample there"
    if engine == "endpoint" and is_demo:
        yield "--engine endpoint conflicts with --demo, whose policy runs here; leave one of them out"
    if config.candidates is not None and engine != "auto":
        yield f"--engine {engine} conflicts with --candidates: those samples are written already"
    if config.api.key is not None and not urls:
        yield "--key: it is for the endpoints that --base-url names; give both or none"
    if urls and _doubled(addresses := _check_address(config.api)):
        yield f"--base-url names an address twice: {' '.join(addresses)}"


def _metric_conflicts(config: cfg.RunConfig) -> Iterator[str]:
    """What ``--metric`` goes with: one figure each of benchmarks without a metric of their own."""
    heads = [next((name for name in config.data if text.startswith(f"{name}=")), "") for text in config.metrics]
    for text, head in zip(config.metrics, heads, strict=True):
        if not text.removeprefix(f"{head}=" if head else "").removeprefix("lower:").strip():
            yield f"--metric {text!r}: expected [BENCHMARK=]COLUMN, the name of a figure of the host's result"
        if head in TASKS or (not head and config.data and all(name in TASKS for name in config.data)):
            yield f"--metric {text}: {head or ', '.join(config.data)} has a metric of its own; leave --metric out"
    if doubled := _doubled([head or "all benchmarks" for head in heads]):
        yield f"--metric names two figures of {doubled}: expected one, as [BENCHMARK=]COLUMN"
    if config.metrics and config.step_labels.critics:
        yield "--metric conflicts with --critic, which has metrics of its own"


def _other_conflicts(config: cfg.RunConfig) -> Iterator[str]:
    if config.data_dir is not None and not config.data_dir.is_dir():
        yield f"--data-dir {config.data_dir} is no folder: name the one that holds the benchmarks' files"
    n = config.sampling.num_samples
    if config.sampling.temperature == 0 and (n or 1) > 1:
        yield (
            f"--temperature 0 conflicts with -n/--num-samples {n}: greedy samples of a problem are all equal; use "
            "-n 1, or a temperature above 0"
        )
    if n is not None:
        config.resolve_ks(n)
    if config.baseline == GREEDY and GREEDY not in config.rerankers:
        yield "--baseline greedy needs samples at temperature 0; add greedy to --reranker"
    if config.baseline == MEAN and config.grade == "picks":
        yield "--baseline mean needs verdicts of all candidates; leave out --grade picks, or choose another baseline"
    if doubled := _doubled([prm.name for prm in config.scoring.prms]):
        yield f"two --prm are called {doubled}; tell them apart with NAME=PATH_OR_ID"
