"""The demo's network: InternViT, pixel shuffle, MLP and Qwen2 in the layout of InternVL2.5, 1.7 million weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from visualprm_eval.demo.training.pictures import TARGET_SIZES
from visualprm_eval.engine.config import QWEN2, CheckpointConfig, LanguageConfig, VisionConfig
from visualprm_eval.engine.hf_model import build_model
from visualprm_eval.engine.tokenizer import IMAGE_CONTEXT
from visualprm_eval.tasks.demo_world.world import PICTURE_SIZE

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import InternVLForConditionalGeneration, PreTrainedModel

    from visualprm_eval.engine.tokenizer import Tokenizer


def network_config(vocab_size: int) -> CheckpointConfig:
    """Sizes of the policy and of the reward model.

    Args:
        vocab_size: Number of token ids.
    """
    vision = VisionConfig(
        hidden_size=96, num_hidden_layers=3, num_attention_heads=4, intermediate_size=192,
        image_size=PICTURE_SIZE, patch_size=14,
    )  # fmt: skip
    language = LanguageConfig(
        architecture=QWEN2, vocab_size=vocab_size, hidden_size=128, num_hidden_layers=6, num_attention_heads=4,
        num_key_value_heads=4, intermediate_size=320, max_position_embeddings=2048, rope_theta=10000.0,
    )  # fmt: skip
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
    _init_language(model.model.language_model, seed + 1)
    return model


def _init_language(language: PreTrainedModel, seed: int) -> None:
    """Draws the language model's weights anew, for a narrow network.

    The class's standard deviation of 0.02 is made for wide layers. Here what the layers write would soon drown the
    token that is read, and with it every comparison of what is written with what should be.
    """
    depth: int = language.config.num_hidden_layers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, module in language.named_modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight)
            elif isinstance(module, nn.Linear):
                writes = name.endswith(("o_proj", "down_proj"))
                nn.init.normal_(module.weight, std=(module.in_features * (2 * depth if writes else 1)) ** -0.5)


class Eyes(nn.Module):
    """Image encoder and projector of a network with heads that name what each image token shows.

    Training them first takes an eighth of the work that it takes through the language model. From then on they stay as
    they are, so that what they make of a picture is computed once.

    Args:
        model: The network; its image encoder and projector are shared, not copied.
        seed: Seed of the heads' weights.
    """

    def __init__(self, model: InternVLForConditionalGeneration, seed: int) -> None:
        super().__init__()
        self.vision, self.projector = model.model.vision_tower, model.model.multi_modal_projector
        self._model = (model,)  # In a tuple, so that its language model is not trained as a part of this.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = nn.Linear(model.config.text_config.hidden_size, sum(TARGET_SIZES))

    def logits(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """One tensor [B, 16, classes] per fact of ``TARGET_SIZES``."""
        logits: Tensor = self.heads(image_features(self._model[0], pixels))
        return torch.split(logits, list(TARGET_SIZES), -1)

    def loss(self, pixels: Tensor, facts: Tensor) -> Tensor:
        """Summed cross entropies of the facts [B, 16, 2]."""
        losses = [
            functional.cross_entropy(logits.flatten(0, 1), facts[..., number].flatten())
            for number, logits in enumerate(self.logits(pixels))
        ]
        return torch.stack(losses).sum()


def image_features(model: InternVLForConditionalGeneration, pixels: Tensor) -> Tensor:
    """The image tokens of some pictures: [n, 16, hidden] from [n, 3, H, W]."""
    features: Tensor = model.model.get_image_features(pixel_values=pixels).pooler_output
    return features.reshape(len(pixels), -1, features.shape[-1])


def sequence_loss(model: InternVLForConditionalGeneration, ids: Tensor, labels: Tensor, features: Tensor) -> Tensor:
    """Mean cross entropy of the learned tokens.

    Args:
        model: The network; only its language model is used.
        ids: Token ids padded at the end, [B, L]; causal attention keeps the padding out.
        labels: The ids where a token is learned, else ``sequences.IGNORED``, [B, L].
        features: The image tokens of every sequence [B, 16, hidden]; not used when no sequence has a picture.
    """
    embedded = model.get_input_embeddings()(ids)
    shown = (ids == model.config.image_token_id)[..., None]
    if shown.any():
        embedded = embedded.masked_scatter(shown, features)
    hidden = model.model.language_model(inputs_embeds=embedded).last_hidden_state
    following = labels[:, 1:]
    learned = following >= 0
    return functional.cross_entropy(model.lm_head(hidden[:, :-1][learned]), following[learned])
