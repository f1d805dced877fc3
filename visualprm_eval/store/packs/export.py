"""Writing the candidates of a store as a pack."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from visualprm_eval.core.atomic_file import atomic_draft
from visualprm_eval.core.config import GIVEN
from visualprm_eval.core.errors import CandidateFileError, StoreError
from visualprm_eval.core.packages import VERSION
from visualprm_eval.core.words import counted
from visualprm_eval.store.names import POLICY_APART, keyed
from visualprm_eval.store.packs.pack import FORMAT, FORMAT_VERSION, manifest_path
from visualprm_eval.store.scopes import scopes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from visualprm_eval.core.types import Candidate, JSONValue, Problem, Spec
    from visualprm_eval.store import Store

_CHUNK = 500  # problems whose candidates are in memory at a time


@dataclass(frozen=True, slots=True)
class ExportCount:
    """What a pack holds of one sampling and one benchmark.

    Attributes:
        policy: Who wrote the candidates.
        benchmark: The benchmark's name.
        sampling_id: ``Spec.id`` of the sampling.
        n_problems: Problems with at least one candidate.
        n_candidates: Candidates, failed ones included.
        n_failed: Candidates without a text.
    """

    policy: str
    benchmark: str
    sampling_id: str
    n_problems: int
    n_candidates: int
    n_failed: int

    def called(self, several: Mapping[tuple[str, str], int]) -> str:
        """The policy's name, with the start of its key where there are several of that name on a benchmark."""
        alone = several[self.policy, self.benchmark] == 1
        return self.policy if alone else keyed(self.policy, self.sampling_id, POLICY_APART)


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written.

    Attributes:
        path: The pack.
        manifest_path: Its manifest.
        digest: SHA-256 of the pack, hexadecimal.
        counts: What it holds, per sampling and benchmark.
    """

    path: Path
    manifest_path: Path
    digest: str
    counts: tuple[ExportCount, ...]

    def __str__(self) -> str:
        several = Counter((count.policy, count.benchmark) for count in self.counts)
        lines = [f"{counted(sum(count.n_candidates for count in self.counts), 'candidate')} written to {self.path}"]
        lines += [
            f"  {count.called(several)} on {count.benchmark}: {counted(count.n_candidates, 'candidate')} "
            f"of {counted(count.n_problems, 'problem')}"
            + (f", {count.n_failed:,} of them failed" if count.n_failed else "")
            for count in self.counts
        ]
        return "\n".join(lines)


def export_candidates(
    store: Store, path: Path, *, policies: Collection[str] | None = None, benchmarks: Collection[str] | None = None
) -> ExportSummary:
    """Writes stored candidates, failures included, as a pack with a manifest; a former pack there is replaced whole.

    Where a benchmark changed and the store holds several versions of a problem, only one is written: that of the last
    run which had the sampling, else the one that was put last.

    Args:
        store: Where the candidates are.
        path: The pack to write; the manifest goes beside it.
        policies: Only samplings of these policies, as a key of samples or a report names them; ``None`` for all.
        benchmarks: Only problems of these benchmarks; ``None`` for all.

    Raises:
        StoreError: A filter names something that the store has not, or nothing is left to write.
        CandidateFileError: The file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():  # It may be a slip, and is not made.
        raise CandidateFileError(f"cannot write {path}: there is no folder {path.parent}; make it, or choose another")
    if path.is_dir():
        raise CandidateFileError(f"cannot write {path}: it is a folder; name a file in it, such as {path}/pack.jsonl")
    specs = _chosen_specs(store, policies)
    names = _chosen("benchmark", benchmarks, store.benchmarks(), store.path)
    manifest = manifest_path(path)
    try:
        # The pack takes its place first: it never stands beside the manifest of another one, whenever the process is
        # killed.
        with atomic_draft(manifest) as manifest_draft, atomic_draft(path) as draft:
            counts = _write_pack(draft, store, specs, names)
            with draft.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            _write_manifest(manifest_draft, path.name, digest, counts, specs)
            manifest.unlink(missing_ok=True)
    except OSError as error:
        remedy = "choose another place or free space"
        raise CandidateFileError(f"cannot write {path} ({error.strerror}); {remedy}") from error
    return ExportSummary(path, manifest, digest, counts)


def _chosen_specs(store: Store, policies: Collection[str] | None) -> list[Spec]:
    # Solutions with labelled steps were given, not sampled: they are in their own file already.
    specs = [spec for spec in store.specs("sampling") if spec.settings.get("engine") != GIVEN]
    called: dict[str, set[str]] = {spec.id: {_policy(spec)} for spec in specs}
    for (key, _), scope in scopes(store).items():
        called.get(key, set()).add(scope.policy)
    every = Counter(name for own in called.values() for name in own)
    for key, own in called.items():
        own |= {keyed(name, key, POLICY_APART) for name in own if every[name] > 1}
    names = _chosen("policy", policies, [name for own in called.values() for name in sorted(own)], store.path)
    return [spec for spec in specs if called[spec.id] & set(names)]


def _chosen(kind: str, wanted: Collection[str] | None, known: Sequence[str], path: Path) -> list[str]:
    """The known names that are wanted, in the store's order."""
    for name in wanted or ():
        if name not in known:
            raise StoreError(f"{path} has no {kind} {name!r}; it has: {', '.join(dict.fromkeys(known)) or 'none'}")
    return [name for name in dict.fromkeys(known) if wanted is None or name in wanted]


def _policy(spec: Spec) -> str:
    return str(spec.settings.get("policy", ""))


def _write_pack(draft: Path, store: Store, specs: Sequence[Spec], benchmarks: Sequence[str]) -> tuple[ExportCount, ...]:
    counts: list[ExportCount] = []
    with draft.open("wb") as file:
        for benchmark in benchmarks:
            counts += [_write(file, store, spec, benchmark, _problems(store, spec, benchmark)) for spec in specs]
        file.flush()
        os.fsync(file.fileno())  # A full disk is found out before the former pack goes.
    counts = [count for count in counts if count.n_candidates]
    if not counts:
        raise StoreError(f"{store.path} holds no such candidates; sample some first, or choose other filters")
    return tuple(counts)


def _problems(store: Store, spec: Spec, benchmark: str) -> list[Problem]:
    """Of each row the version that a sampling is of."""
    chosen = {problem.index: problem for problem in store.current_problems(benchmark)}
    known = {problem.id: problem for problem in store.problems(benchmark)}
    for scope in scopes(store, spec, benchmark).values():
        chosen |= {known[each].index: known[each] for each in scope.problems if each in known}
    return list(chosen.values())


def _write(file: BinaryIO, store: Store, spec: Spec, benchmark: str, problems: Sequence[Problem]) -> ExportCount:
    """Appends the candidates of one sampling for one benchmark, by problem, then by rank."""
    n_problems = n_candidates = n_failed = 0
    for start in range(0, len(problems), _CHUNK):
        chunk = problems[start : start + _CHUNK]
        found = store.candidates(spec.id, [problem.id for problem in chunk])
        for problem in chunk:
            candidates = found[problem.id]
            file.writelines(_line(spec, problem, candidate) for candidate in candidates)
            n_problems += bool(candidates)
            n_candidates += len(candidates)
            n_failed += sum(candidate.error is not None for candidate in candidates)
    return ExportCount(_policy(spec), benchmark, spec.id, n_problems, n_candidates, n_failed)


def _line(spec: Spec, problem: Problem, candidate: Candidate) -> bytes:
    """One candidate as ASCII JSON, which lone surrogates survive as escapes."""
    record: dict[str, JSONValue] = {
        "benchmark": problem.benchmark, "index": problem.index, "rank": candidate.rank, "text": candidate.text,
        "policy": _policy(spec), "sampling": dict(spec.settings), "sampling_id": spec.id, "problem_id": problem.id,
        "error": candidate.error, "finish": candidate.finish or None, "tokens": candidate.tokens,
        "seconds": candidate.seconds, "usage": candidate.usage and asdict(candidate.usage),
        "reasoning": candidate.reasoning or None,
    }  # fmt: skip
    known = {name: value for name, value in record.items() if value is not None}
    return json.dumps(known).encode("ascii") + b"\n"


def _write_manifest(draft: Path, name: str, digest: str, counts: Sequence[ExportCount], specs: Sequence[Spec]) -> None:
    used = {count.sampling_id for count in counts}
    manifest = {
        "format": FORMAT, "version": FORMAT_VERSION, "tool": f"visualprm_eval {VERSION}", "file": name,
        "sha256": digest, "counts": [asdict(count) for count in counts],
        "samplings": {spec.id: dict(spec.settings) for spec in specs if spec.id in used},
    }  # fmt: skip
    draft.write_bytes(json.dumps(manifest, indent=2).encode("ascii") + b"\n")
