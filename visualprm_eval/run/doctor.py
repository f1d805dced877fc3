"""``visualprm_eval doctor``: what is here to work with, without doing any work."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from visualprm_eval.core.errors import ConfigError, GradingError, HostError, VisualPRMEvalError
from visualprm_eval.core.loading import loading
from visualprm_eval.core.packages import PACKAGES, installed

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.core.config import JudgeOptions


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        what: What it is.
        found: What was found.
        is_usable: Whether a run could use it; a benchmark's file that is missing may be fetched.
    """

    what: str
    found: str
    is_usable: bool = True


def findings(names: Sequence[str], data_dir: Path | None, judge: JudgeOptions) -> Iterator[Finding]:
    """Looks at the host, versions, GPUs, benchmark files and the judge; nothing is downloaded or written.

    Args:
        names: Benchmarks by their host names.
        data_dir: The folder that holds them; ``None`` for the host's.
        judge: The judge to ask for a short reply; none is asked when it has no name.
    """
    from visualprm_eval.host.toolkit import versions_elsewhere

    yield Finding("python", platform.python_version())
    for package in PACKAGES:
        yield Finding(package, installed(package))
    yield Finding("GPU", _gpus())
    try:
        yield Finding("host", _host())
        if packages := versions_elsewhere():
            yield Finding("packages of the host", packages)
        has_host = True
    except HostError as error:
        yield Finding("host", str(error), is_usable=False)
        has_host = False
    yield from _files(names, data_dir, has_host=has_host)
    if has_host or judge.name is None:
        yield _judge(judge)
    else:
        yield Finding("judge", f"{judge.name} is not asked: the host does that, and there is none", is_usable=False)


def _gpus() -> str:
    try:
        with loading("torch", "torch"):
            import torch
    except ImportError:
        return "unknown: torch is not installed"
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return ", ".join(names) or "none that torch can use"


def _host() -> str:
    from visualprm_eval.host.toolkit import host

    return host().shown


def _files(names: Sequence[str], data_dir: Path | None, *, has_host: bool) -> Iterator[Finding]:
    from visualprm_eval.core.folders import data_root, use_data_dir

    try:
        use_data_dir(data_dir)
        folder = data_root()
    except VisualPRMEvalError as error:
        yield Finding("data folder", str(error), is_usable=False)
        return
    yield Finding("data folder", f"{folder}" if folder.is_dir() else f"{folder}, which is not there")
    for name in names:
        if has_host:
            yield _file(name, folder)
        else:
            path = folder / f"{name}.tsv"
            there = "is there; its version" if path.is_file() else "is not there; where it comes from"
            yield Finding(name, f"{path} {there} only the host could tell")


def _file(name: str, folder: Path) -> Finding:
    """A benchmark's file, as the host's tables know it."""
    from visualprm_eval.host.data.files import file_here, places
    from visualprm_eval.host.toolkit import host_names

    entry = host_names().datasets.get(name)
    if entry is None:
        path = folder / f"{name}.tsv"
        if path.is_file():
            return Finding(name, f"{path}, an own table")
        return Finding(name, f"unknown to the host, and {path} is not there", is_usable=False)
    if entry.refusal:
        return Finding(name, f"cannot be used: it {entry.refusal}", is_usable=False)
    file = file_here(name, entry)
    if file is None:
        looked = " or ".join(map(str, places(name, entry)))
        return Finding(name, f"missing: no {looked}; it comes from {entry.url or 'nowhere'}")
    if not file.is_known:
        return Finding(name, f"{file.path}, another version: MD5 {file.md5}, the host knows {file.expected}")
    known = "the host's version" if file.expected else "of a version unknown to the host"
    return Finding(name, f"{file.path}, {known}")


def _judge(judge: JudgeOptions) -> Finding:
    if judge.name is None:
        return Finding("judge", "not asked: name it with --judge (and --judge-base-url, --judge-key)")
    from visualprm_eval.host.toolkit import probe_judge

    if not judge.used:
        return Finding("judge", "none: exact matching")
    try:
        probe_judge(judge)
    except (GradingError, ConfigError) as error:
        return Finding("judge", str(error), is_usable=False)
    return Finding("judge", f"{judge.name} answers")
