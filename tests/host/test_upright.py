"""Benchmarks whose pictures lie on their side or have sixteen bits: shown as they are meant to be seen, ids and all."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.host.material import demo_rows, mcq_rows, write_tsv
from visualprm_eval.cli import main
from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.pictures import RULES
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.models.prompts import put_problems
from visualprm_eval.run.export_problems import load_benchmarks, stored_benchmark
from visualprm_eval.stages.sample.endpoint.request import _data_url
from visualprm_eval.store import STORE_FILE, Store

UPRIGHT = Image.fromarray(np.linspace(0, 255, 40 * 20).astype(np.uint8).reshape(20, 40))


def lying() -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    UPRIGHT.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=100, exif=exif)
    return buffer.getvalue()


def wide() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(UPRIGHT).astype(np.uint16) * 257).save(buffer, "PNG")
    return buffer.getvalue()


def is_upright(path: str | Path) -> bool:
    with Image.open(path) as image:
        assert image.getexif() == {}
        seen = np.asarray(image.convert("L")).astype(int)
    return seen.shape == (20, 40) and np.abs(seen - np.asarray(UPRIGHT)).max() <= 4


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def with_odd_pictures(rows: list[dict]) -> list[dict]:
    rows[1]["image"], rows[2]["image"] = b64(lying()), b64(wide())
    return rows


def test_only_touched_problems_get_other_ids(demo_world):
    write_tsv(demo_world, with_odd_pictures(demo_rows()))
    raw, upright = (load_benchmark("DemoWorld", pictures=pictures) for pictures in ("raw", "upright"))
    pairs = list(zip(raw.problems, upright.problems, strict=True))
    assert [one.id == other.id for one, other in pairs] == [True, False, False, True]
    assert [is_upright(problem.images[0]) for problem in upright.problems[1:3]] == [True, True]
    assert not any(is_upright(problem.images[0]) for problem in raw.problems[1:3])
    assert [one.images == other.images for one, other in pairs] == [True, False, False, True]
    assert Path(upright.problems[1].images[0]).parent.name.endswith(RULES), "apart, since the host writes none anew"
    assert upright.shown == "2 rows with pictures that were turned upright or scaled to 8 bits: 1, 2"
    assert load_benchmark("DemoWorld", limit=1).shown == ""
    assert [problem.id for problem in load_benchmark("DemoWorld").problems] == [problem.id for _, problem in pairs]


def test_a_jpeg_of_four_colours_can_be_shown(mmstar, caplog):
    """The host writes PNG files, which have no such colours."""
    rows, buffer = mcq_rows(), io.BytesIO()
    UPRIGHT.convert("CMYK").save(buffer, "JPEG", quality=100)
    rows[1]["image"] = b64(buffer.getvalue())
    write_tsv(mmstar, rows)
    assert load_benchmark("MMStar", pictures="raw").broken
    benchmark = load_benchmark("MMStar")
    assert not benchmark.broken
    assert benchmark.shown == "1 row with pictures that were converted to RGB: 1"
    assert is_upright(benchmark.problems[1].images[0])


@pytest.mark.parametrize("prompt", ["cot", "direct", "host"])
def test_every_prompt_shows_the_upright_pictures(mmstar, prompt):
    write_tsv(mmstar, with_odd_pictures(mcq_rows()))
    benchmark = load_benchmark("MMStar")
    put = put_problems(benchmark, benchmark.problems, prompt)
    assert [is_upright(problem.images[0]) for problem in put[1:3]] == [True, True]
    sent = _data_url(Path(put[1].images[0])).partition(",")[2]
    assert Image.open(io.BytesIO(base64.b64decode(sent))).size == (40, 20), "what servers get needs no turning"


def test_rows_of_several_pictures(mmstar):
    rows = mcq_rows()
    rows[1]["image"] = str([rows[0]["image"], b64(lying())])
    write_tsv(mmstar, rows)
    first, second = load_benchmark("MMStar").problems[1].images
    assert (is_upright(first), is_upright(second)) == (False, True)


def test_a_table_of_picture_files(lmu):
    folder = lmu / "images" / "Mine"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(lying())
    UPRIGHT.save(folder / "b.png")
    rows = [{"index": number, "image_path": str(folder / name), "question": "Q?", "answer": "1"}
            for number, name in enumerate(("a.jpg", "b.png"))]  # fmt: skip
    write_tsv(lmu / "Mine.tsv", rows)
    raw, upright = (load_benchmark("Mine", pictures=pictures) for pictures in ("raw", "upright"))
    assert [is_upright(problem.images[0]) for problem in upright.problems] == [True, True]
    assert [one.id == other.id for one, other in zip(raw.problems, upright.problems, strict=True)] == [False, True]
    assert upright.problems[1].images == (str(folder / "b.png"),)
    assert RULES in upright.problems[0].images[0]
    assert (folder / "a.jpg").read_bytes() == lying()


def test_a_class_that_writes_jpegs_cannot_write_sixteen_bits(lmu, monkeypatch):
    from vlmeval.dataset.image_vqa import OlympiadBench

    monkeypatch.delitem(OlympiadBench.DATASET_MD5, "OlympiadBench_EN")
    row = {"index": 0, "image": b64(wide()), "question": "Q?", "answer": "1", "final_answer": "['1']",
           "is_multiple_answer": False, "unit": "", "answer_type": "Numerical", "subfield": "Algebra",
           "language": "EN", "source": "OE_MM_maths_en_COMP", "context": "", "solution": "", "error": ""}  # fmt: skip
    write_tsv(lmu / "OlympiadBench_EN.tsv", [row])
    assert load_benchmark("OlympiadBench_EN", pictures="raw").broken
    benchmark = load_benchmark("OlympiadBench_EN")
    assert benchmark.broken == {}
    assert is_upright(benchmark.problems[0].images[0])


def test_a_run_names_them_and_so_does_a_report_without_the_host(demo_world, tmp_path, capsys):
    write_tsv(demo_world, with_odd_pictures(demo_rows()))
    config = RunConfig(models=("demo-policy",), data=("DemoWorld",), work_dir=tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        (benchmark,) = load_benchmarks(config, store)
        said = capsys.readouterr().err
        assert "note: DemoWorld: 2 rows with pictures that were turned upright or scaled to 8 bits: 1, 2. They" in said
        assert "--pictures raw" in said
        assert stored_benchmark(store, "DemoWorld", config).shown == benchmark.shown


def test_exported_problems_have_the_upright_pictures(demo_world, tmp_path, capsys):
    write_tsv(demo_world, with_odd_pictures(demo_rows()))
    assert main(["export-problems", "--data", "DemoWorld", "-o", str(tmp_path / "out")]) == 0
    assert "turned upright or scaled to 8 bits: 1, 2" in capsys.readouterr().err
    with Store.open(tmp_path / "out" / STORE_FILE, write=False) as store:
        problems = stored_benchmark(store, "DemoWorld", RunConfig(work_dir=tmp_path / "out")).problems
    assert [is_upright(problem.images[0]) for problem in problems[1:3]] == [True, True]
    assert all(Path(problem.images[0]).parent == tmp_path / "out" / "pictures" for problem in problems)
    assert main(["export-problems", "--data", "DemoWorld", "-o", str(tmp_path / "raw"), "--pictures", "raw"]) == 0
    assert "turned" not in capsys.readouterr().err
