"""Any picture-and-text chat model that transformers has a class for: loading it.

Only transformers' own classes run, only safetensors are read. A checkpoint's chat template is Jinja, which transformers
renders in a sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, GenerationConfig

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.engine.checkpoint import content_name
from visualprm_eval.engine.checkpoint_check import find_chat_checkpoint, inspect_weights
from visualprm_eval.engine.checkpoint_folder import DOWNLOADS, locate
from visualprm_eval.engine.devices import resolve_device, resolve_dtype

CHAT_DOWNLOADS = (*DOWNLOADS, "*.jinja", "*.model", "vocab.txt")
"""What is fetched from the hub: nothing that could be run outside of a sandbox."""

_LOCAL: Mapping[str, Any] = MappingProxyType({"trust_remote_code": False, "local_files_only": True})


@dataclass(frozen=True)
class ChatModel:
    """A chat model with all that belongs to it.

    Attributes:
        model: The model, in evaluation mode.
        processor: Makes token ids and pixels of messages.
        stop_ids: Tokens that end a reply.
        context: Most tokens of prompt and reply together; ``None`` when the checkpoint does not say.
        controls: Finds spellings of control tokens.
    """

    model: Any
    processor: Any
    stop_ids: tuple[int, ...]
    context: int | None
    controls: re.Pattern[str] | None

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer


def load_chat_model(path_or_id: str, device: str, dtype: str, revision: str | None = None) -> ChatModel:
    """Loads a checkpoint into transformers' own class for it.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        device: As for ``load_checkpoint``.
        dtype: As for ``load_checkpoint``.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When transformers has no class for it, a weight is missing, there are no safetensors, or there
            is no chat template.
        ConfigError: When an option is unknown, or the device is not there.
    """
    target = resolve_device(device)
    path = find_chat_checkpoint(path_or_id, revision, CHAT_DOWNLOADS)
    processor = _processor(path)
    with _told(path):
        model, info = AutoModelForImageTextToText.from_pretrained(
            path, dtype=resolve_dtype(dtype, target), use_safetensors=True, output_loading_info=True, **_LOCAL
        )
    lacking = sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))
    if lacking:
        raise CheckpointError(
            f"{path}: {len(lacking)} weights are missing or of another shape: {', '.join(lacking[:5])}"
        )
    return _made(path, model.to(target).eval().requires_grad_(requires_grad=False), processor)


def inspect_chat_model(path_or_id: str, revision: str | None = None) -> None:
    """Looks at a checkpoint's files before anything is paid for that its weights are to work on.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When it is not there, transformers has no processor for it, there is no chat template, or a
            file of its weights is missing or was cut off.
    """
    path = find_chat_checkpoint(path_or_id, revision, CHAT_DOWNLOADS)
    with _told(path):
        AutoConfig.from_pretrained(path, **_LOCAL)
    _processor(path)
    inspect_weights(path)


def _processor(path: Path) -> Any:
    with _told(path):
        processor = AutoProcessor.from_pretrained(path, **_LOCAL)
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or not (processor.chat_template or tokenizer.chat_template):
        raise CheckpointError(f"{path} has no chat template; expected a chat model (chat_template.jinja)")
    return processor


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says what was expected where transformers raises whatever its hundreds of classes stumble over."""
    try:
        yield
    except Exception as error:
        raise CheckpointError(
            f"{path}: transformers' own classes cannot load it ({type(error).__name__}: {str(error)[:600]}); expected "
            "a model for pictures and text with safetensors. Code that ships with a checkpoint runs only in a class "
            "of the host, with --allow-remote-code"
        ) from error


def _made(path: Path, model: Any, processor: Any) -> ChatModel:
    tokenizer = processor.tokenizer
    if model.config.is_encoder_decoder:
        raise CheckpointError(
            f"{path} reads and writes with two networks; expected a model that goes on with its prompt"
        )
    said = model.generation_config.eos_token_id
    stops = {tokenizer.eos_token_id, *(said if isinstance(said, list) else [said])} - {None}
    if not stops:
        raise CheckpointError(f"{path} does not say which token ends a reply; expected eos_token_id in its files")
    # What else the file says (a penalty, a top-k) would change samples behind the user's back.
    pad = tokenizer.pad_token_id
    model.generation_config = GenerationConfig(
        eos_token_id=sorted(stops), pad_token_id=min(stops) if pad is None else pad, do_sample=False
    )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    extra = {str(token) for token in getattr(tokenizer, "all_special_tokens", [])}
    spellings = extra | {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    longest = sorted((each for each in spellings if len(each) > 1), key=len, reverse=True)
    controls = re.compile("|".join(map(re.escape, longest))) if longest else None
    return ChatModel(model, processor, tuple(sorted(stops)), context, controls)


def chat_fingerprint(path_or_id: str, revision: str | None = None) -> str:
    """Names a checkpoint by its content, byte for byte, chat template and image processor included.

    Raises:
        CheckpointError: When there is no such checkpoint.
    """
    path = locate(path_or_id, revision, CHAT_DOWNLOADS)
    files = {file.name for pattern in CHAT_DOWNLOADS for file in path.glob(pattern) if file.is_file()}
    return content_name(path, files)
