"""Classes of the host that load in a way of their own see links only, and what they lack is told quickly."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from PIL import Image

from tests.host.material import mcq_rows, picture, write_tsv
from tests.host.test_files import snapshot
from visualprm_eval.core.errors import BenchmarkError, MissingFilesError
from visualprm_eval.host.data.benchmarks import load_benchmark, load_benchmarks

SINGLE = ("ERQA", "GMAI-MMBench_VAL")
PARTS = {
    "MicroBench": "microbench_part_{}.tsv", "OmniMedVQA": "omnimedbench_part_{}.tsv",
    "GMAI-MMBench_TEST": "GMAI_mm_bench_TEST_part_{}.tsv",
}  # fmt: skip
LINES = {"XLRS-Bench-lite": "XLRS-Bench-lite_part{}.jsonl", "OmniEarth-Bench": "OmniEarth-Bench_MCQ_part{}.jsonl"}
OF_THE_HUB = ("SCAM", "DA-2K", "MedqbenchMCQ_dev", "MedQDEGBench_good_dev")


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to look up an address fails, and is counted."""
    tried = []

    def fail(*arguments, **options):
        tried.append(arguments)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    return tried


@pytest.mark.parametrize("name", SINGLE)
def test_the_data_folder_is_only_read(lmu, tmp_path, name):
    write_tsv(lmu / f"{name}.tsv", mcq_rows())
    before = snapshot(lmu)
    problems = load_benchmark(name).problems
    assert len(problems) == 4
    assert all(str(tmp_path / "cache") in image for problem in problems for image in problem.images)
    assert snapshot(lmu) == before
    write_tsv(lmu / f"{name}.tsv", [{**row, "image": picture((1, 2, 3), (50, 50))} for row in mcq_rows()])
    assert Image.open(load_benchmark(name).problems[0].images[0]).size == (50, 50), "a replaced file is read"


def test_a_large_one_leaves_no_copy_in_the_data_folder(lmu, monkeypatch):
    import vlmeval.dataset.image_mcq as module

    monkeypatch.setattr(module, "file_size", lambda path, unit="GB": 2.0)
    write_tsv(lmu / "GMAI-MMBench_VAL.tsv", mcq_rows())
    before = snapshot(lmu)
    assert len(load_benchmark("GMAI-MMBench_VAL").problems) == 4
    assert snapshot(lmu) == before


def test_parts_of_another_version_are_read_and_not_fetched_anew(lmu, no_network):
    for number in range(1, 12):
        rows = [{**row, "index": 10 * number + row["index"]} for row in mcq_rows()]
        write_tsv(lmu / f"GMAI_mm_bench_TEST_part_{number}.tsv", rows)
    before = snapshot(lmu)
    assert len(load_benchmark("GMAI-MMBench_TEST").problems) == 44
    assert snapshot(lmu) == before
    assert no_network == []
    from vlmeval.dataset.image_mcq import GMAIMMBenchDataset

    assert all(len(md5) == 32 for md5 in GMAIMMBenchDataset.DATASET_MD5.values()), "the host's table is as it was"


@pytest.mark.parametrize("name", [*PARTS, *LINES])
def test_missing_parts_are_named(lmu, no_network, name):
    form = (PARTS | LINES)[name]
    first = 1 if name in PARTS else 0
    (lmu / form.format(first + 1)).write_text("is here")
    before = snapshot(lmu)
    with pytest.raises(MissingFilesError) as caught:
        load_benchmark(name)
    said = str(caught.value)
    for number in (first, first + 2, first + 5, 11):
        assert f"{form.format(number)} from https://" in said
    assert form.format(first + 1) + " from" not in said
    assert str(lmu) in said and "by hand" in said and "--data-dir" in said
    assert len(no_network) == 1, "the first failure is enough"
    assert snapshot(lmu) == before
    _, missing = load_benchmarks([name], fetch=False)
    assert len(no_network) == 1
    assert form.format(first) in missing[name]


def test_a_part_that_can_be_fetched_is_fetched_whole(lmu, tmp_path, monkeypatch):
    for number in range(2, 15):
        rows = [{**row, "index": 10 * number + row["index"]} for row in mcq_rows()]
        write_tsv(lmu / f"microbench_part_{number}.tsv", rows)
    source = write_tsv(tmp_path / "part_1.tsv", mcq_rows())
    monkeypatch.setattr(
        "visualprm_eval.host.data.data_view.fetch_file", lambda url, path, md5: path.write_bytes(source.read_bytes())
    )
    assert len(load_benchmark("MicroBench").problems) == 56
    assert (lmu / "microbench_part_1.tsv").read_bytes() == source.read_bytes()
    assert not list(lmu.rglob("*_local.tsv")) and not (lmu / "images").exists()
    urllib.request.urlretrieve(source.as_uri(), tmp_path / "copy.tsv")
    assert (tmp_path / "copy.tsv").read_bytes() == source.read_bytes(), "who loads no benchmark downloads as ever"


@pytest.mark.parametrize("name", OF_THE_HUB)
def test_what_the_hub_must_give_is_told_without_asking_it(lmu, tmp_path, no_network, monkeypatch, name):
    import huggingface_hub.constants as hub

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", False)
    with pytest.raises(BenchmarkError, match="from the Hugging Face hub and they are not in the hub's cache") as caught:
        load_benchmark(name)
    assert "hf download" in str(caught.value)
    assert no_network == []
    assert hub.HF_HUB_OFFLINE is False
    assert list(lmu.iterdir()) == []
