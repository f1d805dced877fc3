"""Imports the host toolkit without its side effects, and registers our datasets and policies into it.

Importing ``vlmeval`` switches gradients off, seeds torch, installs a handler on the root logger, changes environment
variables, the module path and warning filters, and turns certificate checks off for the whole process. All of that is
undone; :func:`at_work` brings back the part that the host's own code needs, for as long as it runs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import logging
import os
import ssl
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from visualprm_eval.core.config import DEMO_POLICY
from visualprm_eval.core.interrupts import check_interrupted
from visualprm_eval.core.loading import loading
from visualprm_eval.core.proxies import direct_loopback
from visualprm_eval.core.secrets import blanked
from visualprm_eval.host.data.files import no_folder_made
from visualprm_eval.host.load.host_names import HOST, host_folder, keep_names
from visualprm_eval.host.load.identity import identity_of
from visualprm_eval.host.load.lacks import host_error
from visualprm_eval.host.patching import random_states_kept, replaced, restored


@dataclass(frozen=True, slots=True)
class Host:
    """The host toolkit, imported once.

    Attributes:
        version: Its version, see :class:`~visualprm_eval.host.load.identity.Identity`.
        environment: The environment variables that its import set or changed; some of its classes read them later.
        kind: ``"package"``, or ``"checkout"`` of VLMEvalKit's repository, which differs from the packaged host.
        folder: Where it lies.
        shown: All that in words, and the commit of a checkout.
    """

    version: str
    environment: Mapping[str, str]
    kind: str = "package"
    folder: str = ""
    shown: str = ""


_lock = threading.Lock()
_shown = threading.Event()
"""Set while the host's own messages are shown."""


def load_host() -> Host:
    """Imports the host toolkit once per process (some 12 s), quietly and offline, and registers our classes into it.

    Raises:
        HostError: When the toolkit is missing or cannot be imported here.
    """
    with _lock:
        return _loaded_host()


@functools.cache
def _loaded_host() -> Host:
    before = dict(os.environ)
    try:
        if HOST not in sys.modules and host_folder() is None:
            importlib.import_module(HOST)  # It says so itself; nothing heavy is imported for that.
        with loading("torch", "torch"):
            import torch  # noqa: F401 - the host needs it, and so does what undoes the host's changes
        with loading(HOST, "VLMEvalKit"), _process_unchanged(), no_folder_made():
            importlib.import_module(HOST)  # With all its models and datasets.
            check_interrupted()
            environment = {key: value for key, value in os.environ.items() if before.get(key) != value}
    except Exception as error:  # Anything can go wrong in some hundred third-party modules.
        raise host_error(error) from error
    import vlmeval

    register()
    keep_names()
    identity = identity_of(Path(vlmeval.__file__).parent)
    return Host(identity.version, environment, identity.kind, str(identity.folder), str(identity))


def register() -> None:
    """Puts our datasets and policies into the host's tables, in place; doing it again changes nothing.

    The tables are bound by name all over the host, so they are changed and never replaced.
    """
    import vlmeval.config
    import vlmeval.dataset as tables
    import vlmeval.vlm

    from visualprm_eval.host.data.demo_dataset import DemoWorld
    from visualprm_eval.host.data.process_bench_dataset import VisualProcessBench
    from visualprm_eval.host.models.native_model import NativePolicyModel, demo_policy

    for dataset in (DemoWorld, VisualProcessBench):
        if dataset not in tables.DATASET_CLASSES:
            tables.DATASET_CLASSES.insert(0, dataset)
            tables.IMAGE_DATASET.append(dataset)
            tables.SUPPORTED_DATASETS.extend(dataset.supported_datasets())
        # The host's --config files name classes, which it looks up as attributes of these packages.
        setattr(tables, dataset.__name__, dataset)
    vlmeval.vlm.NativePolicyModel = NativePolicyModel
    vlmeval.config.supported_VLM.setdefault(DEMO_POLICY, demo_policy)


def set_verbose(on: bool) -> None:
    """Shows, or stops showing, the host's own messages: what :func:`at_work` collects also goes to standard error."""
    if on:
        _shown.set()
    else:
        _shown.clear()


@contextlib.contextmanager
def at_work(
    log: Path | None = None, *, environment: Mapping[str, str | None] | None = None, secrets: Sequence[str] = ()
) -> Iterator[None]:
    """While the host's code runs: its settings hold, and what it prints and logs goes to a file, not the terminal.

    After ``set_verbose(True)`` it goes to the terminal too.

    Not for several threads at once: output, root logger and environment belong to the process.

    Args:
        log: Where output and log records are appended; ``None`` keeps none.
        environment: Further variables to set, or to remove where the value is ``None``.
        secrets: Texts that neither log nor terminal must show, such as keys, which the host logs.
    """
    import torch

    changes: dict[str, str | None] = {**load_host().environment, **direct_loopback(), **(environment or {})}
    with contextlib.ExitStack() as stack:
        stack.enter_context(restored(os.environ))
        for key, value in changes.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        stack.enter_context(torch.no_grad())
        sink = stack.enter_context(_LogStream(log, secrets, sys.stderr if _shown.is_set() else None))
        stack.enter_context(contextlib.redirect_stdout(sink))
        stack.enter_context(contextlib.redirect_stderr(sink))
        stack.enter_context(_root_handlers([logging.StreamHandler(sink)], logging.INFO))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")  # Some of the host's failures are warnings only.
        warnings.simplefilter("ignore", ResourceWarning)  # It leaves files open that the collector closes at once.
        # Not left to the standard error stream: somebody may have led warnings away from it.
        stack.enter_context(replaced(warnings, "showwarning", sink.show_warning))
        yield
    check_interrupted()  # The host has many a bare except.


@contextlib.contextmanager
def _process_unchanged() -> Iterator[None]:
    """Undoes what an import does to the process; keys from the host's own ``.env`` file stay, as users expect."""
    import torch

    context = ssl._create_default_https_context  # noqa: SLF001 - the host replaces exactly this name
    with (
        warnings.catch_warnings(),
        _root_handlers([logging.NullHandler()], logging.CRITICAL),
        torch.set_grad_enabled(torch.is_grad_enabled()),
        replaced(ssl, "_create_default_https_context", context),
        replaced(sys, "path", list(sys.path)),
        random_states_kept(),
    ):
        warnings.simplefilter("ignore")
        with restored(os.environ):
            yield
        import vlmeval

        if (Path(vlmeval.__file__).parent.parent / ".env").is_file():  # Without it the host only complains.
            vlmeval.load_env()


@contextlib.contextmanager
def _root_handlers(handlers: list[logging.Handler], level: int) -> Iterator[None]:
    """Gives the root logger other handlers for a while.

    With at least one handler there, ``logging.basicConfig`` and ``logging.warning``, which the host calls, add none.
    """
    root = logging.getLogger()
    saved = list(root.handlers), root.level
    root.handlers[:] = handlers
    root.setLevel(level)
    try:
        yield
    finally:
        root.handlers[:] = saved[0]
        root.setLevel(saved[1])


class _LogStream(io.TextIOBase):
    """A text stream into a file, another stream, both or nowhere, that blanks out secrets."""

    def __init__(self, path: Path | None, secrets: Sequence[str], echo: TextIO | None) -> None:
        self._echo = echo
        self._file = None if path is None else path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._secrets = secrets

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        written = blanked(text, self._secrets)
        for stream in filter(None, (self._file, self._echo)):
            stream.write(written)
        return len(text)

    def show_warning(self, message: Warning | str, category: type[Warning], *place: Any) -> None:
        """Stands for ``warnings.showwarning``."""
        self.write(warnings.formatwarning(message, category, *place[:2]))

    def close(self) -> None:
        # No closed-file error for a progress bar that outlives its loop: what it still says is dropped.
        file, self._file, self._echo = self._file, None, None
        if file is not None:
            file.close()
