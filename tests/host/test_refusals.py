"""What is said of benchmarks that cannot be used or graded, and why."""

from __future__ import annotations

import pytest

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import BenchmarkError, VisualPRMEvalError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.known import check_benchmark_names
from visualprm_eval.host.load.bridge import host_names
from visualprm_eval.run.doctor import findings


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


def test_every_name_that_the_host_knows_is_an_entry_or_a_line(lmu):
    names = names_in_any_table()
    assert len(names) > 700
    usable, lines = [], {}
    for name in names:
        try:
            check_benchmark_names([name])
            usable.append(name)
        except VisualPRMEvalError as error:
            lines[name] = str(error)
    assert {*usable} <= {*host_names().benchmarks}
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
    (lmu / f"{name}.tsv").write_text("index\tquestion\n")
    [found] = [finding for finding in findings([name], None, JudgeOptions()) if finding.what == name]
    assert not found.is_usable
    assert found.found.startswith("cannot be used: it ")
    assert list(lmu.iterdir()) == [lmu / f"{name}.tsv"]
