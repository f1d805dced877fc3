"""What is wrong with paths, names and keys, told before torch and the host are imported: in seconds, not in a minute.

One function for each group of options. What needs weights, the host or its judge is looked at in ``run.preflight``.
The host is imported here only when no former import left its names, and then last of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import (
    BenchmarkError,
    CandidateFileError,
    ConfigError,
    HostError,
    MissingFilesError,
    UnknownNameError,
)
from visualprm_eval.core.folders import check_folder, use_data_dir
from visualprm_eval.evaluate.reranker_registry import BUILTIN_CRITICS, JUDGE, needed_critics, split_label
from visualprm_eval.host.data.known import check_benchmark_names, missing_files
from visualprm_eval.host.toolkit import has_names, use_host_python
from visualprm_eval.run.early_contact import greet_servers
from visualprm_eval.run.judge_checks import check_judge
from visualprm_eval.run.stored_critics import known_prm
from visualprm_eval.run.stored_policies import known_policy
from visualprm_eval.stages.checkpoint_source import CheckpointSource
from visualprm_eval.stages.sample.find_policy import check_host_name, own_checkpoint, policy_name
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.stages.score.given_steps import check_model_name, model_to_prompt
from visualprm_eval.stages.score.judge_critic import judge_options
from visualprm_eval.store import STORE_FILE
from visualprm_eval.store.connection import translated_errors
from visualprm_eval.store.packs import FieldMap, read_candidates
from visualprm_eval.store.place import check_way
from visualprm_eval.tasks.process_bench.data import LABELS_FILE

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.store import Store
    from visualprm_eval.store.packs import CandidatePack


@dataclass(frozen=True)
class Checked:
    """What early checks have read, so that nobody reads it again.

    Attributes:
        pack: The pack that ``--candidates`` names.
        sound: Directories of checkpoints that need no further look.
    """

    pack: CandidatePack | None
    sound: Collection[str]


def check_run(config: RunConfig, store: Store, rerankers: Sequence[Reranker]) -> Checked:
    """Looks at what a run was given; nothing is put into the store, and nothing is sampled, scored or graded.

    Args:
        config: What was asked for.
        store: What the work dir holds.
        rerankers: What selects.

    Raises:
        VisualPRMEvalError: What a user can mend, see each of the checks.
    """
    use_data_dir(config.data_dir)
    use_host_python(config.host_python)
    check_labels(config)
    check_policy_names(config)
    pack = read_pack(config)
    check_judge(config, store)
    checkpoints = [*_checkpoints(config, store, rerankers)]
    sound = check_checkpoints(config, store, [each for each in checkpoints if not each[1].on_hub])
    greet_servers(config, store, rerankers)
    check_device(config, checkpoints)
    check_names(config, store, rerankers)
    # Last, since the hub may be slow, or not there.
    check_checkpoints(config, store, [each for each in checkpoints if each[1].on_hub])
    return Checked(pack, sound)


def check_work_dir(config: RunConfig) -> None:
    """``--work-dir``: a folder that can be written to, or made; a dry run only reads.

    Raises:
        StoreError: A link leads nowhere, or a part of the path is a file.
        ConfigError: It cannot be written to.
    """
    path = config.work_dir / STORE_FILE
    with translated_errors(path):
        check_way(path)
    if not config.dry_run:
        check_folder(config.work_dir, "--work-dir")


def check_labels(config: RunConfig) -> None:
    """``--vpb-dir``: the file with the labelled steps is there.

    Raises:
        BenchmarkError: It is not.
    """
    folder = config.step_labels.vpb_dir
    if folder is not None and not (folder / LABELS_FILE).is_file():
        raise BenchmarkError(
            f"--vpb-dir {folder}: no {LABELS_FILE} in it; expected the released one, with the pictures beside it"
        )


def check_policy_names(config: RunConfig) -> None:
    """``--model``: results tell policies apart by their names.

    Raises:
        ConfigError: Two have one name, or a name cannot be read.
    """
    names = [policy_name(text, PolicyOptions.of(config)) for text in config.models]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two --model are called {name}; tell them apart with NAME=PATH_OR_ID")


def read_pack(config: RunConfig) -> CandidatePack | None:
    """``--candidates`` and ``--candidate-fields``: the whole file, with its manifest.

    Raises:
        CandidateFileError: It cannot be read, or has nothing of a benchmark of the run.
        ConfigError: The fields make no sense.
    """
    if config.candidates is None:
        return None
    path, fields = config.candidates, None
    if config.candidate_fields:
        only = config.data[0] if len(config.data) == 1 else None
        fields = FieldMap.parse(config.candidate_fields, benchmark=only, policy=path.stem)
    pack = read_candidates(path, fields)
    there = dict.fromkeys(record.benchmark for record in pack.records)
    if absent := [name for name in config.data if name not in there]:
        raise CandidateFileError(
            f"{path} has no candidates of {', '.join(absent)}; leave that out of --data (it has: {', '.join(there)})"
        )
    return pack


_Needed = tuple[str, CheckpointSource]
"""A checkpoint, and the stage that computes with it."""


def check_checkpoints(config: RunConfig, store: Store, checkpoints: Sequence[_Needed]) -> set[str]:
    """``--model`` and ``--prm``: checkpoints that are needed are there and of a known layout.

    One may be gone that only made what is stored. Of one on the hub nothing but config.json is fetched, and nothing in
    a dry run.

    Returns:
        Directories of those that need no further look.

    Raises:
        CheckpointError: One is missing, damaged, or of another layout.
        TokenizerError: The tokenizer of one lacks what is needed.
    """
    sound = set()
    for stage, source in checkpoints:
        is_needed = stage in config.stages
        if not source.at_hand:
            # Its name alone must tell which stored facts are its own.
            is_asked = stage == "sample" or "report" in config.stages
            is_needed = not config.dry_run and (is_needed or (is_asked and not source.is_known(store)))
        if is_needed and source.look():
            sound.add(source.location)
    return sound


def _checkpoints(config: RunConfig, store: Store, rerankers: Sequence[Reranker]) -> Iterator[_Needed]:
    """The checkpoints that the run names itself.

    Raises:
        ConfigError: A name cannot be read.
    """
    for text in config.models:
        if (policy := own_checkpoint(text, PolicyOptions.of(config))) is not None:
            yield "sample", policy.checkpoint
    compute, prms = config.compute, [known_prm(store, prm) for prm in config.scoring.prms]
    read = [split_label(label) for label in config.step_labels.critics or needed_critics(rerankers)]
    read = [(critic, prm) for critic, prm in read if critic in BUILTIN_CRITICS]
    for prm in prms:
        if any(name in {None, prm.name} for _, name in read):
            yield "score", CheckpointSource(prm.source, prm.revision, compute.device, compute.dtype)
    for model in _prompted(config, rerankers):
        if (policy := own_checkpoint(model, judge_options(config))) is not None:
            yield "score", policy.checkpoint


def _prompted(config: RunConfig, rerankers: Sequence[Reranker]) -> list[str]:
    """The models that are prompted as judges of steps."""
    if critics := config.step_labels.critics:
        return [model for name in critics if (model := model_to_prompt(name, config)) is not None]
    return [label.removeprefix(JUDGE) for label in needed_critics(rerankers) if label.startswith(JUDGE)]


def check_device(config: RunConfig, checkpoints: Sequence[_Needed]) -> None:
    """``--device``: it is there, if a checkpoint is to compute on it; of GPUs only torch can tell.

    Raises:
        ConfigError: It is no device, or this machine has none of it.
    """
    from visualprm_eval.engine.devices import resolve_device

    device = config.compute.device
    if device not in {"auto", "cpu"} and any(stage in config.stages for stage, _ in checkpoints):
        resolve_device(device)


def check_names(config: RunConfig, store: Store, rerankers: Sequence[Reranker]) -> None:
    """``--model``, ``--data`` and judges of steps: names that the host knows, and the files of its benchmarks.

    Where there is no host nothing can be said: whoever needs it says so later. A dry run imports none for that.

    Raises:
        UnknownNameError: Nobody knows a name; the message offers the nearest.
        BenchmarkError: No problems can be made of a benchmark.
        MissingFilesError: Files are missing and cannot be fetched; the message names all of them.
    """
    if config.dry_run and not has_names():
        return  # It may do without the host.
    try:
        for text in config.models:
            _check_model(text, config, store)
        if critics := config.step_labels.critics:
            for name in critics:
                check_model_name(name, config)
            return  # Its benchmark is none of the host's.
        for model in _prompted(config, rerankers):
            check_host_name(model, judge_options(config))
        check_benchmark_names(config.data)
        missing = {} if config.dry_run else missing_files(config.data, fetch=True)
    except HostError:
        return
    if missing:
        raise MissingFilesError(missing.values())


def _check_model(text: str, config: RunConfig, store: Store) -> None:
    try:
        check_host_name(text, PolicyOptions.of(config))
    except UnknownNameError:
        if known_policy(store, text) is None:
            raise
