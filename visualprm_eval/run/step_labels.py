"""The main path: read the set, let critics score what the store lacks, compare with the labels, report."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from visualprm_eval.core.config import GIVEN, RunConfig
from visualprm_eval.core.errors import UnreadableJudgeError
from visualprm_eval.core.packages import PACKAGES, installed
from visualprm_eval.core.types import Candidate, JSONValue, Problem, Spec, StepScores
from visualprm_eval.core.visible import say, tell
from visualprm_eval.evaluate.step_labels.assess import Opinion
from visualprm_eval.evaluate.step_labels.results import evaluate
from visualprm_eval.run.dry_run import Bill
from visualprm_eval.run.early_contact import greet_judges
from visualprm_eval.run.export_problems import tell_shown
from visualprm_eval.stages.checkpoint_source import CheckpointUser, spec_of
from visualprm_eval.stages.cost import CHARACTERS_PER_TOKEN, STEP_CHARACTERS, Questions
from visualprm_eval.stages.score.cost import NewTexts
from visualprm_eval.stages.score.critics import Critic, ranged_scoring, release
from visualprm_eval.stages.score.given_steps import Judging, baseline, build
from visualprm_eval.stages.score.stage import score_missing
from visualprm_eval.store import Store
from visualprm_eval.store.package_versions import NOT_RECORDED, recorded_versions
from visualprm_eval.tasks.process_bench.data import LABELS_FILE, ProcessSample, ProcessSet, text_of
from visualprm_eval.tasks.process_bench.locate import is_here, load_set
from visualprm_eval.tasks.process_bench.released import RELEASED_LABELS, differences, total

REPORTS = "step_labels"
"""Folder of a work dir with a folder of reports for each set: those of best-of-N are beside it."""
LABELS_THRESHOLD = 0.5
"""For critics whose scores are verdicts."""
_SHOWN = 10


@dataclass(frozen=True)
class _Place:
    """Where the facts of a set are in the store.

    Attributes:
        process_set: The samples of this run.
        sampling: The key of the solutions.
        most: An upper bound of the solutions to one question.
    """

    process_set: ProcessSet
    sampling: Spec
    most: int


def run_process_bench(config: RunConfig, store: Store, sound: Collection[str] = ()) -> None:
    """Does what ``--critic`` asks for.

    Args:
        config: The run; it names one set and at least one critic.
        store: Where facts are.
        sound: Directories of checkpoints that need no further look.

    Raises:
        VisualPRMEvalError: Whatever a user can mend; everything done until then is stored.
    """
    (name,) = config.data
    critics = build(config.step_labels.critics, config)
    if "score" in config.stages and not config.dry_run:
        greet_judges([judging.critic for judging in critics], store)
    if config.dry_run and not is_here(name, config.step_labels.vpb_dir, config.data_dir):
        _tell_expected(name, store, config, critics)
        return
    whole = load_set(name, config.step_labels.vpb_dir, config.data_dir, config.pictures)
    _tell_bad_lines(whole)
    tell_shown(name, whole.shown)
    place = _put(store, whole, config.limit)
    used, there = len(place.process_set.samples), len(whole.samples)
    limited = [f"{used:,} of {there:,} samples"] if used < there else []  # Of a set without published counts.
    remarks = differences(place.process_set) or limited
    if remarks:
        tell(f"note: {name} is marked partial: {'; '.join(remarks)}")
    will_make = "score" in config.stages
    scorings = {
        judging.label: ranged_scoring(
            spec_of("scoring", judging.critic, store, will_make=will_make, dry_run=config.dry_run), judging.critic
        )
        for judging in critics
        if judging.critic is not None
    }
    if config.dry_run:
        _tell_missing(store, place, critics, scorings, config)
        return
    if will_make:
        _inspect(store, critics, sound)
        _score(store, place, critics, scorings, config)
    if "report" in config.stages:
        from visualprm_eval.report.render.step_labels import print_process_results, renew_process_reports, shown_by
        from visualprm_eval.run.write_report import tell_missing

        opinions = [_opinion(store, place, each, scorings.get(each.label), config) for each in critics]
        store.check_in_place()
        protocol = dict(_protocol(config, place.process_set, scorings, recorded_versions(store)))
        seed = config.sampling.seed
        results = evaluate(place.process_set, opinions, seed=seed, remarks=remarks, protocol=protocol)
        folder = config.work_dir / REPORTS / name
        renewal = renew_process_reports(folder, results)
        print_process_results(results, files=renewal.paths)
        for note in renewal.notes:
            tell(f"note: {note}")
        if renewal.former is not None and (missing := shown_by(results).missing_of(renewal.former)):
            named = ", all critics named and no smaller --limit,"
            tell_missing(folder, missing, f"the same command{named} shows it, and asks no critic again")


def _tell_missing(
    store: Store, place: _Place, critics: Sequence[Judging], scorings: Mapping[str, Spec], config: RunConfig
) -> None:
    """Says what critics would score, and what that may cost."""
    bill, questions = Bill(config, store), Questions(place.process_set.problems, {})
    for label, critic in _at_work(critics, config):
        work = _missing(store, place, scorings[label], config)
        say(f"{place.process_set.name}: score with {label}: {len(work):,} solutions")
        bill.tell_scoring(label, critic, questions, work=work, new=NewTexts())
    bill.print()


def _tell_expected(name: str, store: Store, config: RunConfig, critics: Sequence[Judging]) -> None:
    """The same of a released set that is not here, by its published counts."""
    say(f"{name}: {LABELS_FILE} is not here; a run would try to fetch it, and this plan goes by its published counts")
    whole = total(name) or 0
    steps = sum(RELEASED_LABELS.values()) / whole
    ids = [str(number) for number in range(min(whole, config.limit or whole))]
    questions = Questions({each: Problem(name, each, "", (), "", each) for each in ids}, {}, expected=True)
    new = NewTexts(ids, steps * STEP_CHARACTERS / CHARACTERS_PER_TOKEN, steps)
    bill = Bill(config, store)
    for label, critic in _at_work(critics, config):
        say(f"{name}: score with {label}: {len(ids):,} solutions of {steps:.1f} steps in the mean")
        bill.tell_scoring(label, critic, questions, work=(), new=new)
    bill.print()


def _at_work(critics: Sequence[Judging], config: RunConfig) -> Iterator[tuple[str, Critic]]:
    """The critics that a run asks, by label; baselines are asked nothing."""
    for judging in critics if "score" in config.stages else ():
        if judging.critic is not None:
            yield judging.label, judging.critic


def _tell_bad_lines(process_set: ProcessSet) -> None:
    bad = process_set.bad
    if not bad:
        return
    tell(f"warning: {process_set.name}: {len(bad):,} lines cannot be used and are left out:")
    for each in bad[:_SHOWN]:
        tell(f"  line {each.line}: {each.reason}")
    if len(bad) > _SHOWN:
        tell(f"  and {len(bad) - _SHOWN:,} more (sheet bad lines of results.xlsx)")


def _put(store: Store, whole: ProcessSet, limit: int | None) -> _Place:
    """Puts the solutions of a set into the store as candidates that somebody else drew."""
    settings = {"policy": "as given", "engine": GIVEN, "benchmark": whole.name, "file": whole.file_digest}
    sampling = Spec("sampling", settings)
    texts: dict[str, dict[str, None]] = {}
    for sample in whole.samples:
        texts.setdefault(sample.problem.id, {})[text_of(sample.steps)] = None
    candidates = [
        Candidate(problem_id, rank, text) for problem_id, found in texts.items() for rank, text in enumerate(found)
    ]
    store.put_problems(whole.problems.values())
    store.put_spec(sampling)
    store.put_candidates(sampling.id, candidates)
    samples = whole.samples if limit is None else whole.samples[:limit]
    return _Place(replace(whole, samples=samples), sampling, max(map(len, texts.values())))


def _missing(store: Store, place: _Place, scoring: Spec, config: RunConfig) -> list[tuple[str, str, str]]:
    """Problem ids, text ids and texts that a critic has still to score."""
    process_set = place.process_set
    wanted = {sample.key for sample in process_set.samples}
    missing = store.missing_scores(
        scoring.id, place.sampling.id, process_set.problems, place.most, retry_failed=config.retry_failed
    )
    return [work for work in missing if work[:2] in wanted]


def _inspect(store: Store, critics: Sequence[Judging], sound: Collection[str]) -> None:
    """Looks at all checkpoints that early checks have not seen whole, and notes their content."""
    for judging in critics:
        if isinstance(judging.critic, CheckpointUser):
            checkpoint = judging.critic.checkpoint
            if checkpoint.location not in sound:
                checkpoint.inspect()
            checkpoint.record(store)


def _score(
    store: Store, place: _Place, critics: Sequence[Judging], scorings: dict[str, Spec], config: RunConfig
) -> None:
    """Lets every critic score what it has not seen."""
    unread: UnreadableJudgeError | None = None
    for judging in critics:
        if judging.critic is None:
            continue
        scoring, label = scorings[judging.label], f"score {place.process_set.name} with {judging.label}"
        work = _missing(store, place, scoring, config)
        try:
            score_missing(store, judging.critic, scoring, place.process_set.problems, work, label=label)
        except UnreadableJudgeError as error:  # The others are heard first.
            unread = error
        release(judging.critic)  # The next critic needs the memory.
    if unread is not None:
        raise unread


def _opinion(store: Store, place: _Place, judging: Judging, scoring: Spec | None, config: RunConfig) -> Opinion:
    """What a critic said, as far as the store knows."""
    samples = place.process_set.samples
    outcomes: tuple[StepScores | None, ...]
    if scoring is None:
        outcomes = tuple(baseline(judging.label, sample, config.sampling.seed) for sample in samples)
    else:
        known = store.scores(scoring.id, place.process_set.problems, with_steps=False)
        outcomes = tuple(_checked(known.get(sample.key), sample) for sample in samples)
    threshold = LABELS_THRESHOLD if judging.labels_only else config.step_labels.threshold
    return Opinion(judging.label, outcomes, threshold, judging.labels_only)


def _checked(outcome: StepScores | None, sample: ProcessSample) -> StepScores | None:
    """Scores that are not one per step are a failure: nobody knows which step they are of."""
    if outcome is None or outcome.error is not None or len(outcome.scores) == len(sample.steps):
        return outcome
    return StepScores((), error=f"the critic gave {len(outcome.scores)} scores for {len(sample.steps)} steps")


def _protocol(
    config: RunConfig, process_set: ProcessSet, scorings: dict[str, Spec], versions: Mapping[str, str]
) -> Iterator[tuple[str, JSONValue]]:
    """What a reader needs to judge or repeat the results."""
    yield "benchmark", process_set.name
    yield "file", process_set.file_digest
    yield "samples", len(process_set.samples)
    yield "lines that cannot be used", len(process_set.bad)
    if process_set.shown:
        yield "pictures", process_set.shown
    yield "critics", list(config.step_labels.critics)
    yield "threshold of scores", config.step_labels.threshold
    yield "seed", config.sampling.seed
    for label, scoring in scorings.items():
        yield f"critic {label}", dict(scoring.settings)
        yield f"critic {label}: scored with", versions.get(scoring.id, NOT_RECORDED)
    yield "python of this report", platform.python_version()
    for package in PACKAGES:
        yield f"{package} of this report", installed(package)
