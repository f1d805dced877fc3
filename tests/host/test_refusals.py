"""What is said of benchmarks that cannot be used or graded, and why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, picture, write_tsv
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import BenchmarkError, GraderStumbledError, GradingError, VisualPRMEvalError
from visualprm_eval.core.folders import use_data_dir
from visualprm_eval.host.data import known
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.known import check_benchmark_names
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.grading.grade_table import LOG_NAME, check_gradable, evaluate_table
from visualprm_eval.host.grading.prediction_file import insists_on_spreadsheet, sanitise, write_predictions
from visualprm_eval.host.load.host_names import read_tables


def names_in_any_table() -> set[str]:
    """All names of datasets that stand in a table of the host, be it of a class, of videos, of groups or of files."""
    import vlmeval.dataset as tables

    names = {*tables.SUPPORTED_DATASETS, *tables.supported_video_datasets}
    for dataset_class in tables.DATASET_CLASSES:
        names |= {dataset_class.__name__, *dataset_class.supported_datasets()}
        for table in ("DATASET_URL", "DATASET_MD5", "DATASET_PART_URL", "DATASET_SETS"):
            found = getattr(dataset_class, table, None)
            names |= set(map(str, found)) if isinstance(found, dict) else set()
    return names


def test_every_name_that_the_host_knows_is_an_entry_or_a_line(lmu, monkeypatch):
    names, known_names = names_in_any_table(), read_tables()
    assert len(names) > 700
    monkeypatch.setattr(known, "host_names", lambda: known_names)  # Else the tables are read for each name.
    usable, lines = [], {}
    for name in names:
        try:
            check_benchmark_names([name])
            usable.append(name)
        except VisualPRMEvalError as error:
            lines[name] = str(error)
    assert {*usable} <= {*known_names.benchmarks}
    assert {"MMStar", "MMMU_DEV_VAL", "MMMU_Pro_10c"} <= {*usable}
    assert all("\n" not in line and name in line for name, line in lines.items())
    for name in ("MVBench", "MVBench_8frame", "Video-MME", "MMBench-Video", "VideoMMMU_8frame"):
        assert lines[name].startswith(f"{name} is made of videos: only benchmarks of pictures or text")
    for name in ("MMDU", "OST"):
        assert lines[name].startswith(f"{name} is a dialogue of several turns: only")
    assert "whose class MMGenBench lacks evaluate" in lines["MMGenBench-Test"]


@pytest.mark.parametrize("name", ["MVBench", "MVBench_8frame", "MMDU", "OST", "MMGenBench-Test"])
def test_what_cannot_be_used_is_said_before_any_file_is_looked_for(lmu, name, monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(BenchmarkError, match=f"^{name} (is made of videos|is a dialogue|cannot be made by the host)"):
        load_benchmark(name)


# Graders that raise ---------------------------------------------------------------------------------------------------


def own_multiple_choice(lmu, **columns):
    write_tsv(lmu / "Own.tsv", [{**row, **columns} for row in mcq_rows()])
    return load_benchmark("Own")


def raising(error):
    def evaluate(self, file, **options):
        raise error

    return evaluate


def missing_column(self, file, **options):
    from vlmeval.smp import load

    return load(file)["gt_answer"]


RAISED = {
    "package": (
        raising(ModuleNotFoundError("No module named 'bs4'", name="bs4")),
        r"ModuleNotFoundError: No module named 'bs4'\. The package that provides bs4 is not installed: pip install it",
    ),
    "module of its own": (
        raising(ModuleNotFoundError("No module named 'vlmeval.dataset.smp'", name="vlmeval.dataset.smp")),
        r"'vlmeval.dataset.smp'\. That is a fault of the host, whatever the texts say",
    ),
    "name": (raising(UnboundLocalError("df")), r"UnboundLocalError: df\. That is a fault of the host"),
    "judge": (raising(AssertionError("needs a working API")), r"Own needs a judge: name one with --judge"),
    "no judge object": (
        raising(AttributeError("'NoneType' object has no attribute 'generate'")), r"The host grades it with a judge",
    ),
    "no answers": (missing_column, r"KeyError: 'gt_answer'.* The file has no answers in it: there is no gt_answer"),
    "key of no column": (raising(KeyError("x")), r"could not count the table: KeyError: 'x'\. "),
}  # fmt: skip


@pytest.mark.parametrize("kind", RAISED)
def test_what_a_grader_raises_is_said_and_what_it_means(lmu, tmp_path, kind, monkeypatch):
    benchmark = own_multiple_choice(lmu)
    evaluate, said = RAISED[kind]
    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    table = evaluate_table(benchmark, {"0": "A", "1": "B"}, tmp_path / "grading", JudgeOptions())
    with pytest.raises(GradingError, match=said) as raised:
        raise table.figure or table.no_figure
    assert str(raised.value).startswith("Own: the host could not ")
    assert "\n" not in str(raised.value)
    log = table.folder / LOG_NAME
    assert f"The traceback is in {log}" in str(raised.value)
    assert "Traceback (most recent call last):" in log.read_text("utf-8")


def test_a_bare_assertion_is_said_by_its_line(lmu, tmp_path, monkeypatch):
    benchmark = own_multiple_choice(lmu)
    from vlmeval.dataset.utils.multiple_choice import report_acc_MMVP

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", lambda self, file, **options: report_acc_MMVP([1]))
    table = evaluate_table(benchmark, {"0": "A"}, tmp_path / "grading", JudgeOptions())
    place = r"AssertionError in vlmeval/dataset/utils/multiple_choice\.py, line \d+: assert len\(df\) % 2 == 0"
    assert re.search(place, str(table.figure))


def test_no_key_is_in_the_traceback(lmu, tmp_path, judge_server, monkeypatch):
    benchmark = own_multiple_choice(lmu)
    judge = JudgeOptions("local", judge_server.url, "sk-very-secret")
    monkeypatch.setattr(type(benchmark.dataset), "evaluate", raising(RuntimeError("sent sk-very-secret")))
    table = evaluate_table(benchmark, {"0": "A"}, tmp_path / "grading", judge)
    log = (table.folder / LOG_NAME).read_text("utf-8")
    assert "RuntimeError: sent [secret]" in log and "RuntimeError: sent [secret]" in str(table.figure)
    assert "sk-very-secret" not in log + str(table.figure)


def test_a_part_of_a_benchmark_that_lacks_categories(lmu, tmp_path, monkeypatch):
    write_tsv(lmu / "Own.tsv", mcq_rows())
    benchmark = load_benchmark("Own", 2)
    monkeypatch.setattr(type(benchmark.dataset), "evaluate", raising(ZeroDivisionError("division by zero")))
    table = evaluate_table(benchmark, {"0": "A", "1": "B"}, tmp_path / "grading", JudgeOptions())
    assert "There are 2 of 4 problems, and the grader may need some of each category: leave out --limit" in str(
        table.no_figure
    )


# Classes with wants of their own --------------------------------------------------------------------------------------


def test_an_own_table_without_options_is_refused_before_samples_are_paid_for(lmu):
    write_tsv(lmu / "Free.tsv", [{"index": 0, "image": picture(), "question": "Which?", "answer": "red"}])
    benchmark = load_benchmark("Free")
    with pytest.raises(GradingError, match=r"^Free: /.*/Free\.tsv has no options, and of a user's own tables the host"):
        check_gradable(benchmark, JudgeOptions())
    check_gradable(own_multiple_choice(lmu), JudgeOptions())


@pytest.mark.parametrize("name", ["MMLongBench_DOC", "DUDE", "SLIDEVQA_MINI"])
def test_a_class_that_puts_prompts_to_models_that_it_knows_alone(lmu, name):
    with pytest.raises(
        BenchmarkError, match=rf"^{name} is put by its class \w+ to models of these names .*model=.*GPT4"
    ):
        load_benchmark(name)


def test_mmmu_pro_is_multiple_choice(lmu, tmp_path, monkeypatch):
    from vlmeval.dataset import MMMUProDataset

    monkeypatch.delitem(MMMUProDataset.DATASET_MD5, "MMMU_Pro_10c")
    write_tsv(lmu / "MMMU_Pro_10c.tsv", [{**row, "split": "validation"} for row in mcq_rows()])
    benchmark = load_benchmark("MMMU_Pro_10c")
    check_gradable(benchmark, JudgeOptions())
    texts = {"0": "A", "1": "So the answer is B.", "2": "D", "3": "E"}
    table = evaluate_table(benchmark, texts, tmp_path / "grading", JudgeOptions())
    assert [verdict.value for verdict in table.take_verdicts().values()] == [1.0, 1.0, 0.0, 0.0]


def test_a_class_without_a_type(lmu, monkeypatch):
    from vlmeval.dataset import ChartBench

    monkeypatch.delitem(ChartBench.DATASET_MD5, "ChartBench")
    rows = [{"index": 0, "image": picture(), "question": "?", "answer": "3", "type": "x"}]
    write_tsv(lmu / "ChartBench.tsv", rows)
    assert load_benchmark("ChartBench").problems[0].answer == "3"


def test_a_grader_that_reads_its_table_again_finds_it_where_it_was_loaded(lmu, tmp_path, monkeypatch):
    """Under the name of its source too, which the host would rename; with --data-dir, which the host does not know."""
    from vlmeval.dataset import MIABench

    data = tmp_path / "data"
    data.mkdir()
    write_tsv(data / "Mia-Bench.tsv", mcq_rows("AB"))
    (data / "aux_models").mkdir()
    use_data_dir(data)
    try:
        benchmark = load_benchmark("MIA-Bench", fetch=False)
        found = []

        def evaluate(self, file, **options):
            from vlmeval.smp import LMUDataRoot

            found.append(
                (list(MIABench("MIA-Bench").data["answer"]), {path.name for path in Path(LMUDataRoot()).iterdir()})
            )
            return {"Overall": 1.0}

        monkeypatch.setattr(MIABench, "evaluate", evaluate)
        evaluate_table(
            benchmark, {"0": "A", "1": "B"}, tmp_path / "grading", JudgeOptions("exact_matching")
        ).take_figure()
    finally:
        use_data_dir(None)
    assert found == [(["A", "B"], {"MIA-Bench.tsv", "Mia-Bench.tsv", "aux_models"})]
    assert sorted(path.name for path in data.iterdir()) == ["Mia-Bench.tsv", "aux_models"]
    assert not list(lmu.iterdir())


# Graders that insist on a spreadsheet ---------------------------------------------------------------------------------


def test_which_graders_insist_on_a_spreadsheet():
    from vlmeval.dataset import MMHELIX, HiPhODataset, MedqbenchMCQDataset, SArena, TreeBench

    assert all(map(insists_on_spreadsheet, (TreeBench, HiPhODataset, MedqbenchMCQDataset)))
    assert not any(map(insists_on_spreadsheet, (MMHELIX, SArena)))


SHEET_TEXTS = [
    "=1+1", "{=1}", "a\r\nb", "\x01", "_x0041_", "007", "1.50", "None", "NA", "https://x.y/" + "z" * 3000, "mailto:a",
    "True", " two ", "日本 😀", "", "\ud800", "x" * 32_767,
]  # fmt: skip


def test_a_spreadsheet_keeps_texts_as_they_are(lmu, tmp_path, monkeypatch):
    from vlmeval.dataset import TreeBench
    from vlmeval.smp import load

    monkeypatch.delitem(TreeBench.DATASET_MD5, "TreeBench", raising=False)
    rows = [{**mcq_rows("A")[0], "index": number, "hint": "01"} for number in range(len(SHEET_TEXTS))]
    write_tsv(lmu / "TreeBench.tsv", rows)
    benchmark = load_benchmark("TreeBench")
    texts = {str(number): text for number, text in enumerate(SHEET_TEXTS)}
    file = write_predictions(benchmark, texts, tmp_path)
    assert file.name == "candidates_TreeBench.xlsx"
    with texts_kept({"hint"}):
        read = load(str(file))
    assert list(read["prediction"]) == [sanitise(text) for text in SHEET_TEXTS]
    assert set(read["hint"]) <= {"01", 1, "1"} and set(read["answer"]) == {"A"}
    with pytest.raises(GraderStumbledError, match=r"^TreeBench: row 3: a cell of a spreadsheet.* holds 32,767 char"):
        write_predictions(benchmark, {**texts, "3": "x" * 32_768}, tmp_path)
    with pytest.raises(
        GraderStumbledError, match=r"^TreeBench: row 3: a cell of a spreadsheet.* cannot hold this text"
    ):
        write_predictions(benchmark, {**texts, "3": "_x0001_"}, tmp_path)


def test_a_grader_that_insists_on_a_spreadsheet_gets_one(lmu, tmp_path, monkeypatch):
    from vlmeval.dataset import TreeBench

    monkeypatch.delitem(TreeBench.DATASET_MD5, "TreeBench", raising=False)
    categories = ["Perception/Attributes", "Reasoning/Ordering", "Reasoning/Comparison", "Perception/OCR"]
    rows = [
        {**row, "category": category, "target_instances": "[[1, 2, 3, 4]]"}
        for row, category in zip(mcq_rows(), categories, strict=True)
    ]
    write_tsv(lmu / "TreeBench.tsv", rows)
    benchmark = load_benchmark("TreeBench")
    texts = {"0": "A", "1": "=B", "2": "A", "3": "<answer>D</answer>"}
    table = evaluate_table(benchmark, texts, tmp_path / "grading", JudgeOptions())
    assert [verdict.value for verdict in table.take_verdicts().values()] == [1.0, 1.0, 0.0, 1.0]
