"""The demo's network: InternViT, pixel shuffle, MLP and Qwen2 in the layout of InternVL2.5, 1.3 million weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from visualprm_eval.demo.pictures import TARGET_SIZES
from visualprm_eval.demo.world import PICTURE_SIZE
from visualprm_eval.prm.config import QWEN2, CheckpointConfig, LanguageConfig, VisionConfig
from visualprm_eval.prm.native import build_model
from visualprm_eval.prm.tokenizer import IMAGE_CONTEXT

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import InternVLForConditionalGeneration

    from visualprm_eval.prm.tokenizer import Tokenizer


Judge = tuple["InternVLForConditionalGeneration", CheckpointConfig]


def network_config(vocab_size: int) -> CheckpointConfig:
    """Sizes of the policy and of the reward model.

    Args:
        vocab_size: Number of token ids.
    """
    vision = VisionConfig(
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
        image_size=PICTURE_SIZE,
        patch_size=14,
    )
    language = LanguageConfig(
        architecture=QWEN2,
        vocab_size=vocab_size,
        hidden_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=320,
        max_position_embeddings=2048,
        rope_theta=10000.0,
    )
    return CheckpointConfig(vision=vision, language=language)


def new_network(config: CheckpointConfig, tokenizer: Tokenizer, seed: int) -> InternVLForConditionalGeneration:
    """A network with random weights drawn from ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(config, tokenizer.id_of(IMAGE_CONTEXT))
    for layer in model.model.vision_tower.encoder.layer:
        # The class starts at 0.1, made for deep networks; three layers learn faster at full strength.
        layer.lambda_1.data.fill_(1.0)
        layer.lambda_2.data.fill_(1.0)
    return model


def with_judgement(base: InternVLForConditionalGeneration, config: CheckpointConfig, layers: int, seed: int) -> Judge:
    """A deeper network that begins as the base and learns in its new layers, final norm and output head only.

    At every position the base's last layer holds what it would write next. New layers on top can compare that with what
    is written there; layers beside the base's own could not see it.

    Args:
        base: The network below; its weights stay as they are.
        config: Its configuration.
        layers: How many layers to put on top; their outputs begin as zero.
        seed: Seed of the new layers' weights.

    Returns:
        The network and its configuration.
    """
    depth = config.language.num_hidden_layers + layers
    deeper = replace(config, language=replace(config.language, num_hidden_layers=depth))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(deeper, base.config.image_token_id)
    model.load_state_dict(base.state_dict(), strict=False)
    model.requires_grad_(requires_grad=False)
    language = model.model.language_model
    for layer in language.layers[-layers:]:
        layer.requires_grad_()
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()
    language.norm.requires_grad_()
    model.lm_head.requires_grad_()
    return model, deeper


class Eyes(nn.Module):
    """Image encoder and projector of a network with heads that name what each image token shows.

    Training them first takes an eighth of the work that it takes through the language model.

    Args:
        model: The network; its image encoder and projector are shared, not copied.
        seed: Seed of the heads' weights.
    """

    def __init__(self, model: InternVLForConditionalGeneration, seed: int) -> None:
        super().__init__()
        self.vision, self.projector = model.model.vision_tower, model.model.multi_modal_projector
        self._features = model.model.get_image_features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = nn.Linear(model.config.text_config.hidden_size, sum(TARGET_SIZES))

    def logits(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """One tensor [B, 16, classes] per fact of ``TARGET_SIZES``."""
        features = self._features(pixel_values=pixels).pooler_output
        logits: Tensor = self.heads(features.reshape(len(pixels), -1, features.shape[-1]))
        return torch.split(logits, list(TARGET_SIZES), -1)

    def loss(self, pixels: Tensor, facts: Tensor) -> Tensor:
        """Summed cross entropies of the facts [B, 16, 4]."""
        losses = [
            functional.cross_entropy(logits.flatten(0, 1), facts[..., number].flatten())
            for number, logits in enumerate(self.logits(pixels))
        ]
        return torch.stack(losses).sum()


def sequence_loss(model: InternVLForConditionalGeneration, ids: Tensor, labels: Tensor, pixels: Tensor) -> Tensor:
    """Mean cross entropy of the learned tokens.

    Args:
        model: The network.
        ids: Token ids padded at the end, [B, L]; causal attention keeps the padding out.
        labels: The ids where a token is learned, else ``sequences.IGNORED``, [B, L].
        pixels: One tile per sequence, [B, 3, H, W].
    """
    hidden = model.model(input_ids=ids, pixel_values=pixels).last_hidden_state
    following = labels[:, 1:]
    learned = following >= 0
    return functional.cross_entropy(model.lm_head(hidden[:, :-1][learned]), following[learned])
