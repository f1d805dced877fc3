"""Files of other tools: which of their fields is what, and what is wrong with them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from visualprm_eval.core.errors import CandidateFileError, ConfigError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.store import Store
from visualprm_eval.store.packs import FieldMap, import_candidates, manifest_path, read_candidates
from visualprm_eval.store.packs.fields import NO_TEXT

PROBLEMS = [Problem("B", str(i), "", (Part("text", "?"),), "3", f"p{i}") for i in range(3)]


def read(tmp_path: Path, rows: list[Any], *fields: str, benchmark: str | None = "B", array: bool = False):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(rows, indent=1) if array else "\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_candidates(path, FieldMap.parse(fields, benchmark=benchmark, policy="samples"))


def told(pack) -> list[tuple[str, int | None, str]]:
    return [(record.index, record.rank, record.text) for record in pack.records]


def test_lists_of_replies(tmp_path: Path) -> None:
    rows = [{"doc_id": 0, "resps": [["a", "b"]]}, {"doc_id": 1, "resps": [["c"]]}]
    expected = [("0", 0, "a"), ("0", 1, "b"), ("1", 0, "c")]
    for path in ("resps", "resps.0", "resps.*", "resps.*.*"):
        pack = read(tmp_path, rows, "index=doc_id", f"text={path}")
        assert told(pack) == expected
    assert {(record.benchmark, record.policy) for record in pack.records} == {("B", "samples")}
    assert {record.line for record in pack.records} == {1, 2}


def test_several_rows_of_one_problem(tmp_path: Path) -> None:
    rows = [{"index": 1, "prediction": text} for text in ("a", "b")] + [{"index": 1, "prediction": ["c", "d"]}]
    assert told(read(tmp_path, rows, "index=index", "text=prediction")) == [
        ("1", rank, text) for rank, text in enumerate("abcd")
    ]


def test_nested_replies_with_all_that_is_known(tmp_path: Path) -> None:
    def row(index: str, *texts: str) -> dict[str, Any]:
        choices = [{"message": {"content": text}} for text in texts]
        return {"custom_id": index, "response": {"body": {"choices": choices, "model": "M"}}, "data.set": "B", "s": 1.5}

    fields = ("index=custom_id", "seconds=s", "benchmark=data.set", "text=response.body.choices.*.message.content")
    pack = read(tmp_path, [row("1", "a", "b"), row("2", "c")], *fields, "policy=response.body.model", benchmark=None)
    assert told(pack) == [("1", 0, "a"), ("1", 1, "b"), ("2", 0, "c")]
    assert {(record.policy, record.benchmark, record.seconds) for record in pack.records} == {("M", "B", 1.5)}


def test_an_array_is_a_file_too(tmp_path: Path) -> None:
    rows = [{"index": 0, "prediction": "a"}, {"index": 1, "prediction": "b"}]
    assert told(read(tmp_path, rows, "index=index", "text=prediction", array=True)) == [("0", 0, "a"), ("1", 0, "b")]
    with pytest.raises(CandidateFileError, match=r"samples.jsonl, row 2: index: missing field 'index'"):
        read(tmp_path, [rows[0], {"prediction": "b"}], "index=index", "text=prediction", array=True)
    with pytest.raises(CandidateFileError, match=r"row 1: it is 3; expected an object"):
        read(tmp_path, [3], "index=index", "text=prediction", array=True)


def test_ranks_gaps_and_duplicates_are_told_as_ever(tmp_path: Path) -> None:
    rows = [{"q": 0, "k": rank, "t": f"{rank}"} for rank in (0, 2, 2)]
    pack = read(tmp_path, rows, "index=q", "rank=k", "text=t")
    assert told(pack) == [("0", 0, "0"), ("0", 2, "2")]
    assert [str(gap) for gap in pack.gaps] == ["B 0 without rank 1"]
    assert [str(duplicate) for duplicate in pack.duplicates] == ["B 0 rank 2 on lines 2 and 3"]
    rows[2]["t"] = "other"
    with pytest.raises(CandidateFileError, match=r"line 3: .* has another candidate of rank 2"):
        read(tmp_path, rows, "index=q", "rank=k", "text=t")


def test_a_null_is_a_failure(tmp_path: Path) -> None:
    rows = [{"i": 0, "t": None, "e": "timeout"}, {"i": 1, "t": ["a", None], "e": None}]
    pack = read(tmp_path, rows, "index=i", "text=t", "error=e")
    assert [(one.index, one.rank, one.error) for one in pack.records] == [
        ("0", 0, "timeout"), ("1", 0, None), ("1", 1, NO_TEXT),
    ]  # fmt: skip
    with Store.open(tmp_path / "store.sqlite") as store:
        cell = import_candidates(store, pack, PROBLEMS).cells[0]
        found = store.candidates(cell.sampling.id, ["p1"])["p1"]
    assert [(one.text, one.error) for one in found] == [("a", None), ("", NO_TEXT)]


def test_a_null_of_a_reply_that_ended_is_an_empty_reply(tmp_path: Path) -> None:
    rows = [
        {"i": 0, "t": None, "f": "content_filter", "e": None}, {"i": 0, "t": "", "f": None, "e": None},
        {"i": 0, "t": None, "f": None, "e": None}, {"i": 0, "t": None, "f": "length", "e": "timeout"},
    ]  # fmt: skip
    pack = read(tmp_path, rows, "index=i", "text=t", "finish=f", "error=e")
    assert [(one.text, one.error, one.finish) for one in pack.records] == [
        ("", None, "content_filter"), ("", None, ""), ("", NO_TEXT, ""), ("", "timeout", "length"),
    ]  # fmt: skip


def test_other_fields_of_a_file_are_other_candidates(tmp_path: Path) -> None:
    rows = [{"i": 0, "raw": "So, 3", "filtered": "3"}]
    samplings = set()
    with Store.open(tmp_path / "store.sqlite") as store:
        for field in ("raw", "filtered"):
            summary = import_candidates(store, read(tmp_path, rows, "index=i", f"text={field}"), PROBLEMS)
            assert not summary.warnings
            samplings.add(summary.cells[0].sampling.id)
    assert len(samplings) == 2


def test_a_manifest_of_that_name_does_not_count(tmp_path: Path) -> None:
    manifest_path(tmp_path / "samples.jsonl").write_text("{}")
    assert len(read(tmp_path, [{"i": 0, "t": "a"}], "index=i", "text=t").records) == 1


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        ([{"i": 0, "t": "a"}, {"t": "b"}], ["index=i", "text=t"],
         "samples.jsonl, line 2: index: missing field 'i'; the row has t"),
        ([{"i": 0, "r": {"x": ["a"]}}], ["index=i", "text=r.x.1"],
         "line 1: text: missing field 'r.x.1' (at '1'); the row has i, r"),
        ([{"i": 0, "r": [{"c": "a"}, {}]}], ["index=i", "text=r.*.c"], "line 1: text: missing field 'r.*.c' (at 'c')"),
        ([{"i": 1.5, "t": "a"}], ["index=i", "text=t"], "line 1: 'index' (field 'i') is 1.5; expected a string or an"),
        ([{"i": 0, "t": 3}], ["index=i", "text=t"], "line 1: 'text' (field 't') is 3; expected a text, or a list"),
        ([{"i": 0, "t": [{"x": "y" * 99}]}], ["index=i", "text=t"], "line 1: 'text' (field 't') is {'x': 'yyyy"),
        ([{"i": 0, "t": "a", "k": "zero"}], ["index=i", "text=t", "rank=k"], "line 1: 'rank' (field 'k') is 'zero'"),
        ([{"i": 0, "t": ["a", "b"], "k": 0}], ["index=i", "text=t", "rank=k"],
         "line 1: 'text' (field 't') has 2 texts, to which 'rank' (k) gives one number"),
        ([[]], ["index=i", "text=t"], "row 1: it is []; expected an object"),
        ([{"i": 0, "t": []}], ["index=i", "text=t"], "holds no candidates"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, rows: list, fields: list[str], message: str) -> None:
    with pytest.raises(CandidateFileError, match=re.escape(message)):
        read(tmp_path, rows, *fields, array=rows == [[]])


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"i": 0, "t": "a"}\n{"i": 1, "t": \n')
    with pytest.raises(CandidateFileError, match=r"samples.jsonl, line 2: not JSON"):
        read_candidates(path, FieldMap.parse(["index=i", "text=t"], benchmark="B", policy="P"))
    path.write_text("[{")
    with pytest.raises(CandidateFileError, match=r"samples.jsonl is not JSON"):
        read_candidates(path, FieldMap.parse(["index=i", "text=t"], benchmark="B", policy="P"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["index"], "--candidate-fields 'index': expected NAME=FIELD"),
        (["index=", "text=t"], "expected NAME=FIELD"),
        (["indx=i", "text=t"], "unknown candidate field 'indx' in --candidate-fields; did you mean 'index'"),
        (["index=i"], "which field is the text? Write text=FIELD"),
        (["text=t"], "which field is the index? Write index=FIELD"),
        (["index=i", "text=t", "index=j"], "names index twice"),
        (["index=i", "text=t", "rank:=0"], "only benchmark and policy can be the same"),
        (["index=i", "text=t"], "several --data, so say which row is of which: benchmark=FIELD"),
    ],
)
def test_what_is_wrong_with_the_option_is_named(fields: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        FieldMap.parse(fields, benchmark=None, policy="P")


def test_a_constant_stands_for_all_rows() -> None:
    fields = FieldMap.parse(["index=i", "text=t", "policy:=A=B", "benchmark:=C"], benchmark="B", policy="P")
    assert dict(fields.constants) == {"policy": "A=B", "benchmark": "C"}
