"""Makes the host's model classes sample as asked; each of them has its own way, and most are greedy.

Local classes keep generation settings in a dictionary, in attributes, or fixed in their code (InternVL's 0.6). Nearly
all end in transformers' ``generate``, so the settings are put in there as well. API classes keep them in attributes, or
in the keyword arguments that they post.
"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.host.patching import held, patch

_GENERATION_KEYS = frozenset({"do_sample", "temperature", "top_p", "top_k", "num_beams", "max_new_tokens"})


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How a policy samples.

    Attributes:
        temperature: 0 is greedy.
        top_p: Nucleus; 1 keeps all.
        max_tokens: Longest sample in tokens; ``None`` for what the class says.
    """

    temperature: float
    top_p: float = 1.0
    max_tokens: int | None = None

    def generation(self) -> dict[str, Any]:
        """Keyword arguments of transformers' ``generate``."""
        options: dict[str, Any] = {"do_sample": False, "num_beams": 1}
        if self.temperature > 0:
            # 0 switches off the top-k filter, which transformers would otherwise set to 50 and Qwen's class to 1.
            options |= {"do_sample": True, "temperature": self.temperature, "top_p": self.top_p, "top_k": 0}
        if self.max_tokens is not None:
            options["max_new_tokens"] = self.max_tokens
        return options

    def request(self) -> dict[str, Any]:
        """Fields of an OpenAI-compatible request."""
        longest = {} if self.max_tokens is None else {"max_tokens": self.max_tokens}
        return {"temperature": self.temperature, "top_p": self.top_p, **longest}


def apply_settings(model: Any, settings: SamplingSettings, retry: int) -> None:
    """Puts the settings where a model object of the host keeps its own, and keeps it from printing every reply.

    Args:
        model: A model object of the host; it is changed.
        settings: How to sample.
        retry: Tries per request of an API model.

    Raises:
        PolicyError: When an API class has no place for a temperature, so that nobody knows how it samples.
    """
    from vlmeval.api.gpt import OpenAIWrapper
    from vlmeval.api.openai_sdk import OpenAISDKWrapper

    attributes = {**settings.request(), "retry": retry, "verbose": False}
    if settings.max_tokens is not None:
        attributes["max_new_tokens"] = settings.max_tokens
    for name, value in attributes.items():
        if isinstance(getattr(model, name, None), int | float):
            setattr(model, name, value)
    if isinstance(model, OpenAIWrapper | OpenAISDKWrapper):
        model.default_kwargs = {**model.default_kwargs, **settings.request()}
    elif getattr(model, "is_api", False) and not hasattr(model, "temperature"):
        raise PolicyError(
            f"the host's class {type(model).__name__} has no temperature setting, so nobody knows how it samples; "
            "sample elsewhere and pass the texts with --candidates"
        )
    for name in ("kwargs", "generate_kwargs"):
        options = getattr(model, name, None)
        if isinstance(options, dict) and _GENERATION_KEYS & set(options):
            options.update(settings.generation())


def copied_attributes(model: Any) -> dict[str, Any]:
    """The attributes of an object with copies of their containers; what is in them is shared, be it weights or text."""
    return {name: _copied(value) for name, value in getattr(model, "__dict__", {}).items()}


def fresh_copy(model: Any, attributes: Mapping[str, Any]) -> Any:
    """A copy of a model object with the attributes that it had once.

    Args:
        model: The object; it is not changed.
        attributes: What ``copied_attributes`` said of it then.
    """
    twin = copy.copy(model)
    if hasattr(twin, "__dict__"):
        twin.__dict__.clear()
        # A list: another thread may just have loaded something.
        twin.__dict__.update({name: _copied(value) for name, value in list(attributes.items())})
    return twin


def loaded_since(model: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Large objects that a model object got since, such as weights that its class loads with the first message.

    Args:
        model: The object, or a fresh copy of it that was used.
        attributes: What ``copied_attributes`` said of it before.
    """
    plain = (str, bytes, int, float, dict, list, tuple, set, type(None))
    return {
        name: value
        for name, value in getattr(model, "__dict__", {}).items()
        if attributes.get(name) is None and not isinstance(value, plain)
    }


def _copied(value: Any) -> Any:
    """A copy of nested plain containers; anything else is itself."""
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    if type(value) in {list, tuple, set}:
        return type(value)(_copied(item) for item in value)
    return value


_call = SimpleNamespace(settings=None, native_model="")
"""``settings`` with which is sampled; ``native_model``: the name of one that must not run code of its checkpoint."""


@functools.cache
def apply() -> None:
    """Lets transformers look at what holds for the present call."""
    import transformers.dynamic_module_utils as modules
    from transformers import GenerationMixin

    patch(GenerationMixin, "generate", _generate)
    patch(modules, "get_cached_module_file", _module_file)


def forced_generation(settings: SamplingSettings) -> AbstractContextManager[None]:
    """While it lasts, transformers' ``generate`` samples as asked, whatever its caller says."""
    return held(_call, "settings", settings)


def _generate(generate: Any, model: Any, /, *arguments: Any, **options: Any) -> Any:
    if _call.settings is not None:
        for key in ("temperature", "top_p", "top_k", "num_beams"):
            options.pop(key, None)
        options |= _call.settings.generation()
    return generate(model, *arguments, **options)


def only_native_code(model: str) -> AbstractContextManager[None]:
    """While it lasts, transformers refuses to run code that ships with a checkpoint, which most host classes ask it to.

    Raises:
        PolicyError: When such code would run.
    """
    return held(_call, "native_model", model)


def _module_file(original: Any, *arguments: Any, **options: Any) -> Any:
    from visualprm_eval.engine.checkpoint_folder import transformers_sibling

    if not _call.native_model:
        return original(*arguments, **options)
    source = arguments[0] if arguments else "the checkpoint"
    sibling = transformers_sibling(str(source))
    way = f"--model hf:{sibling} runs the same weights" if sibling else "--model hf:PATH_OR_ID may run its weights"
    raise PolicyError(
        f"{_call.native_model}: the host would run Python code that ships with {source}; say --allow-remote-code if "
        f"you trust it. Without such code {way} by transformers' own class, and --base-url asks a server"
    )


def seed_all(seed: int) -> None:
    """Seeds Python's, numpy's and torch's global generators, which the host's classes use."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is meant
    torch.manual_seed(seed)
