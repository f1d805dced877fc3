"""Who imports whom: layers, no circles, and what some layers never reach. Lazy and type-only imports count."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BELOW = {
    "core": "",
    "tasks": "core",
    "engine": "core",
    "evaluate": "tasks core",
    "store": "evaluate tasks core",
    "report": "evaluate tasks core",
    "host": "store evaluate tasks engine core",
    "stages": "host store evaluate tasks engine core",
    "run": "report stages host store evaluate tasks engine core",
    "cli": "run report stages host store evaluate tasks core",
    "__main__": "cli",
}
"""Layers, and which others each may import; ``bench`` and ``demo`` stand above all."""
ABOVE = {"", "bench", "demo"}
"""The package itself, whose names come from everywhere, and what stands above the layers."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in (parts[1:] if parts[0] == "visualprm_eval" else parts) if part != "__init__")


FILES = [path for folder in ("visualprm_eval", "tasks") for path in (ROOT / folder).rglob("*.py")]
MODULES = {name_of(path): path for path in FILES if path.parts[len(ROOT.parts) :][:2] != ("visualprm_eval", "tasks")}


def imported(path: Path) -> set[str]:
    """Our modules that a file imports, without the package's name, and the first names of all others."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [(alias.name, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [(f"{node.module}.{alias.name}", str(node.module)) for alias in node.names]
        else:
            continue
        for full, module in names:
            first, _, rest = full.partition(".")
            ours = rest if rest in MODULES else module.partition(".")[2]
            found |= with_packages(ours, name_of(path)) if first == "visualprm_eval" else {f"{first}!"}
    return found


def with_packages(module: str, importer: str) -> set[str]:
    """A module and the packages that it is in, which run first; the importer's own have run before."""
    packages = {module[:place] for place, sign in enumerate(module) if sign == "."}
    return {module} | {each for each in packages if not f"{importer}.".startswith(f"{each}.")}


IMPORTS = {name: imported(path) for name, path in MODULES.items()}


def layer(module: str) -> str:
    """The layer of a module; a door to the command line stands with the package's own, wherever it is."""
    return "__main__" if module == "host.__main__" else module.partition(".")[0]


def reached(start: str) -> set[str]:
    """All that a module imports, through others too."""
    found, waiting = set[str](), [start]
    while waiting:
        new = IMPORTS.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def test_every_import_leads_to_a_layer_below() -> None:
    assert {layer(name) for name in MODULES} == ABOVE | set(BELOW)
    upwards = {
        f"{name} -> {other or 'visualprm_eval'}"
        for name, others in IMPORTS.items()
        for other in others
        if layer(name) not in ABOVE and not other.endswith("!")
        and layer(other) not in {layer(name), *BELOW[layer(name)].split()}
    }  # fmt: skip
    assert not upwards


def test_no_module_imports_itself_through_others() -> None:
    assert not {name for name in MODULES if name in reached(name)}


@pytest.mark.parametrize("name", ["core", "tasks", "evaluate", "store", "report"])
def test_arithmetic_and_facts_reach_no_torch(name: str) -> None:
    heavy = {"torch!", "torchvision!", "transformers!", "vlmeval!"}
    assert not {module for module in MODULES if layer(module) == name and heavy & reached(module)}


def test_only_the_host_layer_imports_the_host() -> None:
    assert {layer(name) for name, others in IMPORTS.items() if "vlmeval!" in others} == {"host"}


def test_the_root_has_the_doors_only() -> None:
    assert {path.name for path in (ROOT / "visualprm_eval").glob("*.py")} == {"__init__.py", "__main__.py", "cli.py"}
