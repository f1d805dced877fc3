"""Features, hidden states and logits of the native model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.golden.material import DATA, LOGIT_TOLERANCE, Case, reference
from visualprm_eval.engine.image_features import ImageEncoder
from visualprm_eval.engine.images import load_image


@pytest.fixture
def arrays(name):
    return load_file(DATA / f"reference_{name}.safetensors")


def find(name: str, case_id: str) -> Case:
    return next(Case(facts) for facts in reference(name)["cases"] if facts["id"] == case_id)


@torch.inference_mode()
def test_image_features(prm, name, arrays):
    image = load_image(find(name, "wide").images[0])
    encoder = ImageEncoder(prm.checkpoint)
    pixels = encoder.tiles(image)
    np.testing.assert_allclose(pixels.numpy(), arrays["wide.pixel_values"], rtol=0, atol=1e-6)
    output = prm.checkpoint.model.get_image_features(pixels)
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(output.last_hidden_state.numpy(), arrays["wide.vit_last_hidden_state"], **close)
    expected = arrays["wide.vit_embeds"]
    np.testing.assert_allclose(
        encoder.encode_tiles([encoder.tiles(image)])[0].numpy(), expected.reshape(-1, expected.shape[-1]), **close
    )


@torch.inference_mode()
def test_text_only(prm, name, arrays):
    facts = find(name, "text_only").facts
    output = prm.checkpoint.model(input_ids=torch.tensor([facts["input_ids"]]), output_hidden_states=True)
    logits = output.logits[0, facts["placeholder_indices"]]
    np.testing.assert_allclose(logits.numpy(), arrays["text_only.logits"], rtol=0, atol=LOGIT_TOLERANCE)
    assert len(output.hidden_states) == sum(key.startswith("text_only.hidden_states") for key in arrays)
    for layer, hidden in enumerate(output.hidden_states):
        expected = arrays[f"text_only.hidden_states.{layer}"]
        np.testing.assert_allclose(hidden[0].numpy(), expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_with_image(prm, name, arrays):
    facts = find(name, "wide").facts
    pixels = torch.from_numpy(arrays["wide.pixel_values"])
    output = prm.checkpoint.model(input_ids=torch.tensor([facts["input_ids"]]), pixel_values=pixels)
    logits = output.logits[0, facts["placeholder_indices"]]
    np.testing.assert_allclose(logits.numpy(), arrays["wide.logits"], rtol=0, atol=LOGIT_TOLERANCE)
