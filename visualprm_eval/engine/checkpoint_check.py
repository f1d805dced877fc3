"""What can be told of a checkpoint without loading its weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.engine.checkpoint_folder import locate, transformers_sibling, unreadable, weight_files
from visualprm_eval.engine.config import MODEL_TYPE
from visualprm_eval.engine.json_section import read_object
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.read_config import names_reward_model, read_config
from visualprm_eval.engine.tokenizer import load_tokenizer

CONFIG = "config.json"


def inspect_checkpoint(path_or_id: str | Path, revision: str | None = None) -> bool:
    """Looks at a checkpoint's files before anything is paid for that its weights are to work on.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Returns:
        Whether its files say that it is a reward model.

    Raises:
        CheckpointError: When it is not there, of an unknown architecture, or one of its files was cut off.
        TokenizerError: When its tokenizer cannot be built exactly, or lacks a token that its conversation needs.
    """
    path = locate(path_or_id, revision)
    config = read_config(path)  # First, since it says most of a checkpoint that is meant for something else.
    PromptFormat(load_tokenizer(path), config)
    inspect_weights(path)
    return names_reward_model(path)


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
        CheckpointError: When it is not there, in OpenGVLab's own layout, or one of its files was cut off.
    """
    path = find_chat_checkpoint(path_or_id, revision, (CONFIG,))
    if path == Path(path_or_id).expanduser():
        inspect_weights(path)


def find_chat_checkpoint(path_or_id: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """The directory of a checkpoint that transformers may have a class for.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.
        patterns: The files that are fetched.

    Raises:
        CheckpointError: When it is not there, or in OpenGVLab's own layout.
    """
    path = locate(path_or_id, revision, patterns)
    config = read_object(path / CONFIG, CheckpointError, f"{path}: no {CONFIG}; expected a checkpoint")
    if config.get("model_type") != MODEL_TYPE:
        return path
    try:
        read_config(path)
        way = f"--model {path_or_id} without hf: runs it natively"
    except CheckpointError:
        sibling = transformers_sibling(str(path))
        way = f"--model hf:{sibling} has the same weights in transformers' layout, or " if sibling else ""
        way += "run it by its own code, --engine host --allow-remote-code with the host's name of it, or behind a "
        way += "server, --base-url"
    raise CheckpointError(f"{path} is in OpenGVLab's own layout, for which transformers has no class: {way}")


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
            raise unreadable(file, error) from error
