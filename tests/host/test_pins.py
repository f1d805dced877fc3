"""Behaviour of the host that the package relies on; a new version that breaks one of these shows here first."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, picture
from visualprm_eval.host.grading import forms
from visualprm_eval.host.grading import grade_table as grading
from visualprm_eval.host.grading import verdict_readers as readers
from visualprm_eval.host.grading.replies import NO_REPLY
from visualprm_eval.host.load.runner import load_runner


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_functions_that_are_called():
    from vlmeval.api.base import BaseAPI
    from vlmeval.dataset import build_dataset
    from vlmeval.dataset.image_base import ImageBaseDataset
    from vlmeval.dataset.utils import build_judge
    from vlmeval.dataset.utils.vqa_eval import hit_calculate, process_line
    from vlmeval.vlm.base import BaseModel

    assert parameters(build_dataset)[0] == "dataset_name"
    assert parameters(load_runner().get_judge_kwargs) == ["dataset_name", "dataset_type", "args"]
    assert parameters(build_judge) == ["kwargs"]
    assert parameters(ImageBaseDataset.evaluate)[:2] == ["self", "eval_file"]
    assert parameters(ImageBaseDataset.build_prompt) == parameters(ImageBaseDataset.dump_image) == ["self", "line"]
    assert parameters(BaseModel.generate)[1:] == ["message", "dataset"]
    assert parameters(BaseAPI.generate) == ["self", "message", "kwargs1"]
    assert parameters(BaseAPI.working) == ["self"]
    assert parameters(hit_calculate)[:2] == ["result", "dataset_name"]
    assert parameters(process_line) == ["line", "method"]


def test_marks_of_failure():
    from vlmeval.api.base import BaseAPI
    from vlmeval.dataset import image_mcq
    from vlmeval.dataset.utils import multiple_choice
    from vlmeval.smp.file import INFER_FAIL_MSG

    assert INFER_FAIL_MSG == NO_REPLY
    assert BaseAPI().fail_msg.startswith(NO_REPLY)
    assert readers._RANDOM in inspect.getsource(multiple_choice.extract_answer_from_item)
    from vlmeval.dataset.utils import logicvista, mathv, mathverse, mathvista

    for module in (logicvista, mathv, mathverse, mathvista):
        assert readers._GAVE_UP in inspect.getsource(module)
    from vlmeval.dataset import image_shortqa

    assert readers._NOT_JUDGED in inspect.getsource(image_shortqa)
    assert grading._WITHOUT_JUDGE in inspect.getsource(image_mcq.ImageMCQDataset.evaluate_heuristic)


def test_graders_whose_replies_are_read_by_name():
    """Each works on a row in a pool of threads, and asks again where that is relied on."""
    import vlmeval.dataset
    from vlmeval.utils import mp_util

    folder = Path(vlmeval.dataset.__file__).parent
    sources = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}
    for name in forms._FORMS:
        found = [source.partition(f"def {name}(")[2] for source in sources.values() if f"def {name}(" in source]
        assert found, name
        if name in forms.ASKS_AGAIN and name.endswith("_auxeval"):
            own = found[0].partition("\ndef ")[0]
            assert ("for i in range(retry)" in own, ".generate(" in own) == (True, True), name
    assert "executor.submit(new_func, idx, func, inputs)" in inspect.getsource(mp_util.track_progress_rich)


def test_exact_metric_of_the_demo():
    from vlmeval.dataset.utils.vqa_eval import hit_calculate, process_line

    lines = [{"answer": "7", "prediction": text} for text in ("7", " 7 ", "7.0", "8", "")]
    hits = hit_calculate([process_line(line, method="accuracy") for line in lines], "DemoWorld")
    assert [float(hit) for hit in hits] == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_files_of_exact_matching(mmstar, tmp_path, monkeypatch):
    import pandas as pd
    from vlmeval.dataset import build_dataset

    monkeypatch.setenv("PRED_FORMAT", "tsv")
    dataset = build_dataset("MMStar")
    table = pd.DataFrame(mcq_rows()).drop(columns="image").assign(prediction=["A", "B", "D", "none of them"])
    file = tmp_path / "model_MMStar.tsv"
    table.to_csv(file, sep="\t", index=False)
    scores = dataset.evaluate(str(file), model="exact_matching", nproc=1)
    result = pd.read_csv(tmp_path / "model_MMStar_exact_matching_result.tsv", sep="\t")
    assert dict(zip(result["index"], result["hit"], strict=True)) == {0: 1, 1: 1, 2: 0, 3: 0}
    assert set(scores["Overall"]) == {1.0, 0.0}  # One row per split.


def test_pictures_are_never_refreshed(mmstar, lmu):
    """Why each version of a file gets a folder for its pictures."""
    from PIL import Image
    from vlmeval.dataset import build_dataset

    dataset = build_dataset("MMStar")
    line = dataset.data.iloc[0].copy()
    [path] = dataset.dump_image(line)
    assert path == str(lmu / "images" / "MMStar" / "0.png")
    line["image"] = picture((9, 9, 9))
    dataset.dump_image(line)
    assert Image.open(path).getpixel((0, 0)) != (9, 9, 9)


def test_unreadable_reference_stops_the_hosts_constructor(mmstar):
    """Why tables are looked at first."""
    from vlmeval.dataset import build_dataset

    from tests.host.material import write_tsv

    rows = mcq_rows()
    rows[0]["image"] = "99"
    write_tsv(mmstar, rows)
    with pytest.raises(AssertionError):
        build_dataset("MMStar")
