"""Packs of candidates: an export comes back as it was, and every way in which a file can be wrong is named."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import visualprm_eval
from visualprm_eval.core.errors import CandidateFileError, StoreError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, Usage, digest
from visualprm_eval.store import Store
from visualprm_eval.store.package_versions import NOT_RECORDED, recorded_versions
from visualprm_eval.store.packs import (
    CandidatePack,
    Duplicate,
    Gap,
    export_candidates,
    import_candidates,
    manifest_path,
    read_candidates,
)
from visualprm_eval.store.packs.pack import FORMAT, FORMAT_VERSION

SETTINGS = {
    "policy": "toy",
    "policy_fingerprint": "f00",
    "engine": "native",
    "temperature": 0.7,
    "top_p": 1.0,
    "max_tokens": 256,
    "prompt": "host",
    "seed": 0,
}
SAMPLING = Spec("sampling", SETTINGS)
OTHER = Spec("sampling", {**SETTINGS, "policy": "other"})
NASTY = "a\0b \ud800 \udfff \U0001f600 \r\n\u2028 \ufffe"


def problem(index: str, benchmark: str = "Toy", version: str = "") -> Problem:
    question = (Part("text", f"How many dots in {index}?"),)
    return Problem(benchmark, index, "", question, "3", digest([benchmark, index, version]))


PROBLEMS = [problem("0"), problem("1"), problem("0", "Dots")]
IDS = [one.id for one in PROBLEMS]
CANDIDATES = [
    Candidate(IDS[0], 0, "two", None, "stop", 3, 0.125, Usage(100, 20)),
    Candidate(IDS[0], 1, NASTY, None, "length", reasoning=NASTY),
    Candidate(IDS[1], 0, "", f"timeout {NASTY}"),
    Candidate(IDS[2], 0, "three"),
]


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(PROBLEMS)
        store.put_spec(SAMPLING)
        store.put_candidates(SAMPLING.id, CANDIDATES)
        yield store


@pytest.fixture
def empty(tmp_path: Path):
    with Store.open(tmp_path / "empty.sqlite") as store:
        yield store


def line(**changes: Any) -> dict[str, Any]:
    record = {"benchmark": "Toy", "index": "0", "rank": 0, "text": "two", "policy": "toy", "sampling": {}, **changes}
    return {name: value for name, value in record.items() if value is not ...}


def pack_of(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "pack.jsonl"
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return path


def vouch(path: Path) -> None:
    """Gives a pack the manifest that an export would have given it."""
    manifest = {"format": FORMAT, "version": FORMAT_VERSION, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest_path(path).write_text(json.dumps(manifest))


def read(tmp_path: Path, *lines: Any) -> CandidatePack:
    return read_candidates(pack_of(tmp_path, *lines))


# There and back


def test_a_store_that_gets_its_own_candidates_back_knows_what_made_them(store: Store, tmp_path: Path) -> None:
    store.put_note("versions", SAMPLING.id, "torch 2")
    export_candidates(store, tmp_path / "pack.jsonl")
    import_candidates(store, read_candidates(tmp_path / "pack.jsonl"), PROBLEMS)
    assert recorded_versions(store) == {SAMPLING.id: "torch 2"}


def test_an_import_equals_the_original(store: Store, empty: Store, tmp_path: Path) -> None:
    export_candidates(store, tmp_path / "pack.jsonl")
    summary = import_candidates(empty, read_candidates(tmp_path / "pack.jsonl"), PROBLEMS)
    assert empty.specs("sampling") == [SAMPLING]
    assert empty.candidates(SAMPLING.id, IDS) == store.candidates(SAMPLING.id, IDS)
    assert empty.problems("Toy") == PROBLEMS[:2]
    assert empty.verify() == []
    assert recorded_versions(empty) == {SAMPLING.id: NOT_RECORDED}, "who wrote them did so elsewhere"
    assert [(cell.policy, cell.sampling) for cell in summary.cells] == [("toy", SAMPLING)] * 2
    assert [(cell.benchmark, cell.n, cell.n_problems, cell.n_candidates) for cell in summary.cells] == [
        ("Toy", 2, 2, 3),
        ("Dots", 1, 1, 1),
    ]
    assert summary.warnings == ()


def test_importing_again_adds_nothing(store: Store, tmp_path: Path) -> None:
    export_candidates(store, tmp_path / "pack.jsonl")
    summary = import_candidates(store, read_candidates(tmp_path / "pack.jsonl"), PROBLEMS)
    assert sum(cell.n_candidates for cell in summary.cells) == 4
    assert summary.warnings == ()
    assert store.specs("sampling") == [SAMPLING]
    assert [one for found in store.candidates(SAMPLING.id, IDS).values() for one in found] == CANDIDATES


@given(text=st.text(st.characters(exclude_categories=["Cs"])) | st.just("\ud800 \udfff") | st.just("\udfff\ud800"))
@settings(max_examples=40, deadline=None)
def test_any_text_survives(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pack.jsonl"
        with Store.open(Path(directory) / "store.sqlite") as store:
            store.put_problems([problem(text)])
            spec_id = store.put_spec(Spec("sampling", {"policy": text}))
            store.put_candidates(
                spec_id, [Candidate(problem(text).id, 0, text), Candidate(problem(text).id, 1, "", text)]
            )
            export_candidates(store, path)
        path.read_bytes().decode("ascii")
        first, second = read_candidates(path).records
        assert (first.text, first.error, first.index, first.policy) == (text, None, text, text)
        assert (second.text, second.error) == ("", text)


def test_the_manifest_says_what_is_in_the_pack(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    summary = export_candidates(store, path)
    manifest = json.loads(manifest_path(path).read_text())
    assert manifest["sha256"] == summary.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["version"] == 1
    assert manifest["tool"] == f"visualprm_eval {visualprm_eval.__version__}"
    assert manifest["samplings"] == {SAMPLING.id: SETTINGS}
    assert manifest["counts"][0] == {
        "policy": "toy",
        "benchmark": "Toy",
        "sampling_id": SAMPLING.id,
        "n_problems": 2,
        "n_candidates": 3,
        "n_failed": 1,
    }
    assert read_candidates(path).manifest == manifest
    assert "4 candidates written" in str(summary)
    assert "toy on Toy: 3 candidates of 2 problems, 1 of them failed" in str(summary)


def test_filters(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    store.put_spec(OTHER)
    store.put_candidates(OTHER.id, [Candidate(IDS[0], 0, "from the other")])

    def exported(**filters: Any) -> set[tuple[str, str]]:
        export_candidates(store, path, **filters)
        return {(record.policy, record.benchmark) for record in read_candidates(path).records}

    assert exported() == {("toy", "Toy"), ("toy", "Dots"), ("other", "Toy")}
    assert exported(benchmarks=["Dots"]) == {("toy", "Dots")}
    assert exported(policies=["other"]) == {("other", "Toy")}
    with pytest.raises(StoreError, match="no policy 'x'; it has: toy, other"):
        exported(policies=["x"])
    with pytest.raises(StoreError, match="no benchmark 'x'; it has: Toy, Dots"):
        exported(benchmarks=["x"])
    with pytest.raises(StoreError, match="no such candidates"):
        exported(policies=["other"], benchmarks=["Dots"])
    assert {(one.policy, one.benchmark) for one in read_candidates(path).records} == {("other", "Toy")}


def test_policies_of_one_name_are_found_as_a_report_calls_them(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    hotter = Spec("sampling", {**SAMPLING.settings, "temperature": 1.5})
    store.put_spec(hotter)
    store.put_candidates(hotter.id, [Candidate(IDS[0], 0, "from the hotter one")])
    assert f"toy ({hotter.id[:6]}) on Toy: 1 candidate of" in str(export_candidates(store, path))
    export_candidates(store, path, policies=[f"toy ({hotter.id[:6]})"])
    assert [record.text for record in read_candidates(path).records] == ["from the hotter one"]
    assert export_candidates(store, path, policies=["toy"]).counts[-1].n_candidates == 1


def test_former_versions_of_a_problem_stay_at_home(store: Store, tmp_path: Path) -> None:
    newer = problem("0", version="-reworded")
    store.put_problems([newer])
    store.put_candidates(SAMPLING.id, [Candidate(newer.id, 0, "new")])
    export_candidates(store, tmp_path / "pack.jsonl", benchmarks=["Toy"])
    texts = [record.text for record in read_candidates(tmp_path / "pack.jsonl").records if record.index == "0"]
    assert texts == ["new"]


def test_a_former_pack_is_replaced_whole(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out" / "pack.jsonl"
    path.parent.mkdir()
    export_candidates(store, path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(CandidateFileError, match="No space left"):
            export_candidates(store, path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
    export_candidates(store, path, benchmarks=["Dots"])
    assert len(read_candidates(path).records) == 1
    assert len(list(path.parent.iterdir())) == 2


@pytest.mark.parametrize("renames", [0, 1])
def test_an_export_killed_between_its_renames_leaves_a_sound_pack(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    path = tmp_path / "pack.jsonl"
    export_candidates(store, path)
    left = renames
    rename = Path.replace

    def killed(source: Path, target: Path) -> Path:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            export_candidates(store, path, benchmarks=["Dots"])
    assert len(read_candidates(path).records) == [4, 1][renames]


def test_a_place_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CandidateFileError, match=r"cannot write .*nowhere"):
        export_candidates(store, tmp_path / "nowhere" / "pack.jsonl")


# Packs of other people


def test_a_pack_without_manifest_and_with_little_in_it(empty: Store, tmp_path: Path) -> None:
    pack = read(tmp_path, line(index=0, sampling=...), "", line(index=0, rank=1, text=None, error="refused", extra=1))
    summary = import_candidates(empty, pack, PROBLEMS)
    (sampling,) = empty.specs("sampling")
    assert sampling.settings == {"policy": "toy", "sampling": {}, "source": "pack", "digest": pack.digest}
    assert pack.digest == hashlib.sha256(pack.path.read_bytes()).hexdigest()
    assert pack.manifest is None
    assert pack.policies == ("toy",)
    assert [(cell.policy, cell.sampling) for cell in summary.cells] == [("toy", sampling)]
    assert empty.candidates(sampling.id, [IDS[0]]) == {
        IDS[0]: [Candidate(IDS[0], 0, "two"), Candidate(IDS[0], 1, "", "refused")]
    }


def test_ranks_follow_the_file_where_there_are_none(tmp_path: Path) -> None:
    lines = [line(text=text, index=index, rank=...) for text, index in [("a", "0"), ("b", "1"), ("a", "0"), ("c", "0")]]
    pack = read(tmp_path, *lines)
    assert [(record.index, record.rank, record.text) for record in pack.records] == [
        ("0", 0, "a"),
        ("1", 0, "b"),
        ("0", 1, "a"),
        ("0", 2, "c"),
    ]
    assert pack.duplicates == ()


def test_policies_and_samplings_keep_apart(empty: Store, tmp_path: Path) -> None:
    pack = read(
        tmp_path,
        line(text="a"),
        line(text="b", policy="other"),
        line(text="c", sampling={"temperature": 1.0}),
    )
    summary = import_candidates(empty, pack, PROBLEMS)
    assert pack.policies == ("toy", "other")
    assert sorted(cell.policy for cell in summary.cells) == ["other", "toy", "toy"]
    texts = [empty.candidates(spec.id, IDS)[IDS[0]][0].text for spec in empty.specs("sampling")]
    assert sorted(texts) == ["a", "b", "c"]


def test_gaps_and_duplicates_are_reported(empty: Store, tmp_path: Path) -> None:
    pack = read(tmp_path, *(line(rank=rank, text=str(rank)) for rank in (0, 1, 3, 1)))
    assert pack.gaps == (Gap("toy", "Toy", "0", (2,)),)
    assert pack.duplicates == (Duplicate("toy", "Toy", "0", 1, (2, 4)),)
    assert [record.rank for record in pack.records] == [0, 1, 3]
    summary = import_candidates(empty, pack, PROBLEMS)
    assert (summary.gaps, summary.duplicates) == (pack.gaps, pack.duplicates)
    assert summary.cells[0].n == 4
    assert summary.warnings == (
        "1 problem skips a rank (Toy 0 without rank 2)",
        "1 candidate stands there twice, to count once (Toy 0 rank 1 on lines 2 and 4)",
    )


def test_what_does_not_belong_here_is_counted(empty: Store, tmp_path: Path) -> None:
    pack = read(tmp_path, line(), line(index="99"), line(index="99", rank=1), line(benchmark="Elsewhere"))
    summary = import_candidates(empty, pack, PROBLEMS)
    assert [cell.n_candidates for cell in summary.cells] == [1]
    assert summary.unknown == (("Toy", "99"),)
    assert summary.other_benchmarks == {"Elsewhere": 1}
    assert len(summary.warnings) == 2
    with pytest.raises(CandidateFileError, match=r"none of its 4 candidates .* Dots; it is about Elsewhere, Toy"):
        import_candidates(empty, pack, PROBLEMS[2:])


def test_candidates_for_a_problem_that_changed_are_not_passed_off_as_drawn_for_it(
    store: Store, empty: Store, tmp_path: Path
) -> None:
    export_candidates(store, tmp_path / "pack.jsonl")
    now = [problem("0", version="-reworded"), *PROBLEMS[1:]]
    pack = read_candidates(tmp_path / "pack.jsonl")
    summary = import_candidates(empty, pack, now)
    (sampling,) = empty.specs("sampling")
    assert sampling.settings == {"policy": "toy", "sampling": SETTINGS, "source": "pack", "digest": pack.digest}
    assert summary.changed == (("Toy", "0"),)
    assert [one.text for one in empty.candidates(sampling.id, [now[0].id])[now[0].id]] == ["two", NASTY]


@pytest.mark.parametrize("forged", [{"sampling_id": "0" * 16}, {"sampling_id": SAMPLING.id, "policy": "better"}])
def test_only_a_proven_original_sampling_is_taken_over(empty: Store, tmp_path: Path, forged: dict[str, str]) -> None:
    path = pack_of(tmp_path, line(sampling=SETTINGS, **forged))
    vouch(path)
    import_candidates(empty, read_candidates(path), PROBLEMS)
    assert [spec.settings.get("source") for spec in empty.specs("sampling")] == ["pack"]


def test_an_edited_pack_without_its_manifest_is_not_the_original_sampling(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    export_candidates(store, path)
    path.write_bytes(path.read_bytes().replace(b'"two"', b'"far better"'))
    with pytest.raises(CandidateFileError, match="a sampling of their own, not as the original one, remove"):
        read_candidates(path)
    manifest_path(path).unlink()
    pack = read_candidates(path)
    summary = import_candidates(store, pack, PROBLEMS)
    original, edited = store.specs("sampling")
    assert original == SAMPLING
    assert edited.settings == {"policy": "toy", "sampling": SETTINGS, "source": "pack", "digest": pack.digest}
    assert [cell.sampling for cell in summary.cells] == [edited] * 2
    assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == CANDIDATES[:2]
    assert store.candidates(edited.id, IDS)[IDS[0]][0].text == "far better"


def test_another_text_of_the_store_stays_and_is_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    export_candidates(store, path)
    path.write_bytes(path.read_bytes().replace(b'"two"', b'"four"').replace(b'"three"', b'" "'))
    vouch(path)
    summary = import_candidates(store, read_candidates(path), PROBLEMS)
    assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == CANDIDATES[:2]
    assert store.candidates(SAMPLING.id, IDS)[IDS[2]] == CANDIDATES[3:]
    assert summary.warnings == (
        "2 candidates have another text in the store, which stays (Toy 0 rank 0, Dots 0 rank 0)",
    )


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_text_of_blanks_is_an_empty_reply(empty: Store, tmp_path: Path, text: str) -> None:
    import_candidates(empty, read(tmp_path, line(text=text)), PROBLEMS)
    (sampling,) = empty.specs("sampling")
    assert empty.candidates(sampling.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, text)]


@pytest.mark.parametrize(("error", "came"), [("the policy wrote nothing", True), ("HTTP 500: busy", False)])
def test_a_pack_of_a_former_version_calls_an_empty_reply_a_failure(
    empty: Store, tmp_path: Path, error: str, came: bool
) -> None:
    import_candidates(empty, read(tmp_path, line(text="", error=error)), PROBLEMS)
    (sampling,) = empty.specs("sampling")
    (found,) = empty.candidates(sampling.id, IDS)[IDS[0]]
    assert found.error == (None if came else error)


# Broken files


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ('{"benchmark": "Toy", ', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "expected an object"),
        (line(text=...), "missing field 'text'; expected a string"),
        (line(text=None), "missing field 'text'; expected a string, or null beside an 'error'"),
        (line(text=5), "'text' is 5; expected a valid string"),
        (line(policy=...), "missing field 'policy'; it has benchmark, index, rank, text, sampling$"),
        (line(benchmark=["Toy"]), r"'benchmark' is \['Toy'\]"),
        (line(index=...), "missing field 'index'"),
        (line(index=True), "'index' is True; expected a string or an integer"),
        (line(index=1.5), "'index' is 1.5; expected a string or an integer"),
        (line(rank=-1), "'rank' is -1; expected greater than or equal to 0"),
        (line(rank="0"), "'rank' is '0'; expected a valid integer"),
        (line(rank=10**9), "'rank' is 1000000000; expected less than 1000000"),
        (line(rank=...), "line 2: no 'rank'.*on all of them or on none"),
        (line(sampling="hot"), "'sampling' is 'hot'; expected an object"),
        (line(error=1), "'error' is 1; expected a valid string"),
        (line(tokens=1.5), "'tokens' is 1.5"),
        (
            line(usage={"prompt_tokens": 1}),
            "'usage' is .*; expected an object with prompt_tokens and completion_tokens",
        ),
        (line(usage={"prompt_tokens": 1, "completion_tokens": -1}), "integers from 0"),
        (line(seconds=float("nan")), "'seconds' is nan"),
        (line(text="another", rank=0), "another candidate of rank 0 by 'toy' on line 1"),
        (line(text="", error="failed", rank=0), "another candidate of rank 0 by 'toy' on line 1"),
    ],
)
def test_a_line_that_is_no_candidate(tmp_path: Path, broken: Any, message: str) -> None:
    path = pack_of(tmp_path, line(), broken)
    with pytest.raises(CandidateFileError, match=message) as caught:
        read_candidates(path)
    assert f"{path}, line 2: " in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "\xff"}\n')
    with pytest.raises(CandidateFileError, match="line 1: not JSON"):
        read_candidates(path)


def test_a_file_that_is_empty_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(CandidateFileError, match=r"cannot read .*nothing\.jsonl \(No such file"):
        read_candidates(tmp_path / "nothing.jsonl")
    with pytest.raises(CandidateFileError, match="holds no candidates"):
        read(tmp_path, "", " ")
    with pytest.raises(CandidateFileError, match="a device, a pipe or a folder"):
        read_candidates(tmp_path)


def test_a_file_that_is_not_what_its_manifest_says(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pack.jsonl"
    export_candidates(store, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CandidateFileError, match="changed or cut off"):
        read_candidates(path)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a manifest"),
        ('{"format": "other"}', "not a manifest"),
        ('{"format": "visualprm_eval.candidates", "version": 2}', "format version 2.*upgrade"),
        ('{"format": "visualprm_eval.candidates", "version": 1}', "changed or cut off"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path: Path, manifest: str, message: str) -> None:
    path = pack_of(tmp_path, line())
    manifest_path(path).write_text(manifest)
    with pytest.raises(CandidateFileError, match=message):
        read_candidates(path)


def test_a_place_that_no_pack_can_be_written_to_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, why in (
        ("nowhere/pack.jsonl", "there is no folder .*nowhere; make it"),
        ("file/pack.jsonl", "there is no folder .*file; make it"),
        ("", "it is a folder; name a file in it, such as .*/pack.jsonl"),
    ):
        with pytest.raises(CandidateFileError, match=why):
            export_candidates(store, tmp_path / path)
    assert [path.name for path in tmp_path.iterdir() if "store" not in path.name] == ["file"]
