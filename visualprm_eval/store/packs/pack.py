"""Reading a pack of candidates, and what it holds."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from visualprm_eval.core.errors import CandidateFileError
from visualprm_eval.core.groups import grouped
from visualprm_eval.core.json_rows import RowError, as_object, cut_off, parse_row
from visualprm_eval.core.json_text import parsed
from visualprm_eval.store.packs.record import CandidateRecord, record_of
from visualprm_eval.store.sound import is_too_far

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.store.packs.fields import FieldMap

FORMAT = "visualprm_eval.candidates"
FORMAT_VERSION = 1

Groups = dict[tuple[str, str, str, str], list[CandidateRecord]]

_REMEDY = "to have the candidates count as a sampling of their own, not as the original one, remove"


@dataclass(frozen=True, slots=True)
class Gap:
    """Ranks that a problem skips below its highest one.

    Attributes:
        policy: Who wrote the candidates.
        benchmark: The benchmark's name.
        index: The problem's index.
        ranks: The ranks that are not there.
    """

    policy: str
    benchmark: str
    index: str
    ranks: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.index} without rank {self.ranks[0]}"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A candidate that stands in the file twice, word for word; it is counted once.

    Attributes:
        policy: Who wrote it.
        benchmark: The benchmark's name.
        index: The problem's index.
        rank: Its rank.
        lines: The lines of the first and of the repeated one, from 1.
    """

    policy: str
    benchmark: str
    index: str
    rank: int
    lines: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.index} rank {self.rank} on lines {self.lines[0]} and {self.lines[1]}"


@dataclass(frozen=True, slots=True)
class CandidatePack:
    """A pack as it was read.

    Attributes:
        path: The file.
        digest: SHA-256 of the file, hexadecimal.
        records: Its candidates in the order of the file, every one with a rank, without repetitions.
        policies: Names of the policies in order of appearance.
        manifest: What the manifest says, with the digest above; ``None`` when there is none.
        gaps: Ranks that are not there.
        duplicates: Candidates that stood there twice.
    """

    path: Path
    digest: str
    records: tuple[CandidateRecord, ...]
    policies: tuple[str, ...]
    manifest: Mapping[str, JSONValue] | None
    gaps: tuple[Gap, ...]
    duplicates: tuple[Duplicate, ...]


def manifest_path(path: Path) -> Path:
    """Where the manifest of a pack is: ``FILE.manifest.json``."""
    return path.with_name(path.name + ".manifest.json")


def read_candidates(path: Path, fields: FieldMap | None = None) -> CandidatePack:
    """Reads a pack line by line and checks it as a whole.

    Args:
        path: The file.
        fields: Which field of a row is what, for a file of another tool; then no manifest counts. Such a file may also
            be one JSON array of rows, whose numbers then stand for lines.

    Raises:
        CandidateFileError: The file cannot be read, is not what its manifest says, has a line that is no candidate or
            whose rank is out of proportion, or contradicts itself. The message names the line and what was expected.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # Some never end, and all are read twice.
        raise CandidateFileError(
            f"{path} is a device, a pipe or a folder; expected a file with one JSON object per line"
        )
    try:
        manifest = _read_manifest(manifest_path(path)) if fields is None else None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            _check_digest(path, digest, manifest)
            file.seek(0)
            records = _read_records(path, file, fields)
    except OSError as error:
        raise CandidateFileError(f"cannot read {error.filename or path} ({error.strerror}); check the path") from error
    if not records:
        raise CandidateFileError(f"{path} holds no candidates; expected one JSON object per line")
    groups = _by_problem(records)
    _refuse_far_ranks(path, groups)
    kept: list[CandidateRecord] = []
    gaps: list[Gap] = []
    duplicates: list[Duplicate] = []
    for candidates in groups.values():
        by_rank = _ranked(path, candidates, duplicates)
        kept += by_rank.values()
        if skipped := tuple(rank for rank in range(max(by_rank)) if rank not in by_rank):
            gaps.append(Gap(candidates[0].policy, candidates[0].benchmark, candidates[0].index, skipped))
    kept.sort(key=lambda record: record.line)
    policies = dict.fromkeys(record.policy for record in records)
    return CandidatePack(path, digest, tuple(kept), tuple(policies), manifest, tuple(gaps), tuple(duplicates))


def _read_records(path: Path, file: BinaryIO, fields: FieldMap | None) -> list[CandidateRecord]:
    records: list[CandidateRecord] = []
    samplings: dict[str, Mapping[str, JSONValue]] = {}
    array = _array(path, file) if fields is not None else None
    for number, line in enumerate(file if array is None else array, start=1):
        try:
            if array is None and not line.strip():
                continue
            row = parse_row(line) if array is None else as_object(line)
            for record in [record_of(row, number)] if fields is None else fields.records(row, number):
                # Thousands of lines repeat the same settings: keep them once.
                shared = samplings.setdefault(record.sampling_key, record.sampling)
                records.append(dataclasses.replace(record, sampling=shared))
        except RowError as error:
            what = "line" if array is None else "row"
            raise CandidateFileError(f"{path}, {what} {number}: {error}") from error
    return records


def _array(path: Path, file: BinaryIO) -> list[JSONValue] | None:
    """The rows of a file that is one JSON array; ``None`` for any other, which is then at its start."""
    start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    file.seek(0)
    try:
        return list(parsed(file.read())) if start == b"[" else None
    except ValueError as error:
        raise CandidateFileError(f"{path} is not JSON ({error}); expected an array, or one object per line") from error


def _by_problem(records: Iterable[CandidateRecord]) -> Groups:
    """The candidates of one policy, with one sampling, for one problem: what ranks count."""
    return grouped(records, lambda record: (record.policy, record.sampling_key, record.benchmark, record.index))


def _refuse_far_ranks(path: Path, groups: Groups) -> None:
    """Refuses ranks out of proportion before anything has a place for every rank below them."""
    fullest: dict[tuple[str, str], int] = {}
    for (policy, sampling, *_), group in groups.items():
        fullest[policy, sampling] = max(len(group), fullest.get((policy, sampling), 0))
    for record in chain.from_iterable(groups.values()):
        most = fullest[record.policy, record.sampling_key]
        if record.rank is not None and is_too_far(record.rank, most):
            raise CandidateFileError(
                f"{path}, line {record.line}: rank {record.rank:,} of problem {record.index!r} of {record.benchmark}, "
                f"though no problem has more than {most:,} candidates of this sampling; ranks count the candidates of "
                "a problem from 0: mend them, or leave them out of all lines, and candidates count in the order of the "
                "file"
            )


def _ranked(path: Path, candidates: list[CandidateRecord], duplicates: list[Duplicate]) -> dict[int, CandidateRecord]:
    """The candidates of one problem by rank; repetitions go to ``duplicates``."""
    unranked = [record for record in candidates if record.rank is None]
    if unranked and len(unranked) < len(candidates):
        raise CandidateFileError(
            f"{path}, line {unranked[0].line}: no 'rank', though other candidates of problem {unranked[0].index!r} of "
            f"{unranked[0].benchmark} have one; expected it on all of them or on none"
        )
    by_rank: dict[int, CandidateRecord] = {}
    for place, candidate in enumerate(candidates):
        record = dataclasses.replace(candidate, rank=place) if candidate.rank is None else candidate
        rank = record.rank or 0
        first = by_rank.setdefault(rank, record)
        if first.line == record.line:
            continue
        if (first.text, first.error) != (record.text, record.error):
            raise CandidateFileError(
                f"{path}, line {record.line}: problem {record.index!r} of {record.benchmark} has another candidate of "
                f"rank {rank} by {record.policy!r} on line {first.line}; expected one; mend the ranks or leave them out"
            )
        duplicates.append(Duplicate(record.policy, record.benchmark, record.index, rank, (first.line, record.line)))
    return by_rank


def _read_manifest(path: Path) -> Mapping[str, JSONValue] | None:
    if not path.exists():
        return None
    remedy = f"{_REMEDY} the manifest"
    try:
        manifest = parsed(path.read_bytes())
    except ValueError as error:
        raise CandidateFileError(f"{path} is not JSON ({error}); {remedy}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CandidateFileError(f"{path} is not a manifest: expected an object with format {FORMAT!r}; {remedy}")
    version = manifest.get("version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise CandidateFileError(
            f"{path} has format version {cut_off(repr(version))}, this version of visualprm_eval reads up to "
            f"{FORMAT_VERSION}; upgrade, or {remedy}"
        )
    return manifest


def _check_digest(path: Path, digest: str, manifest: Mapping[str, JSONValue] | None) -> None:
    if manifest is not None and manifest.get("sha256") != digest:
        raise CandidateFileError(
            f"{path} is not the file that its manifest describes (sha256 {digest[:16]}..., expected "
            f"{str(manifest.get('sha256'))[:16]}...): it was changed or cut off. Copy it again; if the change is "
            f"meant, {_REMEDY} {manifest_path(path).name}"
        )
