"""Where a checkpoint's files are, and what a folder is that holds no checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.words import first_few

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
DOWNLOADS = ("*.safetensors", "*.json", "tokenizer.model", "merges.txt")
"""What is fetched from the hub: nothing that could be run."""

_ADAPTER = "adapter_config.json"
_PICKLES = ("*.bin", "*.pth", "*.pt", "*.ckpt")
_NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")
"""What a trainer pickles beside the weights."""
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.safetensors")
_LFS = b"version https://git-lfs"
_SHOWN = 5
_INTERNVL3 = re.compile(
    r"(?:^|/|--)(InternVL3-\d+B|InternVL3_5-(?:GPT-OSS-)?\d+B(?:-A\d+B)?(?:-Preview)?)(?=/|$)", re.IGNORECASE
)
"""Names of repositories, also in the path of the hub's cache, that have a sibling in transformers' own layout."""


def transformers_sibling(location: str) -> str | None:
    """The repository with the same weights in transformers' own layout, which its own classes run without remote code.

    Args:
        location: A directory or the name of a repository of InternVL3 or 3.5; a directory tells by its name.

    Returns:
        ``None`` where none is known.
    """
    match = _INTERNVL3.search(location.replace("\\", "/"))
    if match is None:
        return None
    return f"OpenGVLab/{match[1]}-{'HF' if '_5' in match[1] else 'hf'}"


def locate(path_or_id: str | Path, revision: str | None = None, patterns: Sequence[str] = DOWNLOADS) -> Path:
    """The directory of a checkpoint; what is not a local path is fetched from the hub, nothing that could be run.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.
        patterns: The files that are fetched.

    Raises:
        CheckpointError: When there is no such directory, the hub does not give it, or it holds something else.
    """
    text = str(path_or_id)
    path = Path(text).expanduser()
    if path.is_dir():
        explain(path)
        return path
    if path.exists():
        raise CheckpointError(f"{path} is a file; expected the directory of a checkpoint")
    if isinstance(path_or_id, Path) or not is_hub_name(text):
        raise CheckpointError(f"there is no directory {path}; expected a checkpoint's directory or a hub's OWNER/NAME")
    folder = _download(text, revision, patterns)
    explain(folder)
    return folder


def is_hub_name(text: str) -> bool:
    """Whether a text can only be the name of a repository on the hub, there or not."""
    is_name = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text)
    return is_name is not None and not Path(text).exists()


def explain(path: Path) -> None:
    """Says what a folder is that holds no whole checkpoint.

    Raises:
        CheckpointError: When it holds an adapter, weights of another format only, or checkpoints in folders of it.
    """
    if any(not file.name.startswith("adapter") for file in path.glob("*.safetensors")):
        return
    if (path / _ADAPTER).is_file():
        raise CheckpointError(_adapter(path))
    if files := _names(path.glob("*.gguf")):
        raise CheckpointError(
            f"{path} holds weights in the GGUF format ({files}); expected safetensors. Pass the model that they were "
            "made from; a policy may also be served (llama-server, say) and asked with --base-url"
        )
    pickles = (file for pattern in _PICKLES for file in path.glob(pattern) if not file.name.startswith(_NO_WEIGHTS))
    if files := _names(pickles):
        raise CheckpointError(
            f"{path} holds weights as pickle files only ({files}), which can run code when they are read; expected "
            "safetensors. Write them anew: load the model where you trust it and call save_pretrained(DIR)"
        )
    inside = [file.parent for file in (*path.glob("*/config.json"), *path.glob("snapshots/*/config.json"))]
    inside += [file.parent for file in path.glob(f"*/{_ADAPTER}")]
    if inside:
        names = _names(inside)
        raise CheckpointError(
            f"{path} holds no weights itself, but a folder in it may be what is meant ({names}); pass that one"
        )


def _adapter(path: Path) -> str:
    try:
        said = parsed((path / _ADAPTER).read_bytes())
        kind, base = said.get("peft_type") or "", said.get("base_model_name_or_path") or ""
    except (OSError, ValueError, AttributeError):
        kind = base = ""
    return (
        f"{path} holds an adapter ({' '.join(filter(None, (kind, _ADAPTER)))}), no whole model; its base model is "
        f"{base or 'not named'}. Merge the two and pass the merged folder: with peft, "
        f"PeftModel.from_pretrained(BASE, {str(path)!r}).merge_and_unload().save_pretrained(DIR), and the base's "
        "tokenizer and processor files beside it"
    )


def _names(paths: Iterable[Path]) -> str:
    """The first few by name; ``""`` for none."""
    return first_few(sorted({path.name for path in paths}), _SHOWN)


def _download(name: str, revision: str | None, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except Exception as error:
        # The hub's errors have no common class, and a broken connection raises those of an HTTP library of its choice.
        where = f"{name}@{revision}" if revision else name
        raise CheckpointError(
            f"{where} is no local directory and the hub did not give it ({type(error).__name__}: {error}); "
            "check the name and the network, or download it and pass the directory"
        ) from error


def weight_files(path: Path) -> list[Path]:
    """The safetensors files of a checkpoint.

    Raises:
        CheckpointError: When there are none, or some are missing.
    """
    index = path / WEIGHTS_INDEX
    if index.is_file():
        try:
            names = set(parsed(index.read_bytes())["weight_map"].values())
        except (ValueError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{index} cannot be read ({error!r}); download the checkpoint again") from error
        for name in names:
            if Path(name).name != name:
                raise CheckpointError(f"{index} names {name!r}; expected files beside it")
        source = f"{WEIGHTS_INDEX} names"
    else:
        names = {file.name for file in path.glob("*.safetensors")}
        if not names:
            raise CheckpointError(
                f"{path}: no safetensors file, and no other is read; expected {WEIGHTS}, or {WEIGHTS_INDEX} with files"
            )
        source = "belong together by their names"
        for shard in filter(None, map(_SHARD.fullmatch, list(names))):
            names |= {f"{shard[1]}-{number:05}-of-{shard[3]}.safetensors" for number in range(1, int(shard[3]) + 1)}
    files = [path / name for name in sorted(names)]
    if missing := [file for file in files if not file.is_file()]:
        raise CheckpointError(
            f"{path}: {len(missing)} of the {len(files)} files that {source} are missing: {_names(missing)}; "
            "download the checkpoint again"
        )
    return files


def unreadable(file: Path, error: Exception) -> CheckpointError:
    """Why a file of weights cannot be read."""
    with file.open("rb") as opened:
        pointer = opened.read(len(_LFS)) == _LFS
    if pointer:
        return CheckpointError(f"{file} is a pointer of Git LFS, not the file; fetch it with: git lfs pull")
    return CheckpointError(f"{file} is truncated or no safetensors file ({error}); download it again")
