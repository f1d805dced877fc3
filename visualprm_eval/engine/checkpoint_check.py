"""What can be told of a checkpoint without loading its weights."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.engine.checkpoint_folder import locate, unreadable, weight_files
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.read_config import names_reward_model, read_config
from visualprm_eval.engine.tokenizer import load_tokenizer


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
