"""The demo models' tokenizer: a small byte-level BPE in the file layout of Qwen2.

All 256 bytes are tokens, so any text can be written; words of the demo world and InternVL's Chinese system message
were learned as whole pieces, which keeps prompts short. As in Qwen2 every digit is a token of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from visualprm_eval.engine.tokenizer import IM_END, byte_level

CONTROL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>",
    "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>",
)  # fmt: skip
"""Control tokens in the order of their ids, which follow the vocabulary's."""
PAD_TOKEN = CONTROL_TOKENS[0]
MAX_VOCABULARY = 900
"""Upper bound of bytes and merges together; training ends earlier when nothing is left to merge."""
MIN_FREQUENCY = 8
"""How often a pair must occur to be merged."""


def train_tokenizer(texts: Iterable[str], directory: Path) -> int:
    """Learns the merges and writes the five tokenizer files.

    Args:
        texts: The corpus; repeat what must become whole pieces.
        directory: Where vocab.json, merges.txt and the three files about control tokens go.

    Returns:
        The number of token ids, control tokens included.
    """
    from tokenizers import models, pre_tokenizers, trainers

    tokenizer = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=MAX_VOCABULARY,
        min_frequency=MIN_FREQUENCY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.model.save(str(directory))
    size: int = tokenizer.get_vocab_size(with_added_tokens=False)
    ids = {token: size + offset for offset, token in enumerate(CONTROL_TOKENS)}
    _write(directory / "added_tokens.json", ids)
    names = {"additional_special_tokens": CONTROL_TOKENS[1:], "eos_token": IM_END, "pad_token": PAD_TOKEN}
    _write(directory / "special_tokens_map.json", names)
    _write(directory / "tokenizer_config.json", _tokenizer_config(ids))
    return size + len(CONTROL_TOKENS)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _tokenizer_config(ids: dict[str, int]) -> dict[str, object]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(index): {"content": token, **flags} for token, index in ids.items()},
        "additional_special_tokens": CONTROL_TOKENS[1:],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": IM_END,
        "errors": "replace",
        "model_max_length": 2048,
        "pad_token": PAD_TOKEN,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
