"""The host's runner: ``vlmeval/run.py`` of a released package, ``run.py`` beside the package in a checkout.

Its top level asks for GPUs and changes the environment. So only a process that becomes the host's own imports it; what
else is of use here, the rule of default judges, is read from its text.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import HostError
from visualprm_eval.host.load.host_names import HOST, host_folder

RUNNER = f"{HOST}.run"
_RULE = "get_judge_kwargs"
_NO_OPTIONS = SimpleNamespace(
    judge=None, judge_api_nproc=None, api_nproc=1, judge_retry=None, retry=1, verbose=False, judge_timeout=60,
    judge_args=None, judge_base_url=None, judge_key=None, use_verifier=False, use_vllm=False,
)  # fmt: skip
"""What the rule reads of the runner's options."""


def default_judge(name: str, dataset_type: str) -> str | None:
    """The judge that the host takes for a dataset unless told otherwise; ``None`` when it takes none.

    The host is imported by now.

    Args:
        name: The host's name of the dataset.
        dataset_type: The host's ``TYPE`` of it.

    Raises:
        HostError: This host has no such rule, or one that cannot be understood.
    """
    file = runner_file()
    try:
        judge = _rule(file)(name, dataset_type, _NO_OPTIONS).get("model")
    except Exception as error:
        raise HostError(
            f"{file} does not tell the default judge of {name}: its function {_RULE} fails ({error_text(error)}); "
            "take VLMEvalKit of April to August 2026, or `pip install ms-vlmeval`"
        ) from error
    return None if judge is None else str(judge)


def runner_file() -> Path:
    """Where the runner is.

    Raises:
        HostError: This host has none.
    """
    folder = host_folder()
    for place in (folder, folder.parent) if folder is not None else ():
        if (place / "run.py").is_file():
            return place / "run.py"
    raise HostError(
        f"the host in {folder} has no run.py, neither in it nor beside it, as when pip installed it from the "
        "repository; take a clone with its folder on PYTHONPATH, or `pip install ms-vlmeval`"
    )


def load_runner() -> ModuleType:
    """The runner as the module ``vlmeval.run``, which it is in a released package; only for the host's own process.

    Raises:
        HostError: This host has none.
    """
    file = runner_file()
    if file.parent.name != HOST:
        spec = spec_from_file_location(RUNNER, file)
        if spec is None or spec.loader is None:
            raise HostError(f"{file} cannot be imported")
        sys.modules[RUNNER] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return import_module(RUNNER)


@cache
def _rule(file: Path) -> Callable[[str, str, Any], dict[str, Any]]:
    """The runner's function of default judges; nothing else of the file is run.

    Raises:
        LookupError: The file has none.
    """
    from vlmeval.smp import listinstr

    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    found: list[ast.stmt] = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == _RULE]
    if not found:
        raise LookupError("there is none")
    names: dict[str, Any] = {"json": json, "listinstr": listinstr}
    exec(compile(ast.Module(found, []), file, "exec"), names)  # noqa: S102 - of the host, whose code runs here anyway
    rule: Callable[[str, str, Any], dict[str, Any]] = names[_RULE]
    return rule
