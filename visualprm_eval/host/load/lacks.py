"""What a host that cannot be imported lacks, and how to get it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec

from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import HostError
from visualprm_eval.core.packages import installed
from visualprm_eval.host.load.host_names import HOST, host_folder
from visualprm_eval.host.load.identity import PACKAGE, RELEASED, Identity, identity_of

_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4", "cdfvd": "cd-fvd", "clip": "openai-clip", "cv2": "opencv-python",
    "dotenv": "python-dotenv", "fitz": "pymupdf", "google": "google-genai", "PIL": "pillow",
    "pkg_resources": "setuptools", "Polygon": "polygon3", "skimage": "scikit-image", "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}  # fmt: skip
"""What modules that the host imports are called on the package index, where that is another name."""


def host_error(error: BaseException) -> HostError:
    """What to raise when the host cannot be imported: names it, what it lacks, and the command that mends it.

    Args:
        error: What the import raised.
    """
    folder = host_folder()
    if folder is None:
        return HostError(
            f"VLMEvalKit is not installed here; {_pip(RELEASED)}, in the version that pyproject.toml names"
        )
    return HostError(_how_to_mend(error, identity_of(folder)))


def _how_to_mend(error: BaseException, host: Identity) -> str:
    cause = next(_imports(error), None)
    if cause is None:
        return f"{host} cannot be imported: {error_text(error)}; {_whole(host)}"
    module = str(cause.name)
    top = module.partition(".")[0]
    if top == HOST:
        return f"{host} is incomplete: {error_text(cause)}; {_whole(host)}"
    if isinstance(cause, ModuleNotFoundError) and (module == top or not _is_here(top)):
        name = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
        return f"{host} needs the module {module}, which is not installed here; {_pip(name)}"
    (name, *_) = packages_distributions().get(top, [top])
    return (
        f"{host} needs another version of {name} than {installed(name)}, which is here: {error_text(cause)}; "
        f"{_pip(name)}, in the version that it was made for"
    )


def _imports(error: BaseException | None) -> Iterator[ImportError]:
    """The innermost first: what led to the others."""
    if error is not None:
        yield from _imports(error.__cause__ or error.__context__)
        if isinstance(error, ImportError) and error.name:
            yield error


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _pip(name: str, *options: str) -> str:
    return f"install it with `{' '.join([sys.executable or 'python', '-m pip install', *options, name])}`"


def _whole(host: Identity) -> str:
    """How to get a host of which something is missing, or that this project does not know."""
    if host.kind == PACKAGE:
        return _pip(f"{RELEASED}=={host.version}", "--force-reinstall")
    return "take the whole repository, at a commit of April to August 2026"
