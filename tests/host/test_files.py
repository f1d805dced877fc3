from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.host.material import mcq_rows, write_tsv
from visualprm_eval.errors import BenchmarkError
from visualprm_eval.host import files
from visualprm_eval.host.files import ensure_file


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


def test_fetches_a_missing_file(lmu, server, table):
    md5 = hashlib.md5(table).hexdigest()
    ensure_file("Own", dataset_class(f"{server}/own.tsv", md5))
    assert (lmu / "Own.tsv").read_bytes() == table
    assert [path.name for path in lmu.iterdir()] == ["Own.tsv"]


def test_fetches_another_version(lmu, server, table):
    (lmu / "Own.tsv").write_text("old")
    ensure_file("Own", dataset_class(f"{server}/own.tsv", hashlib.md5(table).hexdigest()))
    assert (lmu / "Own.tsv").read_bytes() == table


def test_keeps_a_file_of_the_right_version(lmu, server, table):
    (lmu / "Own.tsv").write_bytes(table)
    before = (lmu / "Own.tsv").stat()
    ensure_file("Own", dataset_class(f"{server}/gone.tsv", hashlib.md5(table).hexdigest()))
    ensure_file("Own", dataset_class(f"{server}/gone.tsv"))
    after = (lmu / "Own.tsv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "it is not even touched"
    assert [path.name for path in lmu.iterdir()] == ["Own.tsv"]


@pytest.mark.parametrize(("page", "reason"), [("gone", "404"), ("broken", "after"), ("hang", "timed out")])
def test_a_failed_download_leaves_nothing(lmu, server, page, reason, monkeypatch):
    monkeypatch.setattr(files, "TIMEOUT_S", 0.5)
    with pytest.raises(BenchmarkError, match=reason):
        ensure_file("Own", dataset_class(f"{server}/{page}.tsv"))
    assert list(lmu.iterdir()) == []


def test_a_failed_download_keeps_what_was_there(lmu, server):
    (lmu / "Own.tsv").write_text("by hand")
    with pytest.raises(BenchmarkError, match="has another MD5 than"):
        ensure_file("Own", dataset_class(f"{server}/own.tsv", "0" * 32))
    assert (lmu / "Own.tsv").read_text() == "by hand"


def test_a_shared_file_is_copied_where_the_host_would_move_it(lmu, table):
    (lmu / "shared.tsv").write_bytes(table)
    ensure_file("Own", dataset_class("http://127.0.0.1:9/shared.tsv", hashlib.md5(table).hexdigest()))
    assert (lmu / "shared.tsv").read_bytes() == (lmu / "Own.tsv").read_bytes() == table


def test_mirror_of_the_hub(lmu, server, table, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server)
    ensure_file("Own", dataset_class("https://huggingface.co/datasets/own.tsv"))
    assert (lmu / "Own.tsv").read_bytes() == table


def test_without_an_address(lmu):
    with pytest.raises(BenchmarkError, match="knows no address"):
        ensure_file("Own", dataset_class(""))
    with pytest.raises(BenchmarkError, match="knows no address"):
        ensure_file("Own", dataset_class("file:///etc/hostname"))
