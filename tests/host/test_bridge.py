from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import warnings

import pytest

from visualprm_eval.host.load.bridge import at_work, load_host, register, set_verbose
from visualprm_eval.host.load.runner import load_runner

IMPORT_SCRIPT = """
import contextlib, json, logging, os, random, ssl, sys, warnings
import numpy, torch
import visualprm_eval.host.load.bridge as bridge

def state():
    return {
        "gradients": torch.is_grad_enabled(),
        "torch": torch.get_rng_state().tolist(),
        "numpy": numpy.random.get_state()[1].tolist(),
        "python": random.getstate(),
        "handlers": len(logging.root.handlers),
        "level": logging.root.level,
        "environment": dict(os.environ),
        "https": ssl._create_default_https_context.__name__,
        "path": list(sys.path),
        "filters": len(warnings.filters),
        "grey": logging.getLogger("vlmeval").propagate,
    }

def same(one, other):
    return {key: one[key] == other[key] for key in one}

@contextlib.contextmanager
def looking():
    with original():
        yield
        imported.update(plain(state()))  # Before anything is put back.

plain, imported = lambda value: json.loads(json.dumps(value)), {}
original, bridge._process_unchanged = bridge._process_unchanged, looking
torch.manual_seed(77)
before = plain(state())
bridge.load_host()
print("RESULT" + json.dumps([same(before, imported), same(before, plain(state()))]))
"""


@pytest.fixture(scope="module")
def imported():
    """A process of its own that imports the host."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", IMPORT_SCRIPT], capture_output=True, text=True, check=True, env=environment
    )


def test_import_leaves_the_process_as_it_was(imported):
    _, same = json.loads(imported.stdout.removeprefix("RESULT"))
    assert same == dict.fromkeys(same, True)
    assert re.fullmatch(r"loading VLMEvalKit \.\.\.\n(VLMEvalKit loaded after \d+ s\n)?", imported.stderr)


def test_without_the_bridge_the_host_changes_the_process(imported):
    same, _ = json.loads(imported.stdout.removeprefix("RESULT"))
    changed = {key for key, unchanged in same.items() if not unchanged}
    assert changed >= {"gradients", "torch", "environment", "https", "path"}


def test_host_is_loaded_once(host):
    assert load_host() is host
    assert host.version.startswith("0.0." if host.kind == "package" else "0.2rc1+")


def test_tables_show_our_classes_everywhere():
    import vlmeval.config
    import vlmeval.dataset as tables
    import vlmeval.inference
    import vlmeval.tools

    assert tables.DATASET_TYPE("DemoWorld") == "VQA"
    assert tables.DATASET_MODALITY("DemoWorld") == "IMAGE"
    assert vlmeval.tools.DLIST("all").count("DemoWorld") == 1
    assert vlmeval.tools.MLIST("all").count("demo-policy") == 1
    assert vlmeval.config.supported_VLM is load_runner().supported_VLM is vlmeval.inference.supported_VLM
    assert tables.DemoWorld in tables.IMAGE_DATASET


def test_registering_again_changes_nothing():
    import vlmeval.config
    import vlmeval.dataset as tables

    def sizes():
        return [len(tables.DATASET_CLASSES), len(tables.IMAGE_DATASET), len(tables.SUPPORTED_DATASETS),
                len(vlmeval.config.supported_VLM)]  # fmt: skip

    before = sizes()
    register()
    assert sizes() == before


def test_at_work_captures_output_and_blanks_out_secrets(tmp_path, capsys):
    log = tmp_path / "host.log"
    with at_work(log, secrets=["sk-123"]):
        print("printed sk-123")
        print("on stderr", file=sys.stderr)
        logging.getLogger("vlmeval.anything").info("logged sk-123")
        logging.warning("on the root logger")  # noqa: LOG015 - as the host does
        warnings.warn("warned", stacklevel=1)
    text = log.read_text()
    for part in ("printed [secret]", "on stderr", "logged [secret]", "on the root logger", "warned"):
        assert part in text
    assert "sk-123" not in text
    assert capsys.readouterr() == ("", "")


def test_verbose_shows_the_hosts_messages_without_secrets(tmp_path, capsys):
    log = tmp_path / "host.log"
    set_verbose(True)
    try:
        with at_work(log, secrets=["sk-123"]):
            print("printed sk-123")
            logging.getLogger("vlmeval.anything").info("logged")
        with at_work():
            print("without a log")
            stream = sys.stdout
    finally:
        set_verbose(False)
    stream.write("too late")
    with at_work():
        print("silent again")
    assert capsys.readouterr() == ("", "printed [secret]\nlogged\nwithout a log\n")
    assert log.read_text() == "printed [secret]\nlogged\n"


def test_at_work_holds_the_hosts_settings_and_gives_ours_back(host, monkeypatch):
    import torch

    monkeypatch.setenv("KEPT", "ours")
    monkeypatch.setenv("GONE", "ours")
    handlers = list(logging.root.handlers)
    with pytest.raises(RuntimeError), at_work(environment={"KEPT": "theirs", "GONE": None}):
        assert not torch.is_grad_enabled()
        assert os.environ["KEPT"] == "theirs"
        assert "GONE" not in os.environ
        assert host.environment.items() <= os.environ.items()
        os.environ["NEW"] = "left behind"
        raise RuntimeError
    assert torch.is_grad_enabled()
    assert os.environ["KEPT"] == os.environ["GONE"] == "ours"
    assert "NEW" not in os.environ
    assert logging.root.handlers == handlers


def test_output_after_the_end_is_dropped(tmp_path):
    with at_work(tmp_path / "host.log"):
        stream = sys.stdout
    stream.write("too late")
    assert "too late" not in (tmp_path / "host.log").read_text()


def test_files_that_the_host_leaves_open_are_no_message(tmp_path):
    with at_work(tmp_path / "log"):
        warnings.warn("unclosed file", ResourceWarning, stacklevel=1)
        warnings.warn("a failure that is a warning only", UserWarning, stacklevel=1)
    said = (tmp_path / "log").read_text()
    assert "a failure that is a warning only" in said and "unclosed" not in said
