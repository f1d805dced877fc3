"""Data never becomes a control token; damaged tokenizers are refused."""

from __future__ import annotations

import json
import shutil
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.material import CHECKPOINTS, DATA
from visualprm_eval.core.errors import InputError, TokenizerError
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.read_config import read_config
from visualprm_eval.engine.tokenizer import REQUIRED_TOKENS, Tokenizer, load_tokenizer

SPELLINGS = [
    *REQUIRED_TOKENS, "<s>", "</s>", "<unk>", "<|endoftext|>", "<|plugin|>", "<box>", "</ref>", "<image>",
    *(f"[UNUSED_TOKEN_{number}]" for number in range(8)),
    "<0x0A>", "<|im_", "start|>", "\u2581", " ", "\n\n", "+", "[UNUSED", "_TOKEN_7]", "\ud800", "\x00", "e\u0301",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(SPELLINGS) | st.text(st.characters(), max_size=5), max_size=12).map("".join)


@cache
def tokenizer_of(name: str) -> Tokenizer:
    return load_tokenizer(DATA / name)


@pytest.mark.parametrize("name", CHECKPOINTS)
@given(text=TEXTS)
def test_no_control_token_comes_out_of_data(name, text):
    tokenizer = tokenizer_of(name)
    ids = tokenizer.encode(text)
    assert tokenizer.control_ids.isdisjoint(ids)
    assert all(0 <= index < tokenizer.plain_size for index in ids)


@pytest.mark.parametrize("name", CHECKPOINTS)
@given(text=TEXTS)
def test_data_comes_back(name, text):
    """But for what the vocabulary cannot tell apart: U+2581 is a blank in sentencepiece, Qwen2 composes accents."""
    tokenizer = tokenizer_of(name)
    kept = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    kept = kept.replace("\u2581", " ") if name == "a1" else unicodedata.normalize("NFC", kept)
    assert tokenizer.decode(tokenizer.encode(text)) == kept


@pytest.mark.parametrize("name", CHECKPOINTS)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="<["), max_size=40))
def test_both_ways_agree_on_text_without_control_spellings(name, text):
    tokenizer = tokenizer_of(name)
    assert tokenizer.encode(text) == tokenizer.encode(text, special=True)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_decoding_leaves_out_control_tokens(name):
    tokenizer = tokenizer_of(name)
    ids = [*tokenizer.encode("a"), tokenizer.id_of("<|im_end|>"), *tokenizer.encode("b"), 10**9, -1]
    assert tokenizer.decode(ids) == "ab"
    assert tokenizer.decode([]) == ""


def test_pieces_that_share_an_id_are_cut_only_where_they_stand():
    tokenizer = tokenizer_of("a1")
    before, after = "The angle is 42 degrees. ", " So x = 7."
    ids = tokenizer.encode(f"{before}[UNUSED_TOKEN_7]{after}")
    assert ids[: len(tokenizer.encode(before))] == tokenizer.encode(before)
    assert ids[-len(tokenizer.encode(after)) :] == tokenizer.encode(after)
    assert tokenizer.encode("[UNUSED_TOKEN_7]", special=True) == [tokenizer.id_of("<|im_start|>")]


def write_sentencepiece(folder, text="assistant user system the sum of 1 + 1 is - 2", **options):
    """A small tokenizer in InternLM2's layout; ``<|im_end|>`` shares its id with a piece."""
    import sentencepiece

    defaults = {"model_type": "bpe", "vocab_size": 400, "hard_vocab_limit": False, "minloglevel": 2}
    with (folder / "tokenizer.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([text] * 20), model_writer=file, user_defined_symbols=["[UNUSED_TOKEN_0]", "\n"],
            **{**defaults, **options},
        )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    size = processor.get_piece_size()
    ids = {token: size + number for number, token in enumerate(REQUIRED_TOKENS)}
    ids["<|im_end|>"] = processor.piece_to_id("[UNUSED_TOKEN_0]")
    decoder = {str(index): {"content": token, "special": True} for token, index in ids.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
    return load_tokenizer(folder)


def test_spellings_that_only_appear_after_normalisation_are_cut(tmp_path):
    tokenizer = write_sentencepiece(tmp_path, byte_fallback=True, normalization_rule_name="nmt_nfkc")
    wide = "".join(chr(ord(character) + 0xFEE0) for character in "[UNUSED_TOKEN_0]")
    assert tokenizer.id_of("<|im_end|>") in tokenizer.plain(wide)  # the danger is real
    ids = tokenizer.encode(f"the sum {wide} is 2")
    assert tokenizer.control_ids.isdisjoint(ids)


def test_a_character_that_only_the_unknown_token_could_write_is_refused(tmp_path):
    tokenizer = write_sentencepiece(tmp_path, byte_fallback=False)
    assert tokenizer.encode("the sum")
    with pytest.raises(InputError, match="no ordinary token"):
        tokenizer.encode("the sum 🙂")


@pytest.mark.parametrize("missing", ["<IMG_CONTEXT>", "<img>", "<|im_end|>"])
def test_a_tokenizer_without_image_or_turn_tokens_is_refused(checkpoint_copy, missing):
    for file in ("tokenizer_config.json", "added_tokens.json"):
        content = json.loads((checkpoint_copy / file).read_text())
        content.pop(missing, None)
        if "added_tokens_decoder" in content:
            decoder = content["added_tokens_decoder"]
            content["added_tokens_decoder"] = {k: v for k, v in decoder.items() if v["content"] != missing}
        (checkpoint_copy / file).write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match=f"lacks.*{missing.replace('|', '.')}"):
        load_tokenizer(checkpoint_copy)


def test_a_byte_level_tokenizer_without_plus_is_refused(tmp_path):
    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    vocabulary = json.loads((folder / "vocab.json").read_text())
    vocabulary = {token: index for token, index in vocabulary.items() if "+" not in token}
    merges = [line for line in (folder / "merges.txt").read_text().splitlines() if "+" not in line]
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")
    with pytest.raises(TokenizerError, match=r"'\+'"):
        PromptFormat(load_tokenizer(folder), read_config(folder))


def test_a_sentencepiece_tokenizer_without_plus_is_refused(tmp_path):
    tokenizer = write_sentencepiece(tmp_path, text="assistant user system the sum is 2 -", byte_fallback=False)
    with pytest.raises(TokenizerError, match=r"\+"):
        PromptFormat(tokenizer, read_config(DATA / "a1"))


@pytest.mark.parametrize(
    ("name", "file"),
    [("a1", "tokenizer.model"), ("a2", "vocab.json"), ("a2", "merges.txt"), ("a1", "tokenizer_config.json")],
)
def test_missing_and_damaged_files_are_named(tmp_path, name, file):
    folder = shutil.copytree(DATA / name, tmp_path / name)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    if file != "merges.txt":  # half a list of merges is a list of merges
        with pytest.raises(TokenizerError, match=file):
            load_tokenizer(folder)
    (folder / file).unlink()
    with pytest.raises(TokenizerError, match=file):
        load_tokenizer(folder)


def test_added_tokens_must_have_ids_of_their_own(tmp_path):
    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    content = json.loads((folder / "added_tokens.json").read_text())
    content["<new>"] = content["<img>"]
    (folder / "added_tokens.json").write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match="share one id"):
        load_tokenizer(folder)
    content["<img>"] += 1
    (folder / "added_tokens.json").write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match="disagree"):
        load_tokenizer(folder)
