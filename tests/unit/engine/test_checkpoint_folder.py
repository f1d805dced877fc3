"""What a folder is that holds no checkpoint in a layout that is read here."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from tests.golden.material import DATA, copy_checkpoint
from tests.unit.stages.sample.tiny import make_checkpoint
from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.engine.chat_model import chat_fingerprint, inspect_chat_model, load_chat_model
from visualprm_eval.engine.checkpoint import fingerprint, load_checkpoint
from visualprm_eval.engine.checkpoint_check import inspect_checkpoint
from visualprm_eval.engine.checkpoint_folder import locate, transformers_sibling, weight_files
from visualprm_eval.engine.visualprm import VisualPRM

READERS = (
    locate, fingerprint, inspect_checkpoint, load_checkpoint, VisualPRM.from_pretrained, chat_fingerprint,
    inspect_chat_model, lambda path: load_chat_model(path, "cpu", "float32"),
)  # fmt: skip
"""All that reads a checkpoint: native policies, ``hf:`` ones and reward models."""


def assert_told(folder, *messages):
    for read in READERS:
        with pytest.raises(CheckpointError) as told:
            read(str(folder))
        for message in (str(folder), *messages):
            assert message in str(told.value)


def tensor(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"x": torch.zeros(2)}, path)


@pytest.mark.parametrize("base", ["OpenGVLab/InternVL2_5-8B", None])
def test_an_adapter(tmp_path, base):
    said = {"peft_type": "LORA", "base_model_name_or_path": base}
    (tmp_path / "adapter_config.json").write_text(json.dumps(said))
    tensor(tmp_path / "adapter_model.safetensors")
    told = "holds an adapter (LORA adapter_config.json)", f"its base model is {base or 'not named'}", "merge_and_unload"
    assert_told(tmp_path, *told)
    (tmp_path / "config.json").write_text("{}")  # Some trainers write it beside.
    assert_told(tmp_path, *told)


def test_an_adapter_that_cannot_be_read(tmp_path):
    (tmp_path / "adapter_config.json").write_text("[")
    assert_told(tmp_path, "holds an adapter", "not named")


@pytest.mark.parametrize("name", ["pytorch_model-00001-of-00002.bin", "consolidated.00.pth", "last.ckpt"])
def test_pickles_only(tmp_path, name):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_bytes(b"x")
    assert_told(tmp_path, f"as pickle files only ({name})", "save_pretrained")


def test_gguf(tmp_path):
    (tmp_path / "model-q4.gguf").write_bytes(b"GGUF")
    assert_told(tmp_path, "GGUF format (model-q4.gguf)", "--base-url")


@pytest.mark.parametrize("inside", ["checkpoint-500", "snapshots/0123abc"])
def test_one_level_too_high(tmp_path, inside):
    """A trainer's folder with what it leaves there, a folder of the hub's cache."""
    copy_checkpoint("a1", tmp_path / inside)
    (tmp_path / "training_args.bin").write_bytes(b"x")
    (tmp_path / "trainer_state.json").write_text("{}")
    assert_told(tmp_path, f"a folder in it may be what is meant ({inside.split('/')[-1]})")
    assert locate(str(tmp_path / inside)) == tmp_path / inside


def test_adapters_one_level_down(tmp_path):
    for step in range(7):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_config.json").write_text("{}")
    assert_told(tmp_path, "checkpoint-4 and 2 more")


def test_missing_shards(tmp_path):
    folder = copy_checkpoint("a2", tmp_path / "a2")
    for number in (2, 3):
        (folder / f"model-0000{number}-of-00004.safetensors").unlink()
    told = r"2 of the 4 files that .* are missing: model-00002-of-00004.safetensors, model-00003-of-00004.safetensors"
    for index in (True, False):
        if not index:
            (folder / "model.safetensors.index.json").unlink()
        with pytest.raises(CheckpointError, match=told):
            weight_files(folder)
        with pytest.raises(CheckpointError, match=told):
            inspect_checkpoint(folder)


def test_a_pointer_of_git_lfs(tmp_path):
    folder = copy_checkpoint("a1", tmp_path / "a1")
    file = min(folder.glob("*.safetensors"))
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    for read in (inspect_checkpoint, load_checkpoint):
        with pytest.raises(CheckpointError, match=r"pointer of Git LFS.*git lfs pull"):
            read(folder)


def test_weights_of_adapters_apart(tmp_path):
    folder = copy_checkpoint("a1", tmp_path / "a1")
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**raw, "use_llm_lora": 16, "use_backbone_lora": 0}))
    with pytest.raises(CheckpointError, match=r"'use_llm_lora': 16.*merge them first"):
        load_checkpoint(folder)
    (folder / "config.json").write_text(json.dumps({**raw, "use_llm_lora": 0, "use_backbone_lora": 0}))
    load_checkpoint(folder, device="cpu")


@pytest.mark.parametrize(
    ("location", "sibling"),
    [
        ("OpenGVLab/InternVL3-9B", "OpenGVLab/InternVL3-9B-hf"),
        ("OpenGVLab/InternVL3_5-8B", "OpenGVLab/InternVL3_5-8B-HF"),
        ("/models/InternVL3_5-30B-A3B", "OpenGVLab/InternVL3_5-30B-A3B-HF"),
        ("/hub/models--OpenGVLab--InternVL3-14B/snapshots/abc", "OpenGVLab/InternVL3-14B-hf"),
        ("InternVL3_5-GPT-OSS-20B-A4B-Preview", "OpenGVLab/InternVL3_5-GPT-OSS-20B-A4B-Preview-HF"),
        # Other weights, or none that are known.
        ("OpenGVLab/InternVL3_5-8B-Instruct", None),
        ("OpenGVLab/InternVL3-8B-hf", None),
        ("OpenGVLab/InternVL2-4B", None),
        ("sensenova/SenseNova-SI-InternVL3-8B", None),
        ("./checkpoint", None),
    ],
)
def test_siblings_in_transformers_own_layout(location, sibling):
    assert transformers_sibling(location) == sibling


def test_layouts_that_were_mixed_up(tmp_path):
    """OpenGVLab's own layout after ``hf:``, and another family without it."""
    for read in (inspect_chat_model, lambda path: load_chat_model(path, "cpu", "float32")):
        with pytest.raises(CheckpointError, match=f"own layout, .* --model {DATA / 'a2'} without hf: runs it natively"):
            read(str(DATA / "a2"))
        for name, way in (
            ("InternVL3_5-8B", "--model hf:OpenGVLab/InternVL3_5-8B-HF has the same"),
            ("x", "--base-url"),
        ):
            folder = tmp_path / name
            if not folder.is_dir():
                shutil.copytree(DATA / "a2", folder)
                text = (folder / "config.json").read_text().replace("Qwen2ForCausalLM", "Qwen3ForCausalLM")
                (folder / "config.json").write_text(text)
            with pytest.raises(CheckpointError, match=f"no class: .*{way}"):
                read(str(folder))
    with pytest.raises(CheckpointError, match=r"'Qwen3ForCausalLM'.*--model hf:OpenGVLab/InternVL3_5-8B-HF"):
        inspect_checkpoint(tmp_path / "InternVL3_5-8B")
    other = make_checkpoint("qwen2_5_vl", tmp_path / "qwen")
    with pytest.raises(CheckpointError, match=r"model_type is 'qwen2_5_vl'.*--model hf:PATH_OR_ID"):
        inspect_checkpoint(other)
