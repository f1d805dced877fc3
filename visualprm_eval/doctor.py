"""``visualprm_eval doctor``: what is here to work with, without doing any work."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.errors import GradingError, HostError, VisualPRMEvalError
from visualprm_eval.versions import PACKAGES, installed

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.config import JudgeOptions

__all__ = ["findings"]

Finding = tuple[str, str]
"""What was looked at, and what was found."""


def findings(names: Sequence[str], data_dir: Path | None, judge: JudgeOptions) -> Iterator[Finding]:
    """Looks at the host, versions, GPUs, benchmark files and the judge; nothing is downloaded or written.

    Args:
        names: Benchmarks by their host names.
        data_dir: The folder that holds them; ``None`` for the host's.
        judge: The judge to ask for a short reply; none is asked when it has no name.
    """
    yield "python", platform.python_version()
    for package in PACKAGES:
        yield package, installed(package)
    yield "GPU", _gpus()
    try:
        yield "host", _host()
    except HostError as error:
        yield "host", str(error)
        return
    yield from _files(names, data_dir)
    yield "judge", _judge(judge)


def _gpus() -> str:
    try:
        import torch
    except ImportError:
        return "unknown: torch is not installed"
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return ", ".join(names) or "none that torch can use"


def _host() -> str:
    from visualprm_eval.host.bridge import load_host

    host = load_host()
    return f"vlmeval {host.version} ({host.kind}) in {host.folder}"


def _files(names: Sequence[str], data_dir: Path | None) -> Iterator[Finding]:
    from visualprm_eval.host.benchmarks import find_class
    from visualprm_eval.host.files import data_root, file_here, places, use_data_dir

    try:
        use_data_dir(data_dir)
        yield "data folder", str(data_root())
    except VisualPRMEvalError as error:
        yield "data folder", str(error)
        return
    for name in names:
        dataset_class = find_class(name)
        if dataset_class is None:
            path = data_root() / f"{name}.tsv"
            yield name, f"{path}, an own table" if path.is_file() else f"unknown to the host, and {path} is not there"
            continue
        file = file_here(name, dataset_class)
        if file is None:
            looked = " or ".join(map(str, places(name, dataset_class)))
            yield name, f"missing: no {looked}; it comes from {dataset_class.DATASET_URL.get(name) or 'nowhere'}"
        elif file.is_known:
            yield (
                name,
                f"{file.path}, " + ("the host's version" if file.expected else "of a version unknown to the host"),
            )
        else:
            yield name, f"{file.path}, another version: MD5 {file.md5}, the host knows {file.expected}"


def _judge(options: JudgeOptions) -> str:
    if options.name is None:
        return "not asked: name it with --judge (and --judge-base-url, --judge-key)"
    from visualprm_eval.host.bridge import at_work
    from visualprm_eval.host.judge import Judge, probe_judge

    judge = Judge(name=options.name, base_url=options.base_url, key=options.key, timeout_s=options.timeout_s)
    if not judge.used:
        return "none: exact matching"
    try:
        with at_work(environment=judge.environment(), secrets=judge.secrets()):
            probe_judge(judge)
    except GradingError as error:
        return str(error)
    return f"{options.name} answers"
