"""The same model in transformers' own layout loads to the same numbers; InternVL2's templates are its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.golden.material import DATA
from tests.unit.engine.conftest import load
from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.errors import CheckpointError, TokenizerError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from visualprm_eval.engine.generate import GenerationRequest, generate
from visualprm_eval.engine.hf_config import native_name
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.visualprm import VisualPRM

PROBLEM = Problem("bench", "0", "", (Part("text", "What is 1 + 2?"),), "", "p")


@pytest.fixture
def hf_copy(name, tmp_path) -> Path:
    """The checkpoint as transformers writes it, with the original's tokenizer files."""
    folder = tmp_path / f"{name}-hf"
    load(name).checkpoint.model.save_pretrained(folder)
    for file in (DATA / name).iterdir():
        if not file.name.startswith(("model", "config")) or "index" in file.name:
            shutil.copy(file, folder / file.name)
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)
    return folder


def edit(folder: Path, change) -> None:
    raw = json.loads((folder / "config.json").read_text())
    change(raw)
    (folder / "config.json").write_text(json.dumps(raw))


def test_the_same_weights_and_samples(name, hf_copy):
    ours, theirs = load(name).checkpoint, load_checkpoint(hf_copy, device="cpu")
    expected = ours.model.state_dict()
    state = theirs.model.state_dict()
    assert expected.keys() == state.keys()
    assert all(torch.equal(state[key], value) for key, value in expected.items())
    requests = [GenerationRequest(PROBLEM, rank) for rank in range(3)]
    sampling = SamplingOptions(max_tokens=9)
    texts = [[c.text for batch in generate(each, requests, sampling) for c in batch] for each in (ours, theirs)]
    assert texts[0] == texts[1]
    assert theirs.config.system_message == ours.config.system_message


def test_present_names_load_as_well(hf_copy):
    tensors = load_file(hf_copy / "model.safetensors")
    renamed = {native_name(key): value for key, value in tensors.items()}
    assert set(renamed).isdisjoint(tensors)
    save_file(renamed, hf_copy / "model.safetensors", metadata={"format": "pt"})
    assert load_checkpoint(hf_copy, device="cpu").model.dtype == torch.float32


def test_a_tensor_too_many_or_too_few_is_refused(hf_copy):
    tensors = load_file(hf_copy / "model.safetensors")
    tensors["surplus"] = tensors.pop("language_model.lm_head.weight")
    save_file(tensors, hf_copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"missing: lm_head.weight; left over: surplus"):
        load_checkpoint(hf_copy, device="cpu")


def test_what_would_be_computed_wrongly_is_refused(hf_copy):
    original = (hf_copy / "config.json").read_text()
    linear = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    changes = [
        ("vision_config.use_mean_pooling", lambda raw: raw["vision_config"].update(use_mean_pooling=False)),
        ("vision_config.image_size", lambda raw: raw["vision_config"].update(image_size=[84, 112])),
        ("rotary scaling", lambda raw: raw["text_config"].update(rope_parameters=linear)),
        ("vision_feature_layer", lambda raw: raw.update(vision_feature_layer=-2)),
        ("--model hf:", lambda raw: raw.update(text_config={"model_type": "qwen3"})),
        ("no configuration of InternVL", lambda raw: raw["text_config"].update(hidden_size="wide")),
    ]  # fmt: skip
    for named, change in changes:
        (hf_copy / "config.json").write_text(original)
        edit(hf_copy, change)
        with pytest.raises(CheckpointError, match=named):
            load_checkpoint(hf_copy, device="cpu")


def test_defaults_that_the_file_leaves_out(hf_copy):
    edit(
        hf_copy, lambda raw: [raw["vision_config"].pop(key) for key in ("layer_norm_eps", "hidden_act", "num_channels")]
    )
    assert load_checkpoint(hf_copy, device="cpu").config.vision.layer_norm_eps == 1e-6


def test_a_tokenizer_in_one_file(tmp_path):
    """As transformers 5 saves it: no vocab.json, no list of added tokens beside it."""
    from transformers import AutoTokenizer

    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    for file in ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / file).unlink()
        if (tmp_path / "saved" / file).is_file():
            shutil.copy(tmp_path / "saved" / file, folder)
    (folder / "vocab.json").unlink(missing_ok=True)
    (folder / "merges.txt").unlink(missing_ok=True)
    shutil.copy(tmp_path / "saved" / "tokenizer.json", folder)
    ours, loaded = load("a2").checkpoint.tokenizer, load_checkpoint(folder, device="cpu").tokenizer
    for text in ("What is 12 + 30?", "<|im_end|> é\n\n  ", "<IMG_CONTEXT>"):
        assert loaded.encode(text) == ours.encode(text)
        assert loaded.encode(text, special=True) == ours.encode(text, special=True)
    assert (loaded.eos_id, loaded.special_ids) == (ours.eos_id, ours.special_ids)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["byte_fallback"] = True
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match="--model hf:"):
        load_checkpoint(folder, device="cpu")


# InternVL2 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["internlm2-chat", "Hermes-2"])
def test_templates_of_internvl2(tmp_path, template):
    """Spelled as the original's conversation.py does: nothing stands between two turns."""
    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    edit(folder, lambda raw: (raw.update(template=template), raw.pop("system_message", None)))
    expected = (
        "<|im_start|>system\n你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, "
        "是一个有用无害的人工智能助手。<|im_end|><|im_start|>user\none\ntwo<|im_end|><|im_start|>assistant\n"
    )
    checkpoint = load_checkpoint(folder, device="cpu")
    ids = PromptFormat(checkpoint.tokenizer, checkpoint.config).chat(["one\ntwo"]).ids
    assert list(ids) == checkpoint.tokenizer.encode(expected, special=True)
    with pytest.raises(CheckpointError, match="not a reward model"):
        VisualPRM(checkpoint)
    save_checkpoint(checkpoint.model, checkpoint.config, folder, tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["template"] == template
    assert fingerprint(folder) != fingerprint(DATA / "a2")


def test_an_unknown_template_is_refused(tmp_path):
    folder = shutil.copytree(DATA / "a2", tmp_path / "a2")
    edit(folder, lambda raw: raw.update(template="phi3-chat"))
    with pytest.raises(CheckpointError, match=r"template is 'phi3-chat'"):
        load_checkpoint(folder, device="cpu")
