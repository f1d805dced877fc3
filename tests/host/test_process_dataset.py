"""Labelled steps as a dataset of the host: its runner can ask any model, and its data folder is ours."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.unit.evaluate.step_labels.material import row, write_set
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.host.load.bridge import at_work
from visualprm_eval.host.load.entry_points import become_host


def reply(*verdicts):
    return json.dumps({"steps": [{"step": k, "correct": said} for k, said in enumerate(verdicts, start=1)]})


@pytest.fixture
def dataset(lmu):
    write_set(lmu / "VisualProcessBench", [row(), row(image=["images/a.png", "images/b.png"], data_source="WeMath")])
    from vlmeval.dataset import build_dataset

    with at_work():
        return build_dataset("VisualProcessBench")


def test_both_names_are_the_host_s(dataset):
    from vlmeval.dataset import DATASET_TYPE, SUPPORTED_DATASETS

    assert {"VisualProcessBench", "DemoProcessBench"} <= set(SUPPORTED_DATASETS)
    assert DATASET_TYPE("VisualProcessBench") == "VQA"
    assert type(dataset).__name__ == "VisualProcessBench"


def test_prompts_show_the_pictures_and_ask_about_every_step(dataset):
    first, second = (dataset.build_prompt(place) for place in (0, 1))
    assert [part["type"] for part in first] == ["image", "text"]
    assert [part["type"] for part in second] == ["image", "image", "text"]
    assert "<step 1>\none\n\nstill one\n</step 1>" in first[-1]["value"]
    assert dataset.dump_image(dict(dataset.data.iloc[1])) == [part["value"] for part in second[:2]]


@pytest.mark.parametrize("suffix", ["tsv", "xlsx"])
def test_replies_are_compared_with_the_labels(dataset, tmp_path, suffix):
    path = tmp_path / f"m_VisualProcessBench.{suffix}"
    frame = dataset.data.drop(columns=["image_path"]).assign(prediction=[reply(True, True, False), "all is fine"])
    frame.to_csv(path, sep="\t", index=False) if suffix == "tsv" else frame.to_excel(path, index=False)
    with at_work():
        table = dataset.evaluate(str(path))
    read, wrong = table.to_dict("records")
    assert (read["metric"], read["Overall"], read["MMMU"], read["failures"]) == ("macro F1", 100.0, 100.0, 1)
    assert pd.isna(read["WeMath"])
    assert (wrong["metric"], wrong["MMMU"], wrong["WeMath"]) == ("macro F1, failures wrong", 100.0, 0.0)
    assert wrong["Overall"] == 50.0


def test_another_file_is_refused(dataset, tmp_path):
    path = tmp_path / "x.tsv"
    pd.DataFrame({"index": [7], "prediction": ["x"]}).to_csv(path, sep="\t", index=False)
    with pytest.raises(BenchmarkError, match="no prediction file of VisualProcessBench"):
        dataset.evaluate(str(path))


def test_the_hosts_own_run_judges_with_its_models(lmu, monkeypatch, tmp_path):
    from vlmeval.config import supported_VLM
    from vlmeval.vlm.base import BaseModel

    class Fine(BaseModel):
        INTERLEAVE = True

        def generate_inner(self, message, dataset=None):
            number = int(message[-1]["value"].partition("The solution has ")[2].split()[0])
            return reply(*[True] * number)

    monkeypatch.setattr("sys.argv", ["test"])
    monkeypatch.setitem(supported_VLM, "fine", Fine)
    write_set(lmu / "VisualProcessBench", [row()])
    work = tmp_path / "work"
    assert become_host(["run", "--data", "VisualProcessBench", "--model", "fine", "--work-dir", str(work)]) == 0
    (file,) = {path.resolve() for path in work.rglob("fine_VisualProcessBench_acc.*")}  # A checkout adds links.
    table = pd.read_csv(file) if file.suffix == ".csv" else pd.read_excel(file)
    assert table["Overall"][0] == pytest.approx(100 / 3)
