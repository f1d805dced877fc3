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

import builtins
import contextlib
import functools
import importlib.abc
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from visualprm_eval.core.folders import data_root
from visualprm_eval.host.patching import held
from visualprm_eval.host.sandbox.audit_hook import Refusals, RefusedError, watched
from visualprm_eval.host.sandbox.safe_literals import plain_value
from visualprm_eval.host.sandbox.safe_sympy import tamed_formulas

_call = SimpleNamespace(refusals=None)
"""``refusals``: where the guard that lasts notes what it refuses; ``None`` without one."""


@functools.cache
def apply() -> None:
    """Gives the host's modules, as they are imported, what looks whether a guard lasts."""
    sys.meta_path.insert(0, _Dresser())


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
    apply()
    for each, module in list(sys.modules.items()):  # Those that were imported before, or in another way.
        if _is_graders(each) and isinstance(module, ModuleType):
            _dress(module)
    folders = [folder, Path(tempfile.gettempdir()), *_caches()]
    with watched(folders, [data_root()]) as refusals:
        try:
            with tamed_formulas(), held(_call, "refusals", refusals), _no_late_alarm():
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
    """Switches off, at the end, an alarm that a grader set and forgot."""
    if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:  # Which ends the process.
        with contextlib.suppress(ValueError):  # Handlers are for the main thread only.
            signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# The host's modules ---------------------------------------------------------------------------------------------------


class _Plain:
    """Stands for ``eval`` in one module; without a guard it is just that."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace

    def __call__(self, source: Any, names: Any = None, own: Any = None, /) -> Any:
        if _call.refusals is None:
            return builtins.eval(source, *_scope(sys._getframe(1), names, own))  # noqa: S307, SLF001 - as the host does
        return plain_value(source, {**(self._namespace if names is None else names), **(own or {})})


class _Refused:
    """Stands for ``exec`` or ``compile``; without a guard it is just that."""

    def __init__(self, original: Callable[..., Any]) -> None:
        self._original = original

    def __call__(self, source: Any = "", *arguments: Any, **options: Any) -> Any:
        refusals = _call.refusals
        if refusals is None:
            if self._original is builtins.exec:
                arguments = _scope(sys._getframe(1), *arguments)  # noqa: SLF001 - what exec does
            return self._original(source, *arguments, **options)
        refusals.note("run a text as a program", source)
        raise RefusedError("refused: run a text as a program")


def _scope(caller: FrameType, names: Any = None, own: Any = None) -> tuple[Any, Any]:
    """The names that ``eval`` and ``exec`` know: those that they are told, else those that their caller knows."""
    if names is None:
        return caller.f_globals, caller.f_locals if own is None else own
    return names, names if own is None else own


_REFUSED = {"exec": _Refused(builtins.exec), "compile": _Refused(builtins.compile)}


def _is_graders(name: str) -> bool:
    """Whether a module may hold a grader or help one; the host's models write code of their own, and do not grade."""
    return name.startswith("vlmeval.") and not name.startswith("vlmeval.vlm.")


def _dress(module: ModuleType) -> None:
    """Gives a module its own ``eval``, ``exec`` and ``compile``."""
    names = vars(module)
    for name, value in {"eval": _Plain(names), **_REFUSED}.items():
        # One of its own may be anything; one of ours came with "from ... import *" from another module.
        if isinstance(names.get(name, value), _Plain | _Refused):
            names[name] = value


class _Dresser(importlib.abc.MetaPathFinder):
    """Dresses modules as they are imported."""

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
            _dress(module)
            original(module)
            _dress(module)

        if original is not None:
            loader.exec_module = exec_module
        return spec
