"""Keeps what a policy wrote from being run by the host's graders, of which many do just that.

Some pass an answer to ``eval`` (LENS, bmmr, MME-Reasoning, MM-HELIX, NPMM, MEGA-Bench, MMLongBench, HiPhO), some to
sympy's parser, which evals too, and some run it as a program (ChartMimic, SciDocBench, SGI-Bench, Design2Code). While a
guard lasts,

- every module of the host has an ``eval`` that knows literals and bounded arithmetic (``safe_literals``)
  and an ``exec`` and a ``compile`` that refuse;
- sympy's parser knows formulas only (``safe_sympy``);
- no program is started and nothing is written where a grader has no business (``audit_hook``);
- an alarm of a time limit that nobody waits for any more does not end the process.

A text that ``eval`` does not understand is its author's fault, as for the host: the grader hears an error and goes on.
A program that a grader wants to start is not: its verdicts would mean nothing, and there are none.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from visualprm_eval.core.folders import data_root
from visualprm_eval.host.sandbox.audit_hook import Refusals, RefusedError, watched
from visualprm_eval.host.sandbox.safe_literals import plain_value
from visualprm_eval.host.sandbox.safe_sympy import tamed_formulas


@contextlib.contextmanager
def guarded(folder: Path, name: str) -> Iterator[Refusals]:
    """While it lasts, nothing that a model wrote is run by the host's graders, in all threads and forked children.

    Not for several threads at once: modules and hooks belong to the process.

    Args:
        folder: Where the grader may write, besides the folder for temporary files and caches. In the data folder it may
            make new files.
        name: The benchmark, for the error.

    Yields:
        What was refused so far.

    Raises:
        GradingError: At the end, when something was refused: graders swallow errors, and then their verdicts are wrong.
    """
    folders = [folder, Path(tempfile.gettempdir()), *_caches()]
    with watched(folders, [data_root()]) as refusals:
        try:
            with tamed_formulas(), _dressed_modules(refusals), _no_late_alarm():
                yield refusals
        except Exception:
            refusals.check(name)  # What was refused may be why the grader stumbled.
            raise
        refusals.check(name)


def _caches() -> list[Path]:
    """Where libraries that graders use keep models and tables that they fetch."""
    home = Path.home()
    named = [os.environ.get(name) for name in ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "MPLCONFIGDIR", "NLTK_DATA")]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return [cache, home / "nltk_data", *(Path(each) for each in named if each)]


@contextlib.contextmanager
def _no_late_alarm() -> Iterator[None]:
    """Switches off, at the end, an alarm that a grader set and forgot; signals are for the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGALRM)
    if before is signal.SIG_DFL:  # Which ends the process.
        signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if before is not None:  # Nobody's, or one that Python knows.
            signal.signal(signal.SIGALRM, before)


# The host's modules ---------------------------------------------------------------------------------------------------


class _Plain:
    """Stands for ``eval`` in one module."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace

    def __call__(self, source: Any, names: Mapping[str, Any] | None = None, own: Any = None, /) -> Any:
        return plain_value(source, {**(self._namespace if names is None else names), **(own or {})})


class _Refused:
    """Stands for ``exec`` and ``compile``."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    def __call__(self, source: Any = "", *arguments: Any, **options: Any) -> Any:
        del arguments, options
        self._refusals.note("run a text as a program", source)
        raise RefusedError("refused: run a text as a program")


def _is_graders(name: str) -> bool:
    """Whether a module may hold a grader or help one; the host's models write code of their own, and do not grade."""
    return name.startswith("vlmeval.") and not name.startswith("vlmeval.vlm.")


@contextlib.contextmanager
def _dressed_modules(refusals: Refusals) -> Iterator[None]:
    """Gives the host's modules, and those that are imported meanwhile, their own ``eval``, ``exec`` and ``compile``."""
    refused = _Refused(refusals)

    def dress(module: ModuleType) -> None:
        names = vars(module)
        for name, value in (("eval", _Plain(names)), ("exec", refused), ("compile", refused)):
            # One of its own may be anything; one of ours came with "from ... import *" from another module.
            if isinstance(names.get(name, value), _Plain | _Refused):
                names[name] = value

    finder = _Dresser(dress)
    for name, module in list(sys.modules.items()):
        if _is_graders(name) and isinstance(module, ModuleType):
            dress(module)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for module in [each for each in sys.modules.values() if isinstance(each, ModuleType)]:
            for name in ("eval", "exec", "compile"):
                if isinstance(vars(module).get(name), _Plain | _Refused):
                    delattr(module, name)


class _Dresser(importlib.abc.MetaPathFinder):
    """Dresses modules as they are imported."""

    def __init__(self, dress: Callable[[ModuleType], None]) -> None:
        self._dress = dress

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _is_graders(fullname):
            return None
        others = (each for each in sys.meta_path if each is not self and hasattr(each, "find_spec"))
        spec = next(filter(None, (each.find_spec(fullname, path, target) for each in others)), None)
        loader: Any = None if spec is None else spec.loader
        original: Any = getattr(loader, "exec_module", None)

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # The class's own is seen again.
            self._dress(module)
            original(module)
            self._dress(module)

        if original is not None:
            loader.exec_module = exec_module
        return spec
