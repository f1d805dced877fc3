"""One import of the host for all its tests, and folders of their own for its files."""

from __future__ import annotations

import pytest

from tests.host.material import JudgeServer, demo_rows, mcq_rows, seven_rows, write_tsv


@pytest.fixture(scope="session", autouse=True)
def host():
    """The host, imported once; it takes some twelve seconds."""
    from visualprm_eval.host.load.bridge import load_host

    return load_host()


@pytest.fixture(autouse=True)
def host_inline(inline):
    """All of it in this process."""


@pytest.fixture
def lmu(tmp_path, monkeypatch):
    """A data folder of the test's own; the host never refreshes pictures, so two tests must not share one."""
    root = tmp_path / "LMUData"
    root.mkdir()
    monkeypatch.setenv("LMUData", str(root))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return root


@pytest.fixture
def demo_world(lmu, tmp_path, monkeypatch):
    """The bundled benchmark with four rows of our own."""
    import visualprm_eval.host.data.demo_dataset as module

    path = write_tsv(tmp_path / "DemoWorld.tsv", demo_rows())
    monkeypatch.setattr(module, "demo_path", lambda name: path)
    return path


@pytest.fixture
def mmstar(lmu, monkeypatch):
    """A multiple-choice benchmark of the host with four rows of our own."""
    from vlmeval.dataset import ImageMCQDataset

    monkeypatch.delitem(ImageMCQDataset.DATASET_MD5, "MMStar")
    return write_tsv(lmu / "MMStar.tsv", mcq_rows())


@pytest.fixture
def add_model(monkeypatch):
    """Puts a model into the host's table for one test."""
    from vlmeval.config import supported_VLM

    def add(factory, name="test-model"):
        monkeypatch.setitem(supported_VLM, name, factory)
        return name

    return add


@pytest.fixture
def judge_server(monkeypatch):
    from visualprm_eval.host.grading import judge

    monkeypatch.setattr(judge, "_answering", set())  # Another test's server may have had this port.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = JudgeServer()
    yield server
    server.close()


@pytest.fixture
def seven(lmu, monkeypatch):
    """Writes a file of one of the seven benchmarks, and returns its name."""

    def write(name):
        from vlmeval.dataset import DATASET_CLASSES

        owner = next(cls for cls in DATASET_CLASSES if name in cls.supported_datasets())
        monkeypatch.delitem(owner.DATASET_MD5, name, raising=False)
        write_tsv(lmu / f"{name}.tsv", seven_rows(name))
        return name

    return write
