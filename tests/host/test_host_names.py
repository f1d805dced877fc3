"""What an import of the host leaves for later runs is what its tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.core.config import DEMO_BENCHMARK, DEMO_POLICY
from visualprm_eval.host.data.benchmarks import find_class
from visualprm_eval.host.data.entries import OF_VIDEOS, entry_of
from visualprm_eval.host.load import bridge
from visualprm_eval.host.load.host_names import kept_names, read_tables
from visualprm_eval.host.toolkit import host_names


def test_an_import_leaves_the_names_for_later_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_names() is None
    bridge._loaded_host.__wrapped__()
    assert kept_names() == read_tables()


def test_the_names_are_those_of_the_hosts_tables() -> None:
    bridge.load_host()
    from vlmeval.config import supported_VLM
    from vlmeval.dataset import SUPPORTED_DATASETS, supported_video_datasets

    names = read_tables()
    assert set(names.models) == set(supported_VLM) >= {DEMO_POLICY}
    assert names.datasets.keys() >= {*SUPPORTED_DATASETS, DEMO_BENCHMARK}
    for name, entry in names.datasets.items():
        of_video = name in supported_video_datasets
        assert entry == (OF_VIDEOS if of_video else entry_of(name, find_class(name))), name
    star = names.datasets["MMStar"]
    assert star.one_file and star.url is not None and star.url.endswith("/MMStar.tsv") and star.md5 is not None
    assert not names.datasets[DEMO_BENCHMARK].one_file


def test_a_name_that_this_process_put_into_the_hosts_tables_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge.load_host()
    from vlmeval.config import supported_VLM

    monkeypatch.setitem(supported_VLM, "mine-for-a-test", object)
    assert "mine-for-a-test" in host_names().models
