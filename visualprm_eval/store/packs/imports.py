"""A pack of candidates as facts of a store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import CandidateFileError
from visualprm_eval.core.groups import grouped
from visualprm_eval.core.types import Problem, Spec
from visualprm_eval.core.words import counted
from visualprm_eval.store.package_versions import note_unknown_versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from visualprm_eval.store import Store
    from visualprm_eval.store.packs.pack import CandidatePack, Duplicate, Gap
    from visualprm_eval.store.packs.record import CandidateRecord

Key = tuple[str, str]  # (benchmark, index) of a problem

_CHUNK = 5000  # candidates per transaction


@dataclass(frozen=True, slots=True)
class ImportedCell:
    """The candidates of one policy for one benchmark.

    Attributes:
        policy: Who wrote them.
        sampling: The key under which the store has them.
        benchmark: The benchmark's name.
        n: N, the highest rank plus one.
        n_problems: Problems with at least one candidate.
        n_candidates: Candidates, failed ones included.
    """

    policy: str
    sampling: Spec
    benchmark: str
    n: int
    n_problems: int
    n_candidates: int


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of a pack.

    Attributes:
        cells: What was imported, per sampling and benchmark, in order of appearance.
        unknown: (benchmark, index) of problems that the benchmark, as it was loaded, has not.
        other_benchmarks: Candidates of benchmarks that were not asked for, by name.
        changed: (benchmark, index) of problems that are no longer what the candidates were written for.
        differing: Candidates of which the store has another text, which stays: benchmark, index and rank as text.
        gaps: Ranks that are not there.
        duplicates: Candidates that stood in the pack twice.
    """

    cells: tuple[ImportedCell, ...]
    unknown: tuple[Key, ...]
    other_benchmarks: Mapping[str, int]
    changed: tuple[Key, ...]
    differing: tuple[str, ...]
    gaps: tuple[Gap, ...]
    duplicates: tuple[Duplicate, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know of the pack, one sentence each."""
        found = (
            (("problem is", "problems are"), "not in the benchmark as it was loaded",
             [" ".join(key) for key in self.unknown]),
            (("problem is", "problems are"), "no longer what the candidates were written for",
             [" ".join(key) for key in self.changed]),
            (("candidate has", "candidates have"), "another text in the store, which stays", self.differing),
            (("problem skips", "problems skip"), "a rank", [str(gap) for gap in self.gaps]),
            (("candidate stands", "candidates stand"), "there twice, to count once",
             [str(duplicate) for duplicate in self.duplicates]),
        )  # fmt: skip
        return (
            *(f"{counted(len(items), *nouns)} {what} ({_first_few(items)})" for nouns, what, items in found if items),
            *(
                f"{counted(count, 'candidate is', 'candidates are')} of {name}, not asked for"
                for name, count in self.other_benchmarks.items()
            ),
        )


def import_candidates(store: Store, pack: CandidatePack, problems: Sequence[Problem]) -> ImportSummary:
    """Puts the candidates of a pack into a store, and the problems with them.

    Candidates of a pack that :func:`export_candidates` wrote come under their original sampling, as if they had been
    drawn here, if its manifest vouches for the file; what the store already has stays. All others come under a sampling
    of their own, which names the pack: candidates of a pack without a manifest or of unknown origin, and those of a
    sampling some of whose problems have changed since. A text of nothing but blanks becomes a failure.

    Args:
        store: Where the candidates go.
        pack: What :func:`read_candidates` returned.
        problems: All problems of the benchmarks in question.

    Raises:
        CandidateFileError: No candidate belongs to any of the problems.
    """
    by_key = {(problem.benchmark, problem.index): problem for problem in problems}
    known = (record for record in pack.records if _key(record) in by_key)
    groups = grouped(known, lambda record: (record.policy, record.sampling_key))
    if not groups:
        raise CandidateFileError(_nothing_fits(pack, problems))
    store.put_problems(problems)
    cells: list[ImportedCell] = []
    changed: dict[Key, None] = {}
    differing: list[str] = []
    for records in groups.values():
        outdated = {_key(each): None for each in records if each.problem_id not in {None, by_key[_key(each)].id}}
        changed |= outdated
        sampling = _sampling(records, pack, trusted=pack.manifest is not None and not outdated)
        store.put_spec(sampling)
        for start in range(0, len(records), _CHUNK):
            differing += _put(store, sampling, records[start : start + _CHUNK], by_key)
        cells += _cells(sampling, records)
    strangers = _strangers(pack, problems)
    return ImportSummary(tuple(cells), *strangers, tuple(changed), tuple(differing), pack.gaps, pack.duplicates)


def _key(record: CandidateRecord) -> Key:
    return record.benchmark, record.index


def _sampling(records: Sequence[CandidateRecord], pack: CandidatePack, *, trusted: bool) -> Spec:
    """The original spec, where every record proves to carry it unchanged; else one that names the pack."""
    first = records[0]
    original = Spec("sampling", first.sampling)
    proven = {record.sampling_id for record in records} == {original.id}
    if trusted and proven and first.sampling.get("policy") == first.policy:
        return original
    settings = {"policy": first.policy, "sampling": first.sampling, "source": "pack", "digest": pack.digest}
    return Spec("sampling", settings)


def _strangers(pack: CandidatePack, problems: Sequence[Problem]) -> tuple[tuple[Key, ...], dict[str, int]]:
    """Problems that their benchmark has not, and the number of candidates of each benchmark not asked for."""
    known = {(problem.benchmark, problem.index) for problem in problems}
    benchmarks = {problem.benchmark for problem in problems}
    strange = [_key(record) for record in pack.records if _key(record) not in known]
    elsewhere = Counter(benchmark for benchmark, _ in strange if benchmark not in benchmarks)
    return tuple(dict.fromkeys(key for key in strange if key[0] in benchmarks)), dict(elsewhere)


def _nothing_fits(pack: CandidatePack, problems: Sequence[Problem]) -> str:
    asked = ", ".join(sorted({problem.benchmark for problem in problems})) or "any benchmark"
    held = ", ".join(sorted({record.benchmark for record in pack.records}))
    return (
        f"{pack.path}: none of its {counted(len(pack.records), 'candidate')} belongs to a problem of {asked}; "
        f"it is about {held}; check --data and the indices"
    )


def _put(store: Store, sampling: Spec, records: Sequence[CandidateRecord], by_key: Mapping[Key, Problem]) -> list[str]:
    """Puts candidates and names those of which the store has another text; a failure contradicts nothing."""
    candidates = [record.candidate(by_key[_key(record)].id) for record in records]
    stored = store.candidates(sampling.id, {candidate.problem_id for candidate in candidates})
    texts = {(one.problem_id, one.rank): one.text for found in stored.values() for one in found if one.error is None}
    if any(one.error is None and (one.problem_id, one.rank) not in texts for one in candidates):
        note_unknown_versions(store, sampling)
    store.put_candidates(sampling.id, candidates)
    return [
        f"{record.benchmark} {record.index} rank {record.rank}"
        for record, one in zip(records, candidates, strict=True)
        if one.error is None and texts.get((one.problem_id, one.rank), one.text) != one.text
    ]


def _cells(sampling: Spec, records: Sequence[CandidateRecord]) -> list[ImportedCell]:
    return [
        ImportedCell(
            mine[0].policy, sampling, benchmark, n=1 + max(record.rank or 0 for record in mine),
            n_problems=len({record.index for record in mine}), n_candidates=len(mine),
        )
        for benchmark, mine in grouped(records, lambda record: record.benchmark).items()
    ]  # fmt: skip


def _first_few(items: Sequence[str]) -> str:
    return ", ".join(items[:3]) + (", ..." if len(items) > 3 else "")
