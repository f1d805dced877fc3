"""The tokenizers of both language models, built exactly, and safe for text that a model or a user wrote.

Two ways to encode: with ``special=True`` the spellings of control tokens become their ids, as in the original code;
with ``special=False`` a text is data, and no control token can come out whatever it spells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import InputError, TokenizerError
from visualprm_eval.engine.json_section import read_object

IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
IMAGE_START = "<img>"
IMAGE_END = "</img>"
IMAGE_CONTEXT = "<IMG_CONTEXT>"
REQUIRED_TOKENS = (IM_START, IM_END, IMAGE_START, IMAGE_END, IMAGE_CONTEXT)
"""Control tokens without which no prompt can be written."""

TOKENIZER_FILES = (
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
)
"""Files that a tokenizer may consist of."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 cuts a text before merging (transformers, tokenization_qwen2.py)."""


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """Text to token ids and back.

    Attributes:
        plain: Gives the ids of a text in which added tokens are not looked for.
        plain_decode: Gives the text of ids of the plain vocabulary.
        plain_piece: Tells how the plain vocabulary spells an id.
        plain_size: Number of ids of the plain vocabulary.
        added: The added tokens, spelling to id.
        special_ids: Ids of those that ``decode`` leaves out.
        bos_id: What every prompt begins with, ``None`` for nothing.
        eos_id: What ends a text, ``None`` when the files do not say.
    """

    plain: Callable[[str], list[int]]
    plain_decode: Callable[[list[int]], str]
    plain_piece: Callable[[int], str]
    plain_size: int
    added: Mapping[str, int]
    special_ids: frozenset[int]
    bos_id: int | None = None
    eos_id: int | None = None

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """Ids that data must never become."""
        return frozenset(self.added.values()) | self.special_ids

    @cached_property
    def _spellings(self) -> dict[int, str]:
        return {index: spelling for spelling, index in self.added.items()}

    @cached_property
    def _added_pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.added, key=len, reverse=True)
        return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text, without a leading BOS.

        Args:
            text: Any text; lone surrogates are read as U+FFFD.
            special: Whether spellings of control tokens become their ids. If not, none comes out.

        Raises:
            InputError: When a character cannot be written without a control token (``special`` being false).
        """
        text = _SURROGATES.sub("\ufffd", text)
        if not special:
            return self._encode_data(text)
        ids: list[int] = []
        for number, part in enumerate(self._added_pattern.split(text)):
            if number % 2:
                ids.append(self.added[part])
            elif part:
                ids.extend(self.plain(part))
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids; control tokens and ids without a meaning are left out."""
        parts: list[str] = []
        for is_added, group in groupby(ids, key=self._spellings.__contains__):
            if is_added:
                parts.extend(self._spellings[index] for index in group if index not in self.special_ids)
            else:
                known = [index for index in group if 0 <= index < self.plain_size and index not in self.special_ids]
                parts.append(self.plain_decode(known))
        return "".join(parts)

    def id_of(self, spelling: str) -> int:
        """The one token that a spelling is.

        Raises:
            TokenizerError: When it is none, or several.
        """
        ids = self.encode(spelling, special=True)
        if len(ids) != 1:
            raise TokenizerError(
                f"the tokenizer writes {spelling!r} as {len(ids)} tokens; expected one of its own. "
                "This is not the tokenizer of an InternVL2.5 checkpoint, or its added tokens are missing"
            )
        return ids[0]

    @cached_property
    def _lookalikes(self) -> re.Pattern[str] | None:
        """Finds where pieces begin that share an id with a control token, such as InternLM2's ``[UNUSED_TOKEN_n]``."""
        pieces = sorted({self.plain_piece(index) for index in self.control_ids if index < self.plain_size})
        # The lookahead finds occurrences that overlap, too.
        return re.compile("(?=" + "|".join(map(re.escape, pieces)) + ")") if pieces else None

    def _encode_data(self, text: str) -> list[int]:
        """Cuts a text inside every piece that would become a control token."""
        ids = self.plain(text)
        if self.control_ids.isdisjoint(ids):
            return ids
        found = self._lookalikes.finditer(text) if self._lookalikes else ()
        cuts = sorted({match.start() + 1 for match in found} - {len(text)})
        # Something else that becomes one, such as a spelling before Unicode normalisation: any cut inside will do.
        cuts = cuts or [len(text) // 2]
        if len(text) < 2:
            raise InputError(f"the vocabulary has no ordinary token for {text!r}; the text cannot be scored")
        parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        return [index for part in parts for index in self._encode_data(part)]


def _sentencepiece(path: Path, added: Mapping[str, int], special: set[int]) -> Tokenizer:
    """InternLM2's: sentencepiece on the text between added tokens, with BOS."""
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise TokenizerError(f"{path} is no sentencepiece model ({error}); download the checkpoint again") from error
    # The model's own control and unknown pieces: a vocabulary without byte fallback writes <unk> for what it lacks.
    own = {index for index in (processor.unk_id(), processor.bos_id(), processor.eos_id()) if index >= 0}
    return Tokenizer(
        plain=partial(processor.encode, out_type=int),
        plain_decode=processor.decode,
        plain_piece=processor.id_to_piece,
        plain_size=processor.get_piece_size(),
        added=added,
        special_ids=frozenset({*special, *own}),
        bos_id=processor.bos_id(),
        eos_id=processor.eos_id(),
    )


def _byte_pairs(bpe: Any, added: Mapping[str, int], special: set[int], eos_id: int | None) -> Tokenizer:
    """Qwen2's: byte-level BPE, without BOS."""
    decode = partial(bpe.decode, skip_special_tokens=False)
    return Tokenizer(
        plain=lambda text: bpe.encode(text, add_special_tokens=False).ids,
        plain_decode=decode,
        plain_piece=lambda index: decode([index]),
        plain_size=bpe.get_vocab_size(with_added_tokens=False),
        added=added,
        special_ids=frozenset(special),
        eos_id=eos_id,
    )


def load_tokenizer(directory: str | Path) -> Tokenizer:
    """Builds the tokenizer of a checkpoint in the OpenGVLab layout.

    Args:
        directory: Where tokenizer.model (InternLM2), or vocab.json and merges.txt (Qwen2), and the lists of added
            tokens are.

    Raises:
        TokenizerError: When files are missing or damaged, or ``+``, ``-`` or a control token is not one token.
    """
    folder = Path(directory)
    settings = _read_json(folder / "tokenizer_config.json")
    single = _single_file(folder)
    added, special = _added_tokens(folder, settings, single)
    if (folder / "tokenizer.model").is_file():
        tokenizer = _sentencepiece(folder / "tokenizer.model", added, special)
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        tokenizer = _byte_pairs(_load_byte_level(folder), added, special, _eos_id(settings, added))
    elif single is not None:
        tokenizer = _byte_pairs(_load_single(folder, single), added, special, _eos_id(settings, added))
    else:
        raise TokenizerError(f"{folder}: no tokenizer; expected tokenizer.model, or vocab.json and merges.txt")
    missing = [token for token in REQUIRED_TOKENS if token not in tokenizer.added]
    if missing:
        raise TokenizerError(f"{folder}: the tokenizer lacks {', '.join(missing)}; expected an InternVL2.5 tokenizer")
    return tokenizer


def _single_file(folder: Path) -> dict[str, Any] | None:
    """The content of tokenizer.json where it is all there is, as in checkpoints that transformers 5 saved."""
    others = ("tokenizer.model", "vocab.json")
    if any((folder / name).is_file() for name in others) or not (folder / "tokenizer.json").is_file():
        return None
    return _read_json(folder / "tokenizer.json")


def _eos_id(settings: Mapping[str, Any], added: Mapping[str, int]) -> int | None:
    eos = settings.get("eos_token")
    return added.get(str(eos.get("content") if isinstance(eos, dict) else eos))


def _added_tokens(
    folder: Path, settings: Mapping[str, Any], single: Mapping[str, Any] | None
) -> tuple[dict[str, int], set[int]]:
    """Spellings to ids of all added tokens, and the ids of the special ones."""
    decoder = {str(token["id"]): token for token in single.get("added_tokens", [])} if single is not None else {}
    decoder |= settings.get("added_tokens_decoder", {})
    added = {str(token["content"]): int(index) for index, token in decoder.items()}
    special = {int(index) for index, token in decoder.items() if token.get("special", False)}
    if (folder / "added_tokens.json").is_file():
        for spelling, index in _read_json(folder / "added_tokens.json").items():
            if added.setdefault(spelling, index) != index:
                raise TokenizerError(f"{folder}: added_tokens.json and tokenizer_config.json disagree on {spelling}")
    if len(set(added.values())) != len(added):
        raise TokenizerError(f"{folder}: two added tokens share one id; expected distinct ids")
    special.update(added[token] for token in REQUIRED_TOKENS if token in added)
    return added, special


def _read_json(path: Path) -> dict[str, Any]:
    missing = f"{path} is missing; expected the tokenizer files of the checkpoint"
    return read_object(path, TokenizerError, missing)


def _load_byte_level(folder: Path) -> Any:
    from tokenizers import models

    try:
        model = models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    except Exception as error:
        # The Rust side raises bare Exception for whatever is wrong with the files.
        raise TokenizerError(f"{folder}: vocab.json and merges.txt make no tokenizer ({error})") from error
    return byte_level(model)


def _load_single(folder: Path, content: Mapping[str, Any]) -> Any:
    """Qwen2's tokenizer out of tokenizer.json; its vocabulary and merges count, the rest is as always."""
    from tokenizers import models

    model = content.get("model", {})
    if model.get("type") != "BPE" or model.get("byte_fallback") or '"ByteLevel"' not in json.dumps(content):
        raise TokenizerError(
            f"{folder}/tokenizer.json is no tokenizer of Qwen2; expected tokenizer.model beside it. "
            "Or use the checkpoint through transformers' own class: --model hf:PATH_OR_ID"
        )
    merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    try:
        return byte_level(models.BPE(vocab=model["vocab"], merges=[(left, right) for left, right in merges]))
    except Exception as error:  # As above.
        raise TokenizerError(f"{folder}/tokenizer.json makes no tokenizer ({error})") from error


def byte_level(model: Any) -> Any:
    """A tokenizer that cuts texts as Qwen2 does, around a byte-level BPE model."""
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers

    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(_QWEN2_PATTERN), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
