"""One frozen description of a run: the only home of defaults and of the rules between options."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from visualprm_eval.core.baselines import BASELINES, GREEDY, MEAN
from visualprm_eval.core.errors import ConfigError

ENGINES = ("auto", "native", "host", "endpoint")
PROMPTS = ("cot", "direct", "host")
STAGES = ("sample", "score", "grade", "report")
PREDICTIONS = ("raw", "final")
DEFAULT_PICTURES, RAW_PICTURES = PICTURES = ("upright", "raw")
THOUGHTS = ("skip", "score")
DTYPES = ("auto", "float32", "bfloat16")
EXACT_MATCHING = "exact_matching"
"""The host's name of grading without a judge."""
MODES = {"all": STAGES, "infer": ("sample",), "eval": ("score", "grade", "report")}

DEFAULT_PRM = "OpenGVLab/VisualPRM-8B"
DEFAULT_NUM_SAMPLES = 8
DEFAULT_RERANKERS = ("visualprm",)

DEMO_POLICY = "demo-policy"
DEMO_PRM = "demo-prm"
DEMO_BENCHMARK = "DemoWorld"
DEMO_RERANKERS = (
    "random", "self-consistency", "visualprm", "visualprm:min", "visualorm", "weighted-vote", "oracle",
)  # fmt: skip
DEMO_MAX_TOKENS = 128
DEMO_BATCH_SIZE = 256

DEMO_PROCESS_BENCHMARK = "DemoProcessBench"
PROCESS_BENCHMARKS = ("VisualProcessBench", DEMO_PROCESS_BENCHMARK)
"""Benchmarks that judge critics, not policies."""
GIVEN = "given"
"""The engine of solutions that came with labels, in the key under which they are stored."""
DEFAULT_THRESHOLD = 0.85
"""Above which score a step counts as correct: a public re-evaluation of VisualPRM-8B came to a pooled macro F1 of 62.18
with it; the paper prints 62.0 and no threshold."""

_SOURCE_PATTERN = re.compile(r"(?:(?P<name>[A-Za-z0-9][\w.-]*)=)?(?P<source>[^@=]+)(?:@(?P<revision>[^@=]+))?")
_HF_PATTERN = re.compile(r"(?:(?P<name>[A-Za-z0-9][\w.-]*)=)?hf:(?P<source>.+)")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from: ``[NAME=]PATH_OR_ID[@REVISION]``.

    Attributes:
        name: What results call it; the last part of the source unless given.
        source: A directory or a hub id.
        revision: Commit, tag or branch on the hub; ``None`` for the newest (or for a directory).
        is_named: Whether somebody gave it the name.
    """

    name: str
    source: str
    revision: str | None = None
    is_named: bool = field(default=False, compare=False)

    @classmethod
    def parse(cls, text: str, option: str = "--prm") -> ModelSource:
        """Reads ``[NAME=]PATH_OR_ID[@REVISION]``; a directory of that very name wins over the notation.

        Args:
            text: What the user wrote.
            option: Where, for the message.

        Raises:
            ConfigError: When the text is not of that form, or a directory is given a revision.
        """
        if text and Path(text).is_dir():
            return cls(name=Path(text).resolve().name, source=text)
        match = _SOURCE_PATTERN.fullmatch(text)
        if match is None:
            raise ConfigError(f"{option} {text!r} is not of the form [NAME=]PATH_OR_ID[@REVISION]")
        source = match["source"]
        if match["revision"] and Path(source).is_dir():
            raise ConfigError(f"{option} {text}: {source} is a directory, which has no revision; leave out the @")
        name = match["name"] or Path(source).resolve().name
        return cls(name, source, match["revision"], is_named=match["name"] is not None)

    @classmethod
    def parse_hf(cls, text: str) -> ModelSource | None:
        """Reads ``[NAME=]hf:PATH_OR_ID[@REVISION]``; ``None`` for anything else.

        Raises:
            ConfigError: When what follows ``hf:`` is not of that form.
        """
        match = _HF_PATTERN.fullmatch(text)
        if match is None:
            return None
        source = cls.parse(match["source"], option="--model hf:")
        return cls(match["name"] or source.name, source.source, source.revision)


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How candidates are drawn.

    Attributes:
        engine: Who runs the policies, one of ``ENGINES``; ``"auto"`` decides for each.
        prompt: How problems are put to policies, one of ``PROMPTS``.
        num_samples: N, candidates per problem; ``None`` for as many as there are.
        temperature: 0 is greedy.
        top_p: Nucleus of sampling; 1 keeps all.
        max_tokens: Longest sample, in tokens.
        seed: Seed of the sampling noise.
        batch_size: Samples drawn at a time by a native policy.
        allow_remote_code: Let host model classes run code that ships with a checkpoint.
    """

    engine: str = "auto"
    prompt: str = "cot"
    num_samples: int | None = DEFAULT_NUM_SAMPLES
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 4096
    seed: int = 0
    batch_size: int = 64
    allow_remote_code: bool = False

    def greedy(self) -> SamplingOptions:
        """The same at temperature 0."""
        return replace(self, temperature=0.0, top_p=1.0)


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How models behind an API are asked, at OpenAI-compatible endpoints or by the host.

    Attributes:
        base_urls: The endpoints.
        key: Their key; never printed, logged or stored. ``None`` for the environment's.
        nproc: Parallel requests.
        retry: Tries per request.
        timeout_s: Longest wait for a reply of an endpoint, in seconds.
    """

    base_urls: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)
    nproc: int = 4
    retry: int = 6
    timeout_s: int = 600


@dataclass(frozen=True, slots=True)
class ComputeOptions:
    """Where and in what precision the models run that run here.

    Attributes:
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        dtype: One of ``DTYPES``; ``"auto"`` depends on the device.
    """

    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """What critics score, and how.

    Attributes:
        prms: The process reward models that PRM-based rerankers use.
        prms_named: Whether somebody named them, and so expects them to be read.
        max_steps: Most steps per solution (pieces are merged evenly); the paper uses 12.
        thoughts: Whether critics read what a model thought before its response, one of ``THOUGHTS``.
        token_budget: Most tokens that the reward model reads at a time.
        base_urls: Endpoints of prompted judges; those of the policies when there are none.
        key: Their key; never printed, logged or stored. ``None`` for the environment's.
    """

    prms: tuple[ModelSource, ...] = (ModelSource("VisualPRM-8B", DEFAULT_PRM),)
    prms_named: bool = False
    max_steps: int = 12
    thoughts: str = "skip"
    token_budget: int = 16_384
    base_urls: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StepLabelOptions:
    """A run of critics against labelled steps.

    Attributes:
        critics: Who judges the steps, see ``visualprm_eval.stages.score.given_steps``.
        vpb_dir: The folder of the benchmark's files; ``None`` for the host's data folder.
        threshold: A step with a greater score counts as correct.
    """

    critics: tuple[str, ...] = ()
    vpb_dir: Path | None = None
    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """How the host's judge, a language model behind an OpenAI-compatible address, is reached.

    Attributes:
        name: The model; ``None`` for what the benchmark's task says, ``EXACT_MATCHING`` for no judge.
        base_url: The address up to ``/v1``; ``None`` for what the host takes from its environment.
        key: Its key; never printed, logged or stored. ``None`` for what the host takes from its environment.
        nproc: Parallel requests.
        retry: Tries per request.
        timeout_s: Longest wait for one reply, in seconds.
        prediction: What the host's grader gets of a text, one of ``PREDICTIONS``, ``"raw"`` (all) or ``"final"`` (its
            final answer); ``None`` for what the benchmark's task says.
    """

    name: str | None = None
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    nproc: int = 4
    retry: int = 6
    timeout_s: int = 600
    prediction: Literal["raw", "final"] | None = None

    @property
    def used(self) -> bool:
        """Whether a language model is asked."""
        return self.name not in {None, EXACT_MATCHING}


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that a run was asked for.

    Attributes:
        models: Policies: host names, the demo's, InternVL-layout checkpoints as ``[NAME=]PATH_OR_ID[@REVISION]``, or
            others through transformers as ``[NAME=]hf:PATH_OR_ID[@REVISION]``.
        data: Benchmarks by their host names.
        candidates: A pack of candidates that stands in for sampling.
        candidate_fields: For a file of another tool: which field is what, see ``visualprm_eval.store.packs.fields``.
        rerankers: Names, see ``visualprm_eval.evaluate.reranker_registry``.
        sampling: How candidates are drawn.
        api: How policies behind an API are asked.
        compute: Where models run that run here.
        scoring: What critics score, and how.
        step_labels: A run of critics against labelled steps, which is no run of policies.
        judge: How the host's judge is reached.
        grade: ``"all"`` grades every distinct text, ``"picks"`` only what a reranker chose, ``"auto"`` decides.
        ks: The k of best-of-k to tabulate, ascending.
        baseline: What gains are measured against, one of ``BASELINES``; ``None`` for the first of these that a
            policy has on a benchmark.
        stages: Which of the stages to run.
        limit: Only the first problems of each benchmark; ``None`` for all.
        work_dir: Where the store and the results live.
        data_dir: The folder that holds benchmarks; ``None`` for the host's.
        pictures: Whether pictures are turned and scaled as they are meant to be seen, one of ``PICTURES``.
        retry_failed: Try stored failures again.
        dry_run: Only say what is missing.
        verbose: Show the host's own messages.
    """

    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    candidates: Path | None = None
    candidate_fields: tuple[str, ...] = ()
    rerankers: tuple[str, ...] = DEFAULT_RERANKERS
    sampling: SamplingOptions = SamplingOptions()
    api: ApiOptions = ApiOptions()
    compute: ComputeOptions = ComputeOptions()
    scoring: ScoringOptions = ScoringOptions()
    step_labels: StepLabelOptions = StepLabelOptions()
    judge: JudgeOptions = JudgeOptions()
    grade: str = "auto"
    ks: tuple[int, ...] = ()
    baseline: str | None = None
    stages: tuple[str, ...] = STAGES
    limit: int | None = None
    work_dir: Path = Path("outputs")
    data_dir: Path | None = None
    pictures: str = DEFAULT_PICTURES
    retry_failed: bool = False
    dry_run: bool = False
    verbose: bool = False

    @property
    def judges_api(self) -> ApiOptions:
        """How prompted judges are asked: at their own endpoints with their own key, else at those of the policies."""
        scoring = self.scoring
        return replace(self.api, base_urls=scoring.base_urls, key=scoring.key) if scoring.base_urls else self.api

    def check(self) -> RunConfig:
        """Returns itself when the options make sense together.

        Raises:
            ConfigError: Naming the option, what was expected and what to do.
        """
        self._check_critics()
        self._check_sources()
        self._check_endpoints()
        self._check_numbers()
        if self.sampling.prompt not in PROMPTS:
            raise ConfigError(f"--prompt {self.sampling.prompt}: expected one of {', '.join(PROMPTS)}")
        if self.pictures not in PICTURES:
            raise ConfigError(f"--pictures {self.pictures}: expected one of {', '.join(PICTURES)}")
        if self.scoring.thoughts not in THOUGHTS:
            raise ConfigError(f"--thoughts {self.scoring.thoughts}: expected one of {', '.join(THOUGHTS)}")
        if self.judge.prediction not in {None, *PREDICTIONS}:
            raise ConfigError(f"--prediction {self.judge.prediction}: expected one of {', '.join(PREDICTIONS)}")
        if self.data_dir is not None and not self.data_dir.is_dir():
            raise ConfigError(f"--data-dir {self.data_dir} is no folder: name the one that holds the benchmarks' files")
        self._check_baseline()
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown or not self.stages:
            raise ConfigError(f"--stages {' '.join(unknown)}: expected one or more of {', '.join(STAGES)}")
        names = [prm.name for prm in self.scoring.prms]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ConfigError(f"two --prm are called {', '.join(doubled)}; tell them apart with NAME=PATH_OR_ID")
        return self

    def _check_baseline(self) -> None:
        if self.baseline is not None and self.baseline not in BASELINES:
            raise ConfigError(f"--baseline {self.baseline}: expected one of {', '.join(BASELINES)}")
        if self.baseline == GREEDY and GREEDY not in self.rerankers:
            raise ConfigError("--baseline greedy needs samples at temperature 0; add greedy to --reranker")
        if self.baseline == MEAN and self.grade == "picks":
            raise ConfigError(
                "--baseline mean needs verdicts of all candidates; leave out --grade picks, or choose another baseline"
            )

    def _check_sources(self) -> None:
        if not self.data:
            raise ConfigError(
                "no benchmark given: name one or more with --data or --suite, or try the bundled world with --demo"
            )
        if self.candidates is not None and self.models:
            raise ConfigError("--candidates conflicts with --model: the candidates name their policy themselves")
        if self.candidate_fields and self.candidates is None:
            raise ConfigError(
                "--candidate-fields says how to read a file of candidates; name it with --candidates FILE"
            )
        if not all(self.data):
            raise ConfigError("--data: a benchmark's name is empty")
        if self.candidates is not None and self.stages == ("sample",):
            raise ConfigError(
                "--candidates conflicts with sampling alone (--mode infer): those samples are there already"
            )
        if self.candidates is None and not self.models and not self.step_labels.critics:
            raise ConfigError("no policy given: name one or more with --model, or pass samples with --candidates FILE")
        for option, values in (("--model", self.models), ("--data", self.data)):
            doubled = sorted({value for value in values if values.count(value) > 1})
            if doubled:
                raise ConfigError(f"{option} names {', '.join(doubled)} twice")

    def _check_critics(self) -> None:
        """What ``--critic`` goes with: one process benchmark, and nothing that samples."""
        judged = [name for name in self.data if name in PROCESS_BENCHMARKS]
        if judged and not self.step_labels.critics:
            raise ConfigError(f"{judged[0]} judges critics: name them with --critic, such as --critic visualprm random")
        if self.step_labels.critics and (len(self.data) != 1 or not judged):
            raise ConfigError(f"--critic: expected --data with one of {', '.join(PROCESS_BENCHMARKS)} and nothing else")
        if self.step_labels.critics and (self.models or self.candidates is not None):
            raise ConfigError("--critic conflicts with --model and --candidates: the solutions are given")
        if self.step_labels.vpb_dir is not None and not self.step_labels.critics:
            raise ConfigError(f"--vpb-dir goes with --critic and --data {PROCESS_BENCHMARKS[0]}")
        if not math.isfinite(self.step_labels.threshold):
            raise ConfigError(
                f"--threshold {self.step_labels.threshold}: expected a number, such as {DEFAULT_THRESHOLD}"
            )
        if not self.scoring.base_urls:
            if self.scoring.key is not None:
                raise ConfigError(
                    "--critic-key: it is for the endpoints that --critic-base-url names; give both or none"
                )
            return
        if not self.step_labels.critics and not any(name.startswith("judge:") for name in self.rerankers):
            raise ConfigError(
                "--critic-base-url: no critic is a prompted judge; add --reranker judge:MODEL or leave it out"
            )
        from visualprm_eval.core.server_address import api_key, base_url

        for url in self.scoring.base_urls:
            base_url(url)
        api_key(self.scoring.key)

    def _check_endpoints(self) -> None:
        if self.sampling.engine not in ENGINES:
            raise ConfigError(f"--engine {self.sampling.engine}: expected one of {', '.join(ENGINES)}")
        if self.api.base_urls and self.sampling.engine in {"native", "host"}:
            raise ConfigError(f"--base-url conflicts with --engine {self.sampling.engine}: leave one of them out")
        sampled = "sample" in self.stages and self.models and DEMO_POLICY not in self.models
        if self.sampling.engine == "endpoint" and not self.api.base_urls and sampled:
            raise ConfigError("--engine endpoint: say where with --base-url URL, such as http://127.0.0.1:8000/v1")
        if self.api.base_urls and (self.candidates is not None or DEMO_POLICY in self.models):
            raise ConfigError("--base-url conflicts with --candidates and --demo: there is nothing to sample there")
        if self.sampling.engine == "endpoint" and DEMO_POLICY in self.models:
            raise ConfigError("--engine endpoint conflicts with --demo, whose policy runs here; leave one of them out")
        if self.candidates is not None and self.sampling.engine != "auto":
            raise ConfigError(
                f"--engine {self.sampling.engine} conflicts with --candidates: those samples are written already"
            )
        if not self.api.base_urls:
            if self.api.key is not None:
                raise ConfigError("--key: it is for the endpoints that --base-url names; give both or none")
            return
        from visualprm_eval.core.server_address import api_key, base_url

        urls = [base_url(text) for text in self.api.base_urls]
        if len(set(urls)) < len(urls):
            raise ConfigError(f"--base-url names an address twice: {' '.join(urls)}")
        api_key(self.api.key)

    def _check_numbers(self) -> None:
        sampling, scoring, api = self.sampling, self.scoring, self.api
        at_least_one = {
            "-n/--num-samples": sampling.num_samples, "--max-tokens": sampling.max_tokens,
            "--max-steps": scoring.max_steps, "--limit": self.limit, "--batch-size": sampling.batch_size,
            "--token-budget": scoring.token_budget, "--api-nproc": api.nproc, "--retry": api.retry,
            "--timeout": api.timeout_s,
            "--judge-api-nproc": self.judge.nproc, "--judge-retry": self.judge.retry,
            "--judge-timeout": self.judge.timeout_s,
        }  # fmt: skip
        for option, value in at_least_one.items():
            if value is not None and value < 1:
                raise ConfigError(f"{option} {value}: expected a whole number of at least 1")
        if not (math.isfinite(self.sampling.temperature) and self.sampling.temperature >= 0):
            raise ConfigError(f"--temperature {self.sampling.temperature}: expected 0 (greedy) or more")
        if not 0 < self.sampling.top_p <= 1:
            raise ConfigError(f"--top-p {self.sampling.top_p}: expected a number above 0 and at most 1 (1 keeps all)")
        if self.sampling.temperature == 0 and (self.sampling.num_samples or 1) > 1:
            raise ConfigError(
                f"--temperature 0 conflicts with -n/--num-samples {sampling.num_samples}: greedy samples of a problem "
                "are all equal; use -n 1, or a temperature above 0"
            )
        if self.sampling.num_samples is not None:
            self.resolve_ks(self.sampling.num_samples)

    def resolve_ks(self, n: int) -> tuple[int, ...]:
        """The k to tabulate for N = ``n``: those asked for, else the powers of two below N, and N.

        Raises:
            ConfigError: When a k is below 1 or above N.
        """
        for k in self.ks:
            if not 1 <= k <= n:
                why = f"-n/--num-samples is {n}" if self.sampling.num_samples else f"problems have {n} candidates"
                raise ConfigError(f"--k {k}: expected 1 to {n}, since {why}")
        return tuple(sorted(set(self.ks))) or default_ks(n)


def filled(config: RunConfig, given: Mapping[str, Any]) -> RunConfig:
    """A run with other values in the fields that are given as ``field`` or ``part.field``."""
    parts: dict[str, dict[str, Any]] = {}
    for path, value in given.items():
        part, _, name = path.rpartition(".")
        parts.setdefault(part, {})[name] = value
    own = parts.pop("", {})
    return replace(config, **own, **{part: replace(getattr(config, part), **new) for part, new in parts.items()})


def default_ks(n: int) -> tuple[int, ...]:
    """Powers of two below ``n``, and ``n``."""
    return (*(2**power for power in range(n.bit_length()) if 2**power < n), n)


def stages_of(mode: str | None, stages: Sequence[str] | None) -> tuple[str, ...]:
    """The stages that ``--mode`` or ``--stages`` asks for, in the order in which they run.

    Raises:
        ConfigError: When both are given.
    """
    if mode is not None and stages is not None:
        raise ConfigError("--mode conflicts with --stages: give one of them")
    if stages is None:
        return MODES[mode or "all"]
    return tuple(stage for stage in STAGES if stage in stages)
