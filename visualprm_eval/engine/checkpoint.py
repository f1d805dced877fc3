"""Loading and saving checkpoints in the OpenGVLab layout (config.json, safetensors files, tokenizer files).

Loading also takes transformers' own layout of the same models (repositories whose names end in ``-hf``).

The weights go into transformers' own classes by name; no code that ships with a checkpoint is run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.atomic_file import atomic_draft
from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.core.loading import loading
from visualprm_eval.core.words import first_few
from visualprm_eval.engine.checkpoint_folder import WEIGHTS, explain, locate, unreadable, weight_files
from visualprm_eval.engine.config import CheckpointConfig
from visualprm_eval.engine.devices import resolve_device, resolve_dtype
from visualprm_eval.engine.hf_config import native_name
from visualprm_eval.engine.read_config import config_json, read_config
from visualprm_eval.engine.tokenizer import IMAGE_CONTEXT, TOKENIZER_FILES, Tokenizer, load_tokenizer
from visualprm_eval.engine.weight_names import EMBEDDINGS, HEAD, split_tensor, to_original, weight_table

if TYPE_CHECKING:
    import torch
    from transformers import InternVLForConditionalGeneration


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A model with all that belongs to it.

    Attributes:
        model: The native model, in evaluation mode.
        tokenizer: Its tokenizer.
        config: Its configuration.
        path: The directory that it came from.
    """

    model: InternVLForConditionalGeneration = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)
    config: CheckpointConfig
    path: Path

    @cached_property
    def fingerprint(self) -> str:
        """The name of its content; see ``fingerprint``."""
        return fingerprint(self.path)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = self.model.device
        return device


def load_checkpoint(
    path_or_id: str | Path, device: str = "auto", dtype: str = "auto", revision: str | None = None, attn: str = "auto"
) -> LoadedCheckpoint:
    """Loads a reward model or a chat model.

    Args:
        path_or_id: A directory, or the name of a repository on the Hugging Face hub.
        device: ``"auto"`` (GPU when there is one), ``"cpu"``, ``"cuda:0"`` ...
        dtype: ``"auto"`` (bfloat16 on a GPU, else float32), ``"float32"``, ``"bfloat16"``, ``"float16"``.
        revision: Branch, tag or commit of a hub repository.
        attn: ``"auto"`` (sdpa), ``"eager"``, ``"sdpa"``, ``"flash_attention_2"``.

    Raises:
        CheckpointError: When it cannot be loaded faithfully: missing or damaged files, another architecture, tensors
            missing or left over or of another shape, weights that are not finite.
        TokenizerError: When its tokenizer cannot be built exactly.
        ConfigError: When an option is unknown, or the device is not there.
    """
    # Torch takes seconds to import: names and fingerprints of checkpoints are had without it.
    with loading("transformers", "transformers"):
        from visualprm_eval.engine.hf_model import build_empty_model
    target = resolve_device(device)
    number_type = resolve_dtype(dtype, target)
    path = locate(path_or_id, revision)
    config = read_config(path)
    tokenizer = load_tokenizer(path)
    if (top := max(tokenizer.control_ids)) >= config.language.vocab_size:
        raise CheckpointError(f"{path}: the tokenizer has id {top}, the model {config.language.vocab_size} ids in all")
    model = build_empty_model(config, tokenizer.id_of(IMAGE_CONTEXT), attn)
    _fill(model, path, config, target, number_type)
    model.to(target)
    return LoadedCheckpoint(model.eval().requires_grad_(requires_grad=False), tokenizer, config, path)


def save_checkpoint(
    model: InternVLForConditionalGeneration,
    config: CheckpointConfig,
    tokenizer_files: str | Path,
    path: str | Path,
    dtype: str = "float32",
    *,
    architecture: str = "InternVLChatModel",
) -> None:
    """Writes a native model as a checkpoint in the OpenGVLab layout; the inverse of ``load_checkpoint``.

    Args:
        model: What ``build_model`` made.
        config: What it was made from.
        tokenizer_files: Directory whose tokenizer files are copied.
        path: Directory to write to; it is made when missing.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        architecture: Name of the original's class, ``"InternVLRewardModel"`` for a reward model.

    Raises:
        ConfigError: When ``dtype`` is unknown.
    """
    import torch
    from safetensors.torch import save_file

    number_type = resolve_dtype(dtype, torch.device("cpu"))
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to("cpu", number_type).contiguous()
        for name, tensor in to_original(model.state_dict(), config).items()
    }
    # A model that was loaded from this very file may still read it: the old one is replaced, not overwritten.
    with atomic_draft(folder / WEIGHTS) as draft:
        save_file(tensors, draft, metadata={"format": "pt"})
    stored = replace(config, dtype=str(number_type).removeprefix("torch."), native_names=False)
    text = json.dumps(config_json(stored, architecture), indent=2, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    for name in TOKENIZER_FILES:
        source = Path(tokenizer_files) / name
        if source.is_file() and source.resolve() != (folder / name).resolve():
            shutil.copyfile(source, folder / name)


def fingerprint(path_or_id: str | Path, revision: str | None = None) -> str:
    """Names a checkpoint by its content: configuration, weights and tokenizer, byte for byte.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Returns:
        32 hexadecimal digits of SHA-256.

    Raises:
        CheckpointError: When there is no such checkpoint.
    """
    path = locate(path_or_id, revision)
    names = [name for name in ("config.json", *TOKENIZER_FILES) if (path / name).is_file()]
    return content_name(path, [*names, *(file.name for file in weight_files(path))])


def content_name(path: Path, names: Iterable[str]) -> str:
    """32 hexadecimal digits of SHA-256 over the names and contents of files in a folder."""

    def line(name: str) -> str:
        with (path / name).open("rb") as file:
            return f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n"

    with ThreadPoolExecutor() as pool:
        return hashlib.sha256("".join(pool.map(line, sorted(names))).encode()).hexdigest()[:32]


def look_at_config(path_or_id: str | Path, revision: str | None = None, *, fetch: bool = False) -> None:
    """Looks at a checkpoint's config.json alone, before its weights are fetched.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.
        fetch: Ask the hub when the file is not on this machine; otherwise only its cache is looked into.

    Raises:
        CheckpointError: When it is seen to describe a model that ``load_checkpoint`` does not load.
    """
    folder = Path(path_or_id).expanduser()
    try:
        if not folder.is_dir():
            from huggingface_hub import hf_hub_download

            file = hf_hub_download(str(path_or_id), "config.json", revision=revision, local_files_only=not fetch)
            folder = Path(file).parent
    except Exception:  # noqa: BLE001 - no network, no such name: whoever loads it will say
        return
    explain(folder)
    read_config(folder)


def _read_tensors(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of a checkpoint, one file after the other.

    Raises:
        CheckpointError: When a file is damaged, or two files hold the same tensor.
    """
    from safetensors import SafetensorError, safe_open

    seen: dict[str, str] = {}
    for file in weight_files(path):
        try:
            with safe_open(file, framework="pt", device="cpu") as handle:
                for name in handle.keys():  # noqa: SIM118 - the handle is not a mapping
                    if name in seen:
                        raise CheckpointError(f"{path}: tensor {name} is in {seen[name]} and again in {file.name}")
                    seen[name] = file.name
                    yield name, handle.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise unreadable(file, error) from error


def _fill(
    model: InternVLForConditionalGeneration,
    path: Path,
    config: CheckpointConfig,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Puts every tensor of the checkpoint where it belongs and makes sure that no parameter stays empty."""
    shapes = {name: parameter.shape for name, parameter in model.named_parameters(remove_duplicate=False)}
    table = {name: (name,) for name in shapes} if config.native_names else weight_table(config)
    state: dict[str, Any] = {}
    left_over: list[str] = []
    for stored, tensor in _read_tensors(path):
        name = native_name(stored) if config.native_names else stored
        if name not in table:
            left_over.append(name)
            continue
        value = tensor.to(device, dtype)
        if not value.isfinite().all():
            raise CheckpointError(f"{path}: tensor {name} holds NaN or infinite values as {dtype}; expected numbers")
        expected = [shapes[native] for native in table[name]]
        wanted = [sum(shape[0] for shape in expected), *expected[0][1:]]
        if list(value.shape) != wanted:
            raise CheckpointError(f"{path}: tensor {name} is {list(value.shape)}, but config.json asks for {wanted}")
        parts = (value,) if config.native_names else split_tensor(name, value, config)
        # Parts of a fused tensor are copied, so that none keeps the whole one in memory.
        state.update(zip(table[name], [part.clone() for part in parts] if len(parts) > 1 else parts, strict=True))
    tied = config.language.tie_word_embeddings
    if tied and EMBEDDINGS in state and not state.setdefault(HEAD, state[EMBEDDINGS]).equal(state[EMBEDDINGS]):
        raise CheckpointError(f"{path}: config.json ties the head to the embeddings, but the file holds another head")
    missing = [name for name, natives in table.items() if not all(native in state for native in natives)]
    if missing or left_over:
        raise CheckpointError(f"{path}: the weights do not fit config.json{_named(missing, left_over)}")
    model.load_state_dict(state, strict=True, assign=True)
    if tied:
        model.tie_weights()


def _named(missing: list[str], left_over: list[str]) -> str:
    """What is missing and what is left over, the first few by name."""
    text = ""
    for what, names in (("missing", missing), ("left over", left_over)):
        if names:
            text += f"; {what}: {first_few(sorted(names), 5)}"
    return text
