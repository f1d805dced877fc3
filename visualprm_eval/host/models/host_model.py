"""Any model class of the host as a policy: one call, one sample.

What a class keeps of one sample (a conversation, a changed setting) never reaches the next: every sample is asked of a
copy of the model object as it was built. Weights and other objects are shared by the copies.
"""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from visualprm_eval.core.error_text import error_text, in_short
from visualprm_eval.core.errors import PolicyError, UnknownNameError
from visualprm_eval.core.secrets import blanked, secrets_in
from visualprm_eval.core.types import Candidate, Problem, digest
from visualprm_eval.host.grading.replies import NO_REPLY
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.load.model_fingerprint import factory_fingerprint
from visualprm_eval.host.models.sampling_settings import (
    SamplingSettings,
    apply_settings,
    copied_attributes,
    forced_generation,
    fresh_copy,
    loaded_since,
    only_native_code,
    seeded,
)

TESTED_CLASSES = frozenset(
    {"vlmeval.api.gpt.GPT4V", "vlmeval.api.lmdeploy.LMDeployAPI", "vlmeval.vlm.internvl.internvl_chat.InternVLChat"}
)
"""Classes of the host of which a test shows that temperature, top-p and seed reach the model."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model by its name.

    Attributes:
        fingerprint: See :func:`model_fingerprint`.
        class_name: See :func:`class_name`.
    """

    fingerprint: str
    class_name: str


def model_facts(name: str) -> ModelFacts:
    """What is known of a model that is not built.

    Raises:
        UnknownNameError: When the host does not know the name.
    """
    return ModelFacts(model_fingerprint(name), class_name(name))


def model_fingerprint(name: str) -> str:
    """Names what stands behind a model's name: another class, keyword or server gets another fingerprint.

    Args:
        name: The host's name of the model, which is not built.

    Raises:
        UnknownNameError: When the host does not know the name.
    """
    version = load_host().version
    return factory_fingerprint(_factory(name), version)


def class_name(name: str) -> str:
    """The class behind a name of the host's table, with its module; nothing is built.

    Raises:
        UnknownNameError: When the host does not know the name.
    """
    load_host()
    factory = _factory(name)
    made = getattr(factory, "func", factory)
    return f"{made.__module__}.{made.__qualname__}"


class HostPolicy:
    """A model of the host, sampled with settings and seeds of ours.

    The prompt is ``Problem.parts``, see ``visualprm_eval.host.models.prompts``.

    Args:
        name: The host's name of the model.
        temperature: Sampling temperature; 0 is greedy.
        top_p: Nucleus of sampling; 1 keeps all.
        max_tokens: Longest sample in tokens; ``None`` for what the class says.
        retry: Tries per request of an API model.
        allow_remote_code: Let the class run code that ships with a checkpoint.
        cot: What the classes are told that ask the environment whether chain of thought is wanted.

    Raises:
        UnknownNameError: When the host does not know the name.
        PolicyError: When the host cannot build the model here.
    """

    def __init__(
        self, name: str, *, temperature: float, top_p: float = 1.0, max_tokens: int | None = None,
        retry: int = 6, allow_remote_code: bool = False, cot: bool = False,
    ) -> None:  # fmt: skip
        load_host()
        factory = _factory(name)
        self.name = name
        self.settings = SamplingSettings(temperature, top_p, max_tokens)
        self._allow_remote_code, self._retry = allow_remote_code, retry
        self._environment = {"USE_COT": "1" if cot else None}
        self._keys = _keys(factory)  # Some classes log theirs.
        with self._working():
            try:
                self.model = factory()
            except PolicyError:
                raise
            except Exception as error:  # Packages, weights, devices, keys: whatever the class needs and lacks.
                raise PolicyError(
                    f"the host cannot build {name} here ({error_text(error, self._keys)}); look at what its class "
                    "needs, or sample it in its own environment and pass the texts with --candidates"
                ) from error
        self._keys = _keys(factory, self.model)
        self._as_built = copied_attributes(self.model)
        self._fresh()  # A class that nobody can ask for samples is told at once.

    def at(self, settings: SamplingSettings) -> HostPolicy:
        """The same model object with other settings."""
        twin = copy.copy(self)
        twin.settings = settings
        return twin

    def _fresh(self) -> Any:
        """A copy of the model object as it was built, with this policy's settings."""
        model = fresh_copy(self.model, self._as_built)
        apply_settings(model, self.settings, self._retry)
        return model

    @property
    def is_api(self) -> bool:
        """Whether samples come from an API, so that several may be asked for at a time."""
        return bool(getattr(self.model, "is_api", False))

    def sample(self, problem: Problem, rank: int, seed: int) -> Candidate:
        """Draws one sample; an API model may be asked from several threads.

        Args:
            problem: What to answer.
            rank: The sample's place among those of its problem.
            seed: The run's seed; the sample's own is made of it, the problem and the rank.

        Returns:
            The sample, or why there is none.

        Raises:
            PolicyError: When the model would run code of a checkpoint.
        """
        own_seed = int(digest([seed, problem.id, rank]), 16) % 2**31
        message = [{"type": part.kind, "value": part.value} for part in problem.parts]
        start = time.monotonic()
        text, failure = "", None
        try:
            text = self._ask(message, problem.benchmark, own_seed)
            if text.startswith(NO_REPLY):
                text, failure = "", in_short(f"the host's model gave up: {blanked(text, self._keys).strip()}")
        except PolicyError:
            raise
        except Exception as error:  # noqa: BLE001 - a failed sample is a fact; the run goes on
            failure = error_text(error, self._keys)
        seconds = time.monotonic() - start
        return Candidate(problem.id, rank, text, error=failure, seconds=seconds)

    def _ask(self, message: list[dict[str, str]], dataset: str, seed: int) -> str:
        """One call of the model; it gets a copy of the message, since the host's classes change theirs."""
        message, model = copy.deepcopy(message), self._fresh()
        if self.is_api:
            reply = self._ask_api(model, message, dataset, seed)
        else:
            native = getattr(model, "samples_itself", False)
            forced = contextlib.nullcontext() if native else forced_generation(self.settings)
            with self._working(), seeded(seed), forced:
                reply = model.generate(message=message, dataset=dataset)
        self._as_built.update(loaded_since(model, self._as_built))
        if isinstance(reply, dict):  # Classes that use tools return records beside the text.
            reply = reply["prediction"]
        if not isinstance(reply, str):
            raise TypeError(f"the host's model returned {type(reply).__name__}, expected text")
        return reply

    def _ask_api(self, model: Any, message: list[dict[str, str]], dataset: str, seed: int) -> Any:
        from vlmeval.api.base import BaseAPI
        from vlmeval.api.gpt import OpenAIWrapper
        from vlmeval.api.openai_sdk import OpenAISDKWrapper

        # The classes' own generate takes no seed; the base's passes it on to the request.
        if isinstance(model, OpenAISDKWrapper):
            return BaseAPI.generate(model, message, dataset=dataset, seed=seed)
        if isinstance(model, OpenAIWrapper):  # It would post the dataset's name too.
            return BaseAPI.generate(model, message, seed=seed)
        return model.generate(message=message, dataset=dataset)

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        guard = contextlib.nullcontext() if self._allow_remote_code else only_native_code(self.name)
        with at_work(environment=self._environment, secrets=self._keys), guard:
            yield


def _factory(name: str) -> Callable[[], Any]:
    """What the host calls to build a model."""
    from vlmeval.config import supported_VLM

    if name not in supported_VLM:
        raise UnknownNameError("model", name, supported_VLM)
    factory: Callable[[], Any] = supported_VLM[name]
    return factory


def _keys(factory: Any, model: Any = None) -> tuple[str, ...]:
    """API keys, which classes log and servers repeat: those of the host's entry, of the model, of the environment."""
    return secrets_in({**os.environ, **getattr(factory, "keywords", {}), "model's key": getattr(model, "key", None)})
