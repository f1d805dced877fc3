"""Checkpoints load whole or not at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.golden.material import DATA
from visualprm_eval.core.errors import CheckpointError, ConfigError
from visualprm_eval.engine.checkpoint import fingerprint, load_checkpoint, locate, save_checkpoint
from visualprm_eval.engine.hf_model import build_model
from visualprm_eval.engine.read_config import config_json, parse_config, read_config
from visualprm_eval.engine.weight_names import join_tensors, split_tensor, to_original, weight_table

A_QUERY = {"a1": "language_model.model.layers.1.attention.wqkv.weight", "a2": "mlp1.1.weight"}


def weights_of(folder):
    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


def rewrite(folder, change):
    """Changes the tensors of a checkpoint and stores them as one file."""
    tensors = weights_of(folder)
    change(tensors)
    for file in folder.glob("model*.safetensors*"):
        file.unlink()
    save_file(tensors, folder / "model.safetensors")


def edit_config(folder, change):
    content = json.loads((folder / "config.json").read_text())
    change(content)
    (folder / "config.json").write_text(json.dumps(content))


def load(folder, **options):
    return load_checkpoint(folder, device="cpu", dtype=options.pop("dtype", "float32"), **options)


def test_every_parameter_has_a_source(name):
    loaded = load(DATA / name)
    natives = [native for natives in weight_table(loaded.config).values() for native in natives]
    assert sorted(natives) == sorted(name for name, _ in loaded.model.named_parameters())
    assert set(weight_table(loaded.config)) == set(weights_of(DATA / name))
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_saved_and_loaded_again_it_is_the_same(name, tmp_path, dtype):
    loaded = load(DATA / name)
    save_checkpoint(loaded.model, loaded.config, DATA / name, tmp_path, dtype, architecture="InternVLRewardModel")
    original, saved = weights_of(DATA / name), weights_of(tmp_path)
    assert original.keys() == saved.keys()
    for key, tensor in original.items():
        assert torch.equal(saved[key], tensor.to(getattr(torch, dtype)))
    again = load(tmp_path)
    assert again.config.language == loaded.config.language
    assert again.config.dtype == dtype
    assert again.tokenizer.encode("1 + 1", special=True) == loaded.tokenizer.encode("1 + 1", special=True)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["InternVLRewardModel"]
    assert not list(tmp_path.glob("*.part"))


def test_a_checkpoint_can_be_saved_over_itself(checkpoint_copy):
    loaded = load(checkpoint_copy)
    before = fingerprint(checkpoint_copy)
    save_checkpoint(loaded.model, loaded.config, checkpoint_copy, checkpoint_copy, loaded.config.dtype)
    for file in checkpoint_copy.glob("model-*"):
        file.unlink()
    (checkpoint_copy / "model.safetensors.index.json").unlink(missing_ok=True)
    again = load(checkpoint_copy)
    for key, tensor in loaded.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[key], tensor)
    assert fingerprint(checkpoint_copy) != before  # config.json is written anew


def test_a_new_model_has_finite_random_weights(name):
    config = read_config(DATA / name)
    torch.manual_seed(0)
    model = build_model(config, 5, attn="eager")
    assert set(to_original(model.state_dict(), config)) == set(weight_table(config))
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert model.config._attn_implementation == "eager"
    assert model.config.image_token_id == 5
    assert not model.config.tie_word_embeddings
    assert model.lm_head.weight is not model.get_input_embeddings().weight


def test_fused_tensors_are_cut_and_joined_without_loss(name):
    config = read_config(DATA / name)
    for key, tensor in weights_of(DATA / name).items():
        parts = split_tensor(key, tensor, config)
        assert len(parts) == len(weight_table(config)[key])
        assert torch.equal(join_tensors(key, parts, config), tensor)


def test_config_comes_back_from_json(name):
    config = read_config(DATA / name)
    assert parse_config(json.loads(json.dumps(config_json(config)))) == config


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_weights_have_the_dtype_asked_for(name, dtype):
    loaded = load(DATA / name, dtype=dtype)
    assert {str(parameter.dtype) for parameter in loaded.model.parameters()} == {f"torch.{dtype}"}
    assert loaded.model.model.language_model.rotary_emb.inv_freq.dtype == torch.float32


def test_a_missing_tensor_is_named(checkpoint_copy, name):
    rewrite(checkpoint_copy, lambda tensors: tensors.pop(A_QUERY[name]))
    with pytest.raises(CheckpointError, match=f"missing: {A_QUERY[name]}"):
        load(checkpoint_copy)


def test_a_tensor_left_over_is_named(checkpoint_copy):
    rewrite(checkpoint_copy, lambda tensors: tensors.update({"language_model.lora_A.weight": torch.zeros(2)}))
    with pytest.raises(CheckpointError, match=r"left over: language_model\.lora_A\.weight"):
        load(checkpoint_copy)


def test_a_tensor_of_another_shape_is_named(checkpoint_copy, name):
    rewrite(checkpoint_copy, lambda tensors: tensors.update({A_QUERY[name]: torch.zeros(3, 64)}))
    with pytest.raises(CheckpointError, match=rf"{A_QUERY[name]} is \[3, 64\]"):
        load(checkpoint_copy)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(checkpoint_copy, name, value):
    rewrite(checkpoint_copy, lambda tensors: tensors[A_QUERY[name]].view(-1)[7:8].fill_(value))
    with pytest.raises(CheckpointError, match=f"{A_QUERY[name]} holds NaN or infinite"):
        load(checkpoint_copy)


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, -1])
def test_a_truncated_file_is_named(checkpoint_copy, kept):
    file = max(checkpoint_copy.glob("*.safetensors"))
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(CheckpointError, match=f"{file.name} is truncated"):
        load(checkpoint_copy)


def test_a_pointer_instead_of_weights_is_named(checkpoint_copy):
    file = min(checkpoint_copy.glob("*.safetensors"))
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(CheckpointError, match=file.name):
        load(checkpoint_copy)


def test_missing_files_are_named(tmp_path):
    folder = tmp_path / "a2"
    shutil.copytree(DATA / "a2", folder)
    (folder / "model-00003-of-00004.safetensors").unlink()
    with pytest.raises(CheckpointError, match="model-00003-of-00004"):
        load(folder)
    for file in folder.glob("model*"):
        file.unlink()
    with pytest.raises(CheckpointError, match="no safetensors file"):
        load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        load(folder)
    with pytest.raises(CheckpointError, match="there is no directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="is a file"):
        load(DATA / "a1" / "config.json")


def test_the_same_tensor_twice_is_refused(checkpoint_copy):
    (checkpoint_copy / "model.safetensors.index.json").unlink(missing_ok=True)
    file = min(checkpoint_copy.glob("*.safetensors"))
    shutil.copyfile(file, checkpoint_copy / "other.safetensors")
    with pytest.raises(CheckpointError, match="again in other"):
        load(checkpoint_copy)


def test_an_index_may_name_files_beside_it_only(tmp_path):
    folder = tmp_path / "a2"
    shutil.copytree(DATA / "a2", folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../secret.safetensors"}}))
    with pytest.raises(CheckpointError, match="files beside it"):
        load(folder)
    index.write_text("{")
    with pytest.raises(CheckpointError, match=r"index\.json cannot be read"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(model_type="llava"), "model_type is 'llava'"),
        (lambda c: c.pop("model_type"), "lacks model_type"),
        (lambda c: c["llm_config"].update(architectures=["Phi3ForCausalLM"]), "unknown language model.*Phi3"),
        (lambda c: c["vision_config"].update(model_type="siglip"), "vision_config.model_type is 'siglip'"),
        (lambda c: c.pop("vision_config"), "lacks vision_config"),
        (lambda c: c["llm_config"].pop("num_key_value_heads"), "llm_config: missing field 'num_key_value_heads'"),
        (
            lambda c: c["vision_config"].update(hidden_size="48"),
            "vision_config: 'hidden_size' is '48'; expected a valid integer",
        ),
        (lambda c: c["llm_config"].update(hidden_size=0), "'hidden_size' is 0; expected greater than 0"),
        (lambda c: c["llm_config"].update(num_attention_heads=7), "do not divide"),
        (lambda c: c.update(ps_version="v1"), "ps_version is 'v1'"),
        (lambda c: c.update(select_layer=-2), "select_layer is -2"),
        (lambda c: c.update(template="phi3-chat"), "template is 'phi3-chat'"),
        (lambda c: c.update(downsample_ratio=0.25), "downsample_ratio is 0.25"),
        (lambda c: c.update(force_image_size=448), "force_image_size is 448"),
        (lambda c: c["vision_config"].update(hidden_act="quick_gelu"), "hidden_act is 'quick_gelu'"),
        (
            lambda c: c["vision_config"].update(norm_type="batch"),
            "'norm_type' is 'batch'; expected 'layer_norm' or 'rms_norm'",
        ),
        (lambda c: c["vision_config"].update(qk_normalization=True, layer_norm_eps=1e-5), "layer_norm_eps is 1e-05"),
        (lambda c: c["llm_config"].update(rope_scaling={"type": "linear", "factor": 2.0}), "type 'linear'"),
        (lambda c: c["llm_config"].update(use_sliding_window=True), "use_sliding_window is True"),
        (lambda c: c["llm_config"].update(vocab_size=500), "the model 500 ids in all"),
    ],
)
def test_what_we_would_compute_wrongly_is_refused(checkpoint_copy, change, message):
    edit_config(checkpoint_copy, change)
    with pytest.raises(CheckpointError, match=message):
        load(checkpoint_copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_a_damaged_config_is_refused(checkpoint_copy, content):
    (checkpoint_copy / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load(checkpoint_copy)


def test_sizes_that_do_not_fit_the_weights_are_refused(checkpoint_copy):
    edit_config(checkpoint_copy, lambda c: c["llm_config"].update(num_hidden_layers=1))
    with pytest.raises(CheckpointError, match="left over: language_model"):
        load(checkpoint_copy)


def test_tied_embeddings_need_no_head(tmp_path):
    shutil.copytree(DATA / "a2", folder := tmp_path / "a2")
    edit_config(folder, lambda c: c["llm_config"].update(tie_word_embeddings=True))
    with pytest.raises(CheckpointError, match="holds another head"):
        load(folder)
    rewrite(folder, lambda tensors: tensors.pop("language_model.lm_head.weight"))
    model = load(folder).model
    assert model.lm_head.weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("options", [{"device": "tpu"}, {"device": "cuda:99"}, {"dtype": "int8"}, {"attn": "fast"}])
def test_unknown_options_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options.values()))):
        load_checkpoint(DATA / "a2", **{"device": "cpu", **options})


def test_a_hub_name_that_cannot_be_had(monkeypatch):
    asked = {}

    def refuse(repository, **options):
        asked.update(options, repository=repository)
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"OWNER/NAME@v1 is no local directory.*no network"):
        load_checkpoint("OWNER/NAME", revision="v1")
    assert asked["repository"] == "OWNER/NAME"
    assert asked["revision"] == "v1"
    assert all(
        pattern.endswith((".safetensors", ".json", "tokenizer.model", "merges.txt"))
        for pattern in asked["allow_patterns"]
    )


def test_a_hub_name_is_loaded_from_what_was_fetched(monkeypatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(DATA / "a1"))
    assert load_checkpoint("OWNER/NAME", device="cpu").path == DATA / "a1"


def test_a_local_path_never_asks_the_network(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the hub"))
    assert locate(str(DATA / "a1")) == DATA / "a1"
    for missing in (tmp_path / "a", "./a/b", "/nowhere/at/all", "one", "a/b/c", "~/nowhere-at-all"):
        with pytest.raises(CheckpointError, match="no directory"):
            locate(missing)


def test_fingerprint_names_the_content(checkpoint_copy, name):
    first = fingerprint(checkpoint_copy)
    assert first == fingerprint(DATA / name) == load(checkpoint_copy).fingerprint
    (checkpoint_copy / "notes.txt").write_text("not part of the model")
    assert fingerprint(checkpoint_copy) == first
    edit_config(checkpoint_copy, lambda c: c.update(max_dynamic_patch=6))
    second = fingerprint(checkpoint_copy)
    file = min(checkpoint_copy.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert len({first, second, fingerprint(checkpoint_copy)}) == 3


def test_a_fingerprint_needs_no_torch():
    code = (
        "import sys; from visualprm_eval.engine.checkpoint import fingerprint; "
        f"print(fingerprint({str(DATA / 'a2')!r}), *{{'torch', 'transformers', 'vlmeval'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [fingerprint(DATA / "a2")], "the same name as here, and none of the modules"
