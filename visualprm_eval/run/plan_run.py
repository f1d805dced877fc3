"""The experiments of a run, with every key resolved, and who makes what the store lacks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from visualprm_eval.core.config import DEFAULT_NUM_SAMPLES, RunConfig
from visualprm_eval.core.errors import CheckpointError, HostError, UnknownNameError
from visualprm_eval.core.types import JSONValue, Spec
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.rerankers import Greedy
from visualprm_eval.run.export_problems import load_benchmarks, stored_grading
from visualprm_eval.run.last_run import Choice
from visualprm_eval.run.plan_pack import plan_pack
from visualprm_eval.run.stored_critics import known_prm
from visualprm_eval.run.stored_policies import known_policy, of_this_policy, stored_sampling
from visualprm_eval.stages.checkpoint_source import spec_of
from visualprm_eval.stages.experiment import Experiment, Samples, known_equalities, missing_candidates
from visualprm_eval.stages.sample.endpoint.stored_key import Served, tell_other_keys
from visualprm_eval.stages.sample.find_policy import find_policy, greedy_twin
from visualprm_eval.stages.sample.policy import PolicyOptions, notes_of
from visualprm_eval.stages.score.critics import build_critics, named_scoring, ranged_scoring

if TYPE_CHECKING:
    from visualprm_eval.core.answers.asking import Equalities
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.stages.sample.policy import Policy
    from visualprm_eval.stages.score.critics import Critic
    from visualprm_eval.store import Store
    from visualprm_eval.store.packs import CandidatePack

GRADE_ALL_UP_TO = 8
"""N up to which every distinct text is graded even when a judge has to be paid."""


@dataclass(frozen=True, kw_only=True)
class Plan(Choice):
    """What a run or a report shows, what that is about, and who makes what lacks.

    Attributes:
        experiments: One per policy and benchmark.
        equalities: Which formulas are one answer.
        policies: Who samples, by the key of the candidates.
        critics: Who scores, by label.
        notes: What a reader must know of each policy beside its settings, by name; sampling shows more.
    """

    experiments: Sequence[Experiment]
    equalities: Equalities
    policies: dict[str, Policy] = field(default_factory=dict)
    critics: Mapping[str, Critic] = field(default_factory=dict)
    notes: dict[str, Mapping[str, JSONValue]] = field(default_factory=dict)


def plan_run(
    config: RunConfig,
    store: Store,
    rerankers: Sequence[Reranker],
    benchmarks: Sequence[Benchmark] | None = None,
    samples: Sequence[Samples] | None = None,
    *,
    pack: CandidatePack | None = None,
) -> Plan:
    """Learns which policies and benchmarks a run is about, and where their facts are.

    Args:
        config: What was asked for.
        store: Where facts are; it gets the problems, and the candidates of a pack.
        rerankers: What selects.
        benchmarks: The run's; loaded when not given.
        samples: Whose candidates the run is about, where that is known already.
        pack: The candidates of ``--candidates``.

    Raises:
        BenchmarkError: When a benchmark's data is missing or malformed.
        ConfigError: When a policy is unknown, or a k is beyond N.
        HostError: When samples are wanted of a model class of the host, and there is no host.
        CandidateFileError: When the pack of candidates has nothing for a benchmark.
        CheckpointError: When a critic's scores are wanted and its checkpoint is not here.
    """
    scoring = replace(config.scoring, prms=tuple(known_prm(store, prm) for prm in config.scoring.prms))
    rerankers = sorted(rerankers, key=lambda reranker: not isinstance(reranker, Greedy))
    greedy = bool(rerankers) and isinstance(rerankers[0], Greedy)
    if benchmarks is None:
        benchmarks = load_benchmarks(config, store)
    policies: dict[str, Policy] = {}
    notes: dict[str, Mapping[str, JSONValue]] = {}
    if samples is None and pack is not None and benchmarks:
        samples = plan_pack(store, config, pack, benchmarks, greedy=greedy)
    elif samples is None:
        samples = [*_sampled(config, store, benchmarks, policies, notes, greedy=greedy)]
    critics: Mapping[str, Critic] = {}
    if samples and set(config.stages) != {"sample"}:
        critics = build_critics(needed_critics(rerankers), replace(config, scoring=scoring))
    scorings = dict(_scorings(critics, config, store))
    readable = [reranker for reranker in rerankers if reranker.critic in {None, *scorings}]
    judges = [each.benchmark.task.judged_by(config.judge_of(each.benchmark.name)) for each in samples]
    experiments = [
        resolved(config, each, readable, scorings, judge=judge, grading=_grading(store, each.benchmark, config, judge))
        for each, judge in zip(samples, judges, strict=True)
    ]
    return Plan(
        rerankers, scorings, scoring.prms, greedy, config.baseline, experiments=experiments,
        equalities=known_equalities(store), policies=policies, critics=critics, notes=notes,
    )  # fmt: skip


def resolved(
    config: RunConfig, samples: Samples, rerankers: Sequence[Reranker], scorings: Mapping[str, Spec],
    *, judge: JudgeOptions, grading: Spec, grade: str | None = None, ks: Sequence[int] = (),
) -> Experiment:  # fmt: skip
    """An experiment of samples; critics do not look at greedy ones, which only the greedy reranker picks from."""
    grade = grade or config.grade
    return Experiment(
        samples.policy, samples.sampling, samples.benchmark, samples.n, samples.greedy,
        ks=(1,) if samples.greedy else tuple(ks) or config.resolve_ks(samples.n),
        rerankers=[reranker for reranker in rerankers if isinstance(reranker, Greedy) == samples.greedy],
        scorings={} if samples.greedy else scorings, judge=judge, grading=grading,
        grade_all=grade == "all" or (grade == "auto" and (not judge.used or samples.n <= GRADE_ALL_UP_TO)),
    )  # fmt: skip


def _sampled(
    config: RunConfig, store: Store, benchmarks: Sequence[Benchmark], policies: dict[str, Policy],
    notes: dict[str, Mapping[str, JSONValue]], *, greedy: bool,
) -> Iterator[Samples]:  # fmt: skip
    """The samples of the run's policies, who are put into ``policies`` with their ``notes``."""
    for model in config.models if benchmarks else ():
        name = model
        try:
            policy, text = _policy(model, config, store)
            name = policy.name
            notes[name] = notes_of(policy)
            known = any(not benchmark.expected for benchmark in benchmarks)
            makers: list[tuple[Policy, int]] = [(policy, config.sampling.num_samples or DEFAULT_NUM_SAMPLES)]
            if greedy:
                makers.append((greedy_twin(policy, text, PolicyOptions.of(config)), 1))
            keys = [
                _sampling_key(maker, n, benchmarks, config, store)
                if known
                else Spec("sampling", {"policy": name, "maker": place})
                for place, (maker, n) in enumerate(makers)
            ]
            policies.update((key.id, maker) for key, (maker, _) in reversed([*zip(keys, makers, strict=True)]))
        except HostError:
            if "sample" in config.stages:
                raise
            asked = [config.sampling, config.sampling.greedy()] if greedy else [config.sampling]
            keys = [stored_sampling(store, name, each) for each in asked]
        for benchmark in benchmarks if greedy else ():
            yield Samples(name, keys[1], benchmark, 1, greedy=True)
        for benchmark in benchmarks:
            yield Samples(name, keys[0], benchmark, config.sampling.num_samples or DEFAULT_NUM_SAMPLES)


def _policy(text: str, config: RunConfig, store: Store) -> tuple[Policy, str]:
    """The policy that ``--model`` names, and the option's value with its path where a former run told that."""
    try:
        return find_policy(text, PolicyOptions.of(config)), text
    except UnknownNameError:
        known = known_policy(store, text)
        if known is None:
            raise
        return find_policy(known, PolicyOptions.of(config)), known


def _scorings(critics: Mapping[str, Critic], config: RunConfig, store: Store) -> Iterator[tuple[str, Spec]]:
    """The key of each critic's scores, by label; without those that cannot be told and that nobody needs yet."""
    for label, critic in critics.items():
        try:
            key = ranged_scoring(_key("scoring", critic, "score", config, store), critic)
        except CheckpointError:
            if {"score", "report"} & set(config.stages):
                raise
            continue
        yield label, named_scoring(label, key, thoughts=config.scoring.thoughts, steps=config.scoring.steps)


def _sampling_key(policy: Policy, n: int, benchmarks: Sequence[Benchmark], config: RunConfig, store: Store) -> Spec:
    """The key of a policy's candidates; servers are asked what they take only where some lack."""

    def lacking(spec: Spec) -> int:
        samples = [Samples(policy.name, spec, benchmark, n) for benchmark in benchmarks]
        return sum(len(missing_candidates(store, each, retry_failed=config.retry_failed)) for each in samples)

    key = _key("sampling", policy, "sample", config, store, enough=lambda spec: not lacking(spec))
    if isinstance(policy, Served) and "sample" in config.stages:
        tell_other_keys(store, policy, key, n * sum(len(each.problems) for each in benchmarks), lacking)
    return key


def _key(
    kind: str, maker: object, stage: str, config: RunConfig, store: Store, *,
    enough: Callable[[Spec], bool] = lambda _: True,
) -> Spec:  # fmt: skip
    will_make = stage in config.stages
    spec = spec_of(kind, maker, store, will_make=will_make, dry_run=config.dry_run, enough=enough)
    return spec if will_make else of_this_policy(spec, store)


def _grading(store: Store, benchmark: Benchmark, config: RunConfig, judge: JudgeOptions) -> Spec:
    """The key of a benchmark's verdicts."""
    from visualprm_eval.host.grading.judge import judge_spec
    from visualprm_eval.host.toolkit import host

    if benchmark.expected:  # Nothing of it is here, verdicts least of all.
        return Spec("grading", {"benchmark": benchmark.name})
    if benchmark.dataset is None and {"grade", "report"} & set(config.stages):  # There is no host here.
        return stored_grading(store, benchmark, config.judge)
    version = "none" if benchmark.dataset is None else host().version
    settings = {"benchmark": benchmark.name, "prediction": judge.prediction, "host": version, **judge_spec(judge)}
    metric = benchmark.task.metric_key(judge)
    return Spec("grading", {**settings, "metric": metric} if metric else settings)
