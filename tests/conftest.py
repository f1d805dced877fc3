"""Shared by all tests: no network, no screen, and no time limits in property tests."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from visualprm_eval.core.folders import use_data_dir

# Another host than the packaged one, for this process and those that it starts.
if _CHECKOUT := os.environ.get("VLMEVALKIT"):
    if not Path(_CHECKOUT, "vlmeval", "__init__.py").is_file():
        raise pytest.UsageError(f"VLMEVALKIT={_CHECKOUT}: expected a checkout of VLMEvalKit, with the folder vlmeval")
    sys.path.insert(0, str(Path(_CHECKOUT).resolve()))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [sys.path[0], os.environ.get("PYTHONPATH")]))

# Hub clients must not wait for a network that is not there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The host's data folder: one per process, since tests may run in several at once, and never the user's own.
_LMU_DATA = tempfile.TemporaryDirectory(prefix="lmu-")
os.environ["LMUData"] = _LMU_DATA.name  # noqa: SIM112 - the host spells it so

# Links and pictures go to the cache folder; never the user's own, and nothing of an earlier run.
_CACHE = tempfile.TemporaryDirectory(prefix="cache-")
_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("MPLCONFIGDIR", str(_CACHES / "matplotlib"))  # Its list of fonts takes long to make.
os.environ["XDG_CACHE_HOME"] = _CACHE.name

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_runtest_setup() -> None:
    """What runs in this process left behind: one of the host's modules lifts the limit, ``--data-dir`` stays."""
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    use_data_dir(None)


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Handlers as a terminal's: tests may be run by something that ignores signals, as ``nohup`` does."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What stages and run ask of the host is done in this process, where a test may change it."""
    from tests.inline import InlineProcess
    from visualprm_eval.host import toolkit

    process = InlineProcess()
    monkeypatch.setattr(toolkit, "_started", [process])
    monkeypatch.setattr(toolkit, "new_process", lambda: process)
    toolkit.host.cache_clear()
    yield
    toolkit.host.cache_clear()
