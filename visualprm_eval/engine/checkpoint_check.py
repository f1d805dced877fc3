"""What can be told of a checkpoint without loading its weights."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.engine.checkpoint import locate, weight_files
from visualprm_eval.engine.json_section import read_object
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.read_config import read_config
from visualprm_eval.engine.tokenizer import load_tokenizer

CONFIG = "config.json"


def inspect_checkpoint(path_or_id: str | Path, revision: str | None = None) -> None:
    """Looks at a checkpoint's files before anything is paid for that its weights are to work on.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When it is not there, of an unknown architecture, or one of its files was cut off.
        TokenizerError: When its tokenizer cannot be built exactly, or lacks a token that its conversation needs.
    """
    path = locate(path_or_id, revision)
    config = read_config(path)  # First: a folder of something else is not blamed for its tokenizer.
    PromptFormat(load_tokenizer(path), config)
    inspect_weights(path)


def look_at_layout(path_or_id: str, revision: str | None = None) -> None:
    """Looks at what can be told of a checkpoint in seconds: one on the hub gives its config.json alone.

    Args:
        path_or_id: A directory, whose files are all looked at, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When it is not there, of an unknown architecture, or one of its files was cut off.
        TokenizerError: As for :func:`inspect_checkpoint`.
    """
    path = locate(path_or_id, revision, (CONFIG,))
    if path == Path(path_or_id).expanduser():
        inspect_checkpoint(path)
    else:
        read_config(path)


def look_at_chat_model(path_or_id: str, revision: str | None = None) -> None:
    """The same of a checkpoint of any family: what transformers says of it is asked later.

    Raises:
        CheckpointError: When it is not there, has no config.json, or one of its files was cut off.
    """
    path = locate(path_or_id, revision, (CONFIG,))
    read_object(path / CONFIG, CheckpointError, f"{path}: no {CONFIG}; expected a checkpoint of transformers")
    if path == Path(path_or_id).expanduser():
        inspect_weights(path)


def inspect_weights(path: Path) -> None:
    """Looks at the headers of a checkpoint's weights.

    Args:
        path: Its directory.

    Raises:
        CheckpointError: When there are no safetensors files, one is missing, or one was cut off.
    """
    from safetensors import SafetensorError, safe_open

    for file in weight_files(path):
        try:
            with safe_open(file, framework="np"):
                pass  # The header says how long the file must be.
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is truncated or no safetensors file ({error}); download it again") from error
