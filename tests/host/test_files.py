from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.host.material import mcq_rows, picture, write_tsv
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import data_root, use_data_dir
from visualprm_eval.host.data import files
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.files import find_file


@pytest.fixture
def table(tmp_path):
    """The bytes of a benchmark's file."""
    return write_tsv(tmp_path / "source.tsv", mcq_rows()).read_bytes()


@pytest.fixture
def server(table, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/hang.tsv":
                stop.wait(30)
                return
            if self.path == "/gone.tsv":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(table)))
            self.end_headers()
            self.wfile.write(table[: len(table) // 2] if self.path == "/broken.tsv" else table)

        def log_message(self, *args):
            pass

    stop = threading.Event()
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    stop.set()
    http.shutdown()
    http.server_close()


def dataset_class(url, md5=None):
    from vlmeval.dataset.image_base import ImageBaseDataset

    body = {"DATASET_URL": {"Own": url}, "DATASET_MD5": {"Own": md5} if md5 else {}}
    return type("OwnDataset", (ImageBaseDataset,), body)


def snapshot(folder):
    """Every file below a folder with its content and time."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    use_data_dir(None)


def test_fetches_a_missing_file(lmu, server, table):
    md5 = hashlib.md5(table).hexdigest()
    found = find_file("Own", dataset_class(f"{server}/own.tsv", md5))
    assert (lmu / "Own.tsv").read_bytes() == table
    assert [path.name for path in lmu.iterdir()] == ["Own.tsv"]
    assert (found.path, found.md5, found.is_known) == (lmu / "Own.tsv", md5, True)


def test_another_version_is_used_as_it_is(lmu, server, table):
    """The host would download it anew, and fail without a network."""
    (lmu / "Own.tsv").write_text("by hand")
    for address in (f"{server}/own.tsv", "http://127.0.0.1:9/own.tsv"):
        found = find_file("Own", dataset_class(address, hashlib.md5(table).hexdigest()))
        assert (found.md5, found.is_known) == (hashlib.md5(b"by hand").hexdigest(), False)
    assert (lmu / "Own.tsv").read_text() == "by hand"


def test_a_version_that_the_host_knows_not(lmu, server, table):
    (lmu / "Own.tsv").write_bytes(table)
    before = (lmu / "Own.tsv").stat()
    assert find_file("Own", dataset_class(f"{server}/gone.tsv", hashlib.md5(table).hexdigest())).is_known
    assert find_file("Own", dataset_class(f"{server}/gone.tsv")).is_known
    after = (lmu / "Own.tsv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "it is not even touched"
    assert [path.name for path in lmu.iterdir()] == ["Own.tsv"]


@pytest.mark.parametrize(("page", "reason"), [("gone", "404"), ("broken", "after"), ("hang", "timed out")])
def test_a_failed_download_leaves_nothing(lmu, server, page, reason, monkeypatch):
    monkeypatch.setattr(files, "TIMEOUT_S", 0.5)
    with pytest.raises(BenchmarkError, match=reason):
        find_file("Own", dataset_class(f"{server}/{page}.tsv"))
    assert list(lmu.iterdir()) == []


def test_a_file_that_is_missing_everywhere(lmu):
    """The message says which file, where it was looked for, where it comes from, and how to put it there."""
    with pytest.raises(BenchmarkError) as caught:
        find_file("Own", dataset_class("http://127.0.0.1:9/shared.tsv", "0" * 32))
    said = str(caught.value)
    assert "Own.tsv is missing" in said
    assert f"{lmu}/Own.tsv and {lmu}/shared.tsv" in said
    assert "http://127.0.0.1:9/shared.tsv" in said
    assert "by hand" in said and "0" * 32 in said and "--data-dir" in said


def test_a_shared_file_is_read_where_the_host_would_move_it(lmu, table):
    (lmu / "shared.tsv").write_bytes(table)
    found = find_file("Own", dataset_class("http://127.0.0.1:9/shared.tsv", hashlib.md5(table).hexdigest()))
    assert found.path == lmu / "shared.tsv"
    assert [path.name for path in lmu.iterdir()] == ["shared.tsv"]


def test_mirror_of_the_hub(lmu, server, table, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server)
    find_file("Own", dataset_class("https://huggingface.co/datasets/own.tsv"))
    assert (lmu / "Own.tsv").read_bytes() == table


def test_without_an_address(lmu):
    with pytest.raises(BenchmarkError, match="knows no address"):
        find_file("Own", dataset_class(""))
    with pytest.raises(BenchmarkError, match="knows no address"):
        find_file("Own", dataset_class("file:///etc/hostname"))


def test_a_folder_by_name(lmu, tmp_path):
    other = tmp_path / "benchmarks"
    with pytest.raises(BenchmarkError, match="is no folder"):
        use_data_dir(other)
    other.mkdir()
    write_tsv(other / "MMStar.tsv", mcq_rows())
    use_data_dir(other)
    assert data_root() == other
    assert len(load_benchmark("MMStar").problems) == 4
    assert list(lmu.iterdir()) == []


def test_the_data_folder_is_never_modified(lmu, tmp_path, caplog):
    """Another version, files that benchmarks share under the host's old names, an own table, a bundled benchmark."""
    from tests.host.seven_tables import rows_of

    write_tsv(lmu / "MMStar.tsv", mcq_rows())
    write_tsv(lmu / "WeMath.tsv", [{**row, "requirement": "Think."} for row in rows_of("WeMath")])
    write_tsv(lmu / "MathVerse_MINIVOnly.tsv", rows_of("MathVerse_MINI_Vision_Only"))
    write_tsv(lmu / "Own.tsv", [{"index": 1, "image": picture(), "question": "?"}])
    before = snapshot(lmu)
    names = ("MMStar", "WeMath_COT", "WeMath", "MathVerse_MINI_Vision_Only", "Own", "DemoWorld")
    for name in names:
        benchmark = load_benchmark(name, limit=2)
        assert all(str(tmp_path / "cache") in image for problem in benchmark.problems for image in problem.images)
    assert snapshot(lmu) == before
    assert caplog.text.count("used as it is") == 4
    from vlmeval.dataset import ImageMCQDataset

    assert "MMStar" in ImageMCQDataset.DATASET_MD5, "the host's table is as it was"
