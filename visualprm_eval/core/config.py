"""One frozen description of a run: the only home of defaults, choices and what options mean.

The command line is made of it (``visualprm_eval.run.options``): an attribute's description below is the help of its
option, with the default where it says ``{default}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from visualprm_eval.core.baselines import Baseline
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.folders import is_folder, user_path
from visualprm_eval.core.steps import ORIGINAL, StepRule
from visualprm_eval.core.types import JSONValue
from visualprm_eval.core.words import counted

Engine = Literal["auto", "native", "host", "endpoint"]
Prompt = Literal["cot", "direct", "host"]
Stage = Literal["sample", "score", "grade", "report"]
Pictures = Literal["upright", "raw"]
PROMPTS: tuple[Prompt, ...] = get_args(Prompt)
STAGES: tuple[Stage, ...] = get_args(Stage)
DEFAULT_PICTURES: Pictures = "upright"
RAW_PICTURES: Pictures = "raw"
EXACT_MATCHING = "exact_matching"
"""The host's name of grading without a judge."""

DEFAULT_PRM = "OpenGVLab/VisualPRM-8B"
DEFAULT_NUM_SAMPLES = 8
DEFAULT_RERANKERS = ("visualprm",)

DEMO_POLICY = "demo-policy"
DEMO_PRM = "demo-prm"
DEMO_BENCHMARK = "DemoWorld"
DEMO_PROCESS_BENCHMARK = "DemoProcessBench"
PROCESS_BENCHMARKS = ("VisualProcessBench", DEMO_PROCESS_BENCHMARK)
"""Benchmarks that judge critics, not policies."""
GIVEN = "given"
"""The engine of solutions that came with labels, in the key under which they are stored."""
SERVERS_OWN = "server's own"
"""What the key of candidates says of a field that a server would not take."""
NEUTRAL: Mapping[str, JSONValue] = {"top_k": -1, "repetition_penalty": 1.0}
"""What changes nothing of a model's probabilities. It is sent to servers: they fill what is left out from the model's
generation config, where it changes much (Qwen2.5-VL's has top_k 1 and repetition_penalty 1.05)."""
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
            ConfigError: When the text is not of that form, names nobody's home, or a directory is given a revision.
        """
        before, equals, source = text.rpartition("=")
        if source.startswith("~"):
            text = f"{before}{equals}{user_path(source)}"
        if text and is_folder(text):
            return cls(name=Path(text).resolve().name, source=text)
        match = _SOURCE_PATTERN.fullmatch(text)
        if match is None:
            raise ConfigError(f"{option} {text!r} is not of the form [NAME=]PATH_OR_ID[@REVISION]")
        source = match["source"]
        if match["revision"] and is_folder(source):
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
        num_samples: candidates per problem ({default}; with --candidates as many as the file has)
        prompt: chain of thought, a direct answer, or what the host would show the model ({default})
        engine: who runs the policies ({default}: an endpoint with --base-url, native if we can, else the host's)
        temperature: 0 is greedy ({default})
        top_p: nucleus; 1 keeps all ({default})
        max_tokens: longest sample in tokens ({default}; 128 with --demo)
        seed: seed of the sampling noise ({default})
        batch_size: samples at a time, native policies ({default})
        allow_remote_code: let host model classes run code shipped with a checkpoint
        asked_for: which of temperature, top_p and seed somebody asked for, and so expects of a server
    """

    num_samples: int | None = DEFAULT_NUM_SAMPLES
    prompt: Prompt = "cot"
    engine: Engine = "auto"
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 4096
    seed: int = 0
    batch_size: int = 64
    allow_remote_code: bool = False
    asked_for: frozenset[str] = frozenset()

    def settings(self) -> dict[str, JSONValue]:
        """What of it can change a sample."""
        return {name: getattr(self, name) for name in ("temperature", "top_p", "max_tokens", "prompt", "seed")}

    def greedy(self) -> SamplingOptions:
        """The same at temperature 0."""
        return replace(self, temperature=0.0, top_p=1.0, asked_for=frozenset({"temperature"}))


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How models behind an API are asked, at endpoints or by the host.

    Attributes:
        base_urls: OpenAI-compatible endpoints that serve the model, such as http://127.0.0.1:8000/v1
        key: their key; never stored or printed ($OPENAI_API_KEY)
        timeout_s: seconds to wait for a reply of an endpoint ({default})
        nproc: parallel API requests ({default})
        retry: tries per API request ({default})
    """

    base_urls: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)
    timeout_s: int = 600
    nproc: int = 4
    retry: int = 6


@dataclass(frozen=True, slots=True)
class ComputeOptions:
    """Where and in what precision the models run that run here.

    Attributes:
        device: auto, cpu, cuda, cuda:1 ... ({default})
        dtype: auto: bfloat16 on a GPU, float32 on a CPU ({default})
    """

    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """What critics score, and how.

    Attributes:
        prms: reward models as [NAME=]PATH_OR_ID[@REVISION] ({default})
        prms_named: whether somebody named them, and so expects them to be read
        steps: where a solution's steps begin: at blank lines as VisualPRM's do (a solution without any, or with CRLF
            line ends, is one step), or at all line breaks of any kind ({default})
        max_steps: steps per solution, merged evenly ({default})
        thoughts: whether reward models and step judges read what stands in <think> tags and the like ({default})
        token_budget: most tokens that the reward model reads at a time: memory depends on it, not on N; it halves
            itself when memory runs out, and a CPU takes at most 4096 ({default})
        base_urls: OpenAI-compatible endpoints of prompted judges, --reranker judge:MODEL too (those of --base-url)
        key: their key; never stored or printed ($OPENAI_API_KEY)
    """

    prms: tuple[ModelSource, ...] = (ModelSource("VisualPRM-8B", DEFAULT_PRM),)
    prms_named: bool = False
    steps: StepRule = ORIGINAL
    max_steps: int = 12
    thoughts: Literal["skip", "score"] = "skip"
    token_budget: int = 16_384
    base_urls: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StepLabelOptions:
    """A run of critics against labelled steps.

    Attributes:
        critics: for --data VisualProcessBench or DemoProcessBench: visualprm, random, all-correct, a third party's, or
            any model as a prompted judge
        vpb_dir: the folder with test.jsonl and the pictures (VisualProcessBench in the host's data folder)
        threshold: a step with a greater score counts as correct ({default})
    """

    critics: tuple[str, ...] = ()
    vpb_dir: Path | None = None
    threshold: float = DEFAULT_THRESHOLD


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """How the host's judge, a language model behind an OpenAI-compatible address, is reached.

    What is ``None`` is the host's own, from its environment or of the benchmark.

    Attributes:
        name: judge model, or exact_matching where the benchmark can do without (the benchmark's own default)
        base_url: OpenAI-compatible endpoint of the judge (the host's)
        key: its key; never stored or printed (the host's)
        nproc: parallel requests ({default})
        retry: tries per request ({default})
        timeout_s: seconds to wait for a reply ({default})
        prediction: what is graded of a text: all of it, or its final answer (raw with a judge, final without)
        metric: The figure of the host's result that somebody chose for the benchmark, see ``RunConfig.metrics``.
    """

    name: str | None = None
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    nproc: int = 4
    retry: int = 6
    timeout_s: int = 600
    prediction: Literal["raw", "final"] | None = None
    metric: str | None = None

    @property
    def used(self) -> bool:
        """Whether a language model is asked."""
        return self.name not in {None, EXACT_MATCHING}


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that a run was asked for.

    Attributes:
        models: policies: host model names, InternVL-layout checkpoints as [NAME=]PATH_OR_ID[@REVISION], or other
            families through transformers as [NAME=]hf:PATH_OR_ID[@REVISION]
        data: benchmarks by their host names, or by short names of the paper's (MMMU, MathVista, WeMath ...)
        data_dir: folder with the benchmarks' TSV files; only read, but for files that are fetched ($LMUData, ~/LMUData)
        host_python: python of another environment, where VLMEvalKit is; it runs what is asked of it (this python)
        pictures: upright: turned as their EXIF says and scaled to 8 bits, where they are not so already; raw: left to
            the host, the servers and the models ({default})
        rerankers: rerankers ({default}); first (pass@1) is always shown beside them
        candidates: a pack of candidates instead of sampling (none)
        candidate_fields: for a pack of another tool: which field is what, as index=doc_id text=resps policy:=MODEL
        work_dir: store and results (./{default})
        sampling: How candidates are drawn.
        api: How policies behind an API are asked.
        compute: Where models run that run here.
        scoring: What critics score, and how.
        step_labels: A run of critics against labelled steps, which is no run of policies.
        judge: How the host's judge is reached.
        metrics: which figure of the host's result is the value, as [BENCHMARK=]COLUMN, where less is better
            [BENCHMARK=]lower:COLUMN (the host's primary metric; benchmarks with a metric of their own keep it)
        ks: the k of best-of-k to tabulate (powers of two below N, and N)
        baseline: what gains are measured against (mean of all N samples where every candidate has a verdict, else
            greedy if it was sampled, else first)
        grade: all distinct texts, or only picks (auto: all where no judge is needed or N <= 8); oracle needs all
        limit: only the first problems of each benchmark (all)
        stages: any of the stages (all)
        retry_failed: try stored failures again
        dry_run: say what would be sampled, scored and graded
        verbose: show the host's own messages
    """

    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    data_dir: Path | None = None
    host_python: Path | None = None
    pictures: Pictures = DEFAULT_PICTURES
    rerankers: tuple[str, ...] = DEFAULT_RERANKERS
    candidates: Path | None = None
    candidate_fields: tuple[str, ...] = ()
    work_dir: Path = Path("outputs")
    sampling: SamplingOptions = SamplingOptions()
    api: ApiOptions = ApiOptions()
    compute: ComputeOptions = ComputeOptions()
    scoring: ScoringOptions = ScoringOptions()
    step_labels: StepLabelOptions = StepLabelOptions()
    judge: JudgeOptions = JudgeOptions()
    metrics: tuple[str, ...] = ()
    ks: tuple[int, ...] = ()
    baseline: Baseline | None = None
    grade: Literal["auto", "all", "picks"] = "auto"
    limit: int | None = None
    stages: tuple[Stage, ...] = STAGES
    retry_failed: bool = False
    dry_run: bool = False
    verbose: bool = False

    @property
    def judges_api(self) -> ApiOptions:
        """How prompted judges are asked: at their own endpoints with their own key, else at those of the policies."""
        scoring = self.scoring
        return replace(self.api, base_urls=scoring.base_urls, key=scoring.key) if scoring.base_urls else self.api

    def judge_of(self, benchmark: str) -> JudgeOptions:
        """How a benchmark is graded: by the figure that was chosen for it, else by the one that was for all."""
        head = f"{benchmark}="
        own = [text.removeprefix(head) for text in self.metrics if text.startswith(head)]
        common = [text for text in self.metrics if not text.startswith(tuple(f"{name}=" for name in self.data))]
        return replace(self.judge, metric=next(iter((*own, *common)), None))

    def resolve_ks(self, n: int) -> tuple[int, ...]:
        """The k to tabulate for N = ``n``: those asked for, else the powers of two below N, and N.

        Raises:
            ConfigError: When a k is below 1 or above N.
        """
        for k in self.ks:
            if not 1 <= k <= n:
                why = (
                    f"-n/--num-samples is {n}"
                    if self.sampling.num_samples
                    else f"problems have {counted(n, 'candidate')}"
                )
                raise ConfigError(f"--k {k}: expected 1 to {n}, since {why}")
        return tuple(sorted(set(self.ks))) or default_ks(n)


DEMO = RunConfig(
    models=(DEMO_POLICY,), data=(DEMO_BENCHMARK,),
    rerankers=("random", "self-consistency", "visualprm", "visualprm:min", "visualorm", "weighted-vote", "oracle"),
    sampling=SamplingOptions(max_tokens=128, batch_size=256),
    scoring=ScoringOptions(prms=(ModelSource(DEMO_PRM, DEMO_PRM),)),
)  # fmt: skip
"""What ``--demo`` brings."""
REPORT = RunConfig(stages=("report",), sampling=SamplingOptions(num_samples=None))
"""A report of a work dir; it takes what it is not told from the last run."""


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
