"""Tiny random chat models of several families, made from configurations alone."""

from __future__ import annotations

from pathlib import Path

import torch

_TEMPLATE = """
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\n' }}
{%- for part in message['content'] -%}
{{ IMAGE if part['type'] == 'image' else part['text'] }}
{%- endfor -%}
{{ '<|im_end|>\n' }}
{%- endfor -%}
{{ '<|im_start|>assistant\n' if add_generation_prompt else '' }}
"""
FAMILIES = ("qwen2_5_vl", "qwen3_vl", "gemma3", "internvl")
_QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")  # fmt: skip  # noqa: E501
_GEMMA = ("<pad>", "<eos>", "<bos>", "<|im_start|>", "<|im_end|>", "<start_of_image>", "<end_of_image>", "<image_soft_token>")  # fmt: skip  # noqa: E501
_INTERN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>")
_TEXT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512,
}  # fmt: skip


def tokenizer(controls, eos, **extra):
    """Bytes as tokens, and the family's control tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(alphabet)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(controls))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=eos, pad_token=controls[0], extra_special_tokens=extra, model_max_length=512
    )


def make_checkpoint(family: str, folder: Path) -> Path:
    """Saves a random model of a family with its processor."""
    torch.manual_seed(3)
    model, processor = {"gemma3": _gemma, "glm4v": _glm, "internvl": _internvl}.get(family, _qwen)(family)
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _qwen(family):
    import transformers as t

    made = tokenizer(_QWEN, "<|im_end|>")
    ids = {name: made.convert_tokens_to_ids(f"<|{spelling}|>") for name, spelling in (
        ("image_token_id", "image_pad"), ("video_token_id", "video_pad"),
        ("vision_start_token_id", "vision_start"), ("vision_end_token_id", "vision_end"),
    )}  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
    text = {**_TEXT, "vocab_size": len(made), "rope_parameters": rope, "bos_token_id": None, "eos_token_id": None}
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 14,
    }
    if family == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1], "window_size": 56}
        config = t.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)
        model, kind = t.Qwen2_5_VLForConditionalGeneration(config), t.Qwen2_5_VLProcessor
    else:
        vision |= {"deepstack_visual_indexes": [1], "num_position_embeddings": 16}
        config = t.Qwen3VLConfig(text_config={**text, "head_dim": 8}, vision_config=vision, **ids)
        model, kind = t.Qwen3VLForConditionalGeneration(config), t.Qwen3VLProcessor
    pixels = {"min_pixels": 28 * 28, "max_pixels": 28 * 28 * 4, "patch_size": 14, "merge_size": 2}
    template = _TEMPLATE.replace("IMAGE", "'<|vision_start|><|image_pad|><|vision_end|>'")
    video = t.Qwen3VLVideoProcessor if family == "qwen3_vl" else t.Qwen2VLVideoProcessor
    processor = kind(
        image_processor=t.Qwen2VLImageProcessor(**pixels), tokenizer=made, video_processor=video(patch_size=14),
        chat_template=template,
    )  # fmt: skip
    return model, processor


def _glm(_family):
    """Pictures of several sizes, whose positions the rows of a batch take from each other."""
    import transformers as t

    controls = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_image|>", "<|end_of_image|>", "<|image|>", "<|video|>")  # fmt: skip  # noqa: E501
    made = tokenizer(controls, "<|im_end|>", image_token="<|image|>", video_token="<|video|>")
    ids = {name: made.convert_tokens_to_ids(f"<|{spelling}|>") for name, spelling in (
        ("image_token_id", "image"), ("video_token_id", "video"), ("image_start_token_id", "begin_of_image"),
        ("image_end_token_id", "end_of_image"),
    )}  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0, "partial_rotary_factor": 1.0}
    text = {**_TEXT, "vocab_size": len(made), "rope_parameters": rope, "bos_token_id": None, "eos_token_id": None}
    text |= {"pad_token_id": made.pad_token_id}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    config = t.Glm4vConfig(text_config=text, vision_config=vision, **ids)
    size = {"shortest_edge": 28 * 28, "longest_edge": 28 * 28 * 8}
    processor = t.Glm4vProcessor(
        image_processor=t.Glm4vImageProcessor(size=size, patch_size=14), tokenizer=made,
        video_processor=t.Glm4vVideoProcessor(),
        chat_template=_TEMPLATE.replace("IMAGE", "'<|begin_of_image|><|image|><|end_of_image|>'"),
    )  # fmt: skip
    return t.Glm4vForConditionalGeneration(config), processor


def _internvl(_family):
    """Pictures of several tiles each."""
    import transformers as t

    made = tokenizer(
        _INTERN, "<|im_end|>", start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )  # fmt: skip
    text = {**_TEXT, "model_type": "qwen2", "vocab_size": len(made), "bos_token_id": None, "eos_token_id": None}
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": [28, 28], "patch_size": [7, 7],
    }  # fmt: skip
    config = t.InternVLConfig(
        text_config=text, vision_config=vision, image_seq_length=4, tie_word_embeddings=False,
        image_token_id=made.convert_tokens_to_ids("<IMG_CONTEXT>"),
    )  # fmt: skip
    size = {"height": 28, "width": 28}
    processor = t.InternVLProcessor(
        image_processor=t.GotOcr2ImageProcessor(size=size, crop_to_patches=True, min_patches=1, max_patches=12),
        tokenizer=made, video_processor=t.InternVLVideoProcessor(size=size), image_seq_length=4,
        chat_template=_TEMPLATE.replace("IMAGE", "'<IMG_CONTEXT>'"),
    )  # fmt: skip
    return t.InternVLForConditionalGeneration(config), processor


def _gemma(_family):
    import transformers as t

    made = tokenizer(
        _GEMMA, "<|im_end|>", boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>"
    )
    text = {
        **_TEXT, "vocab_size": len(made), "head_dim": 8, "sliding_window": 16, "query_pre_attn_scalar": 8,
        "layer_types": ["sliding_attention", "full_attention"], "pad_token_id": made.pad_token_id,
        "eos_token_id": made.eos_token_id, "bos_token_id": made.convert_tokens_to_ids("<bos>"),
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28,
        "patch_size": 7,
    }  # fmt: skip
    config = t.Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4,
        image_token_index=made.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=made.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=made.convert_tokens_to_ids("<end_of_image>"),
    )  # fmt: skip
    processor = t.Gemma3Processor(
        image_processor=t.Gemma3ImageProcessor(size={"height": 28, "width": 28}), tokenizer=made, image_seq_length=4,
        chat_template=_TEMPLATE.replace("IMAGE", "'<start_of_image>'"),
    )  # fmt: skip
    return t.Gemma3ForConditionalGeneration(config), processor
