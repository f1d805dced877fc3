"""The procedure of VisualPRM's model card on the same weights: one forward pass per candidate, all logits.

Each pass cuts and encodes the images again, reads image and question again, and computes the logits of the whole
vocabulary at every position (``generate_steps_with_soft_score`` of OpenGVLab/VisualPRM-8B).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from visualprm_eval.engine.image_features import ImageEncoder
from visualprm_eval.engine.images import ImageSource, load_image
from visualprm_eval.engine.prompt import PromptFormat, question_content

if TYPE_CHECKING:
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint


@torch.inference_mode()
def card_scores(
    checkpoint: LoadedCheckpoint, question: str, steps: Sequence[str], images: Sequence[ImageSource]
) -> list[float]:
    """P(+) of each step of one solution, [T].

    Args:
        checkpoint: A loaded reward model.
        question: The question.
        steps: The steps.
        images: The question's images.

    Raises:
        InputError: When an image cannot be read, or the prompt is too long.
    """
    encoder, form = ImageEncoder(checkpoint), PromptFormat(checkpoint.tokenizer, checkpoint.config)
    opened = [load_image(image) for image in images]
    prompt = form.prm(question_content(question, [encoder.count(image) for image in opened]), steps)
    device, model = checkpoint.device, checkpoint.model
    pixels = torch.cat([encoder.tiles(image) for image in opened]).to(device, model.dtype) if opened else None
    ids = torch.tensor([prompt.ids], device=device)
    logits = model(input_ids=ids, pixel_values=pixels, use_cache=False).logits
    labels = logits[0, list(prompt.positions)][:, [form.plus_id, form.minus_id]].float()
    return [float(score) for score in labels.softmax(dim=-1)[:, 0]]
