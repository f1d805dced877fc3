"""The host's judge: how it is reached, what of it is a secret, and whether it answers at all."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from visualprm_eval.core.errors import JudgeError
from visualprm_eval.core.secrets import SHORTEST_SECRET, blanked
from visualprm_eval.core.types import JSONValue
from visualprm_eval.host.grading.replies import bounded_replies
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.tasks import EXACT_MATCHING, Task

__all__ = ["Judge", "check_still_there", "forget", "has_answered", "probe_judge", "probe_once"]

_PROBE_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Judge:
    """How the host's judge, a language model behind an OpenAI-compatible address, is reached.

    Attributes:
        name: The model; ``None`` for what the benchmark's task says, ``"exact_matching"`` for no judge.
        base_url: The address up to ``/v1``; ``None`` for what the host takes from its environment.
        key: Its key; never printed, logged or stored. ``None`` for what the host takes from its environment.
        nproc: Requests at a time.
        retry: Tries per request.
        timeout_s: Longest wait for one reply, in seconds.
        prediction: What the host gets of a text, ``"raw"`` (all) or ``"final"`` (its final answer); ``None`` for what
            the benchmark's task says.
    """

    name: str | None = None
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    nproc: int = 4
    retry: int = 6
    timeout_s: int = 600
    prediction: Literal["raw", "final"] | None = None

    def resolve(self, task: Task) -> Judge:
        """This judge with the name, and the way to show texts, that a benchmark's task falls back on."""
        named = dataclasses.replace(self, name=self.name or task.judge)
        return dataclasses.replace(named, prediction=self.prediction or task.shows(judged=named.used))

    @property
    def used(self) -> bool:
        """Whether a language model is asked."""
        return self.name not in {None, EXACT_MATCHING}

    def spec(self) -> dict[str, JSONValue]:
        """What of it can change a verdict."""
        if not self.used:
            return {"judge": self.name or "default"}
        return {"judge": self.name, "judge_url": _shown_address(self.base_url or os.environ.get("OPENAI_API_BASE", ""))}

    def options(self) -> dict[str, Any]:
        """Keyword arguments for the host's ``evaluate``."""
        # The host builds file names from the judge's name, and folders from a slash in it.
        model = (self.name or EXACT_MATCHING).replace("/", "--")
        options: dict[str, Any] = {"model": model, "nproc": self.nproc}
        if self.used:
            options |= {"retry": self.retry, "timeout": self.timeout_s}
            if self.base_url:
                options["api_base"] = f"{self.base_url.rstrip('/')}/chat/completions"
            if self.key:
                options["key"] = self.key
        return options

    def environment(self) -> dict[str, str | None]:
        """Variables that the host must see: TSV files, and the served name of a judge that has a slash in it.

        Excel files would drop what begins with ``=`` and cut long texts. Without a slash ``LOCAL_LLM`` is removed: it
        would silently replace the judge.
        """
        slash = self.used and self.name is not None and "/" in self.name
        return {"PRED_FORMAT": "tsv", "EVAL_FORMAT": "csv", "LOCAL_LLM": self.name if slash else None}

    def secrets(self) -> tuple[str, ...]:
        """What the host's log must not hold; the host takes keys of many vendors from the environment and logs them."""
        address = urlsplit(self.base_url or os.environ.get("OPENAI_API_BASE", ""))
        known = {**load_host().environment, **os.environ}
        said = [value for name, value in known.items() if name.upper().endswith(_SECRET_NAMES)]
        said += [address.password or "", address.query, *(value for _, value in parse_qsl(address.query))]
        guarded = [each for each in said if len(each) >= SHORTEST_SECRET]
        return tuple(key for key in (self.key, os.environ.get("OPENAI_API_KEY"), *guarded) if key)


_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
"""How the names of variables end whose values are nobody's business."""

_answering: set[Judge] = set()
"""Judges that answered a probe in this process."""


def probe_judge(judge: Judge) -> None:
    """Asks the judge for one short reply, in the host's way; the host itself would go on without a word.

    Raises:
        JudgeError: When it does not give one.
    """
    from vlmeval.dataset.utils import build_judge

    options = {**judge.options(), "retry": 1, "timeout": min(judge.timeout_s, _PROBE_TIMEOUT_S)}
    address = judge.base_url or os.environ.get("OPENAI_API_BASE") or "the host's default address"
    try:
        with bounded_replies():
            code, answer, response = build_judge(**options).generate_inner(
                [{"type": "text", "value": "Reply with: OK"}]
            )
    except Exception as error:  # noqa: BLE001 - connection, certificate, name, key: all mean that there is no judge
        reason = f"{type(error).__name__}: {error}"
    else:
        if code == 0 and answer.strip() and "Failed to obtain answer" not in answer:
            return
        reason = f"status {code}: {getattr(response, 'text', answer)[:200]}"
        if leads_to := getattr(response, "headers", {}).get("Location"):
            reason = f"status {code}: it redirects to {_shown_address(leads_to)}; name that address"
    reason = blanked(reason, judge.secrets())
    raise JudgeError(
        f"the judge {judge.name} at {_shown_address(address)} does not answer ({reason}); "
        "check --judge, --judge-base-url and --judge-key"
    )


def _shown_address(address: str) -> str:
    """An address without the user, password and query in it, any of which may hold a key."""
    return address.partition("?")[0].rpartition("@")[2]


def probe_once(judge: Judge) -> None:
    """Probes a judge unless it already answered in this process; to be called inside :func:`at_work`."""
    if not has_answered(judge):
        probe_judge(judge)
        _answering.add(_asked(judge))


def _asked(judge: Judge) -> Judge:
    """The judge whatever it is shown of a text: that it answers, it need say only once."""
    return dataclasses.replace(judge, prediction=None)


def has_answered(judge: Judge) -> bool:
    """Whether it answered a probe in this process, and no request since went unanswered."""
    return _asked(judge) in _answering


def check_still_there(judge: Judge, log: Path) -> None:
    """After failed requests: a judge that is gone is an error; one that refuses some texts makes them failures.

    Raises:
        JudgeError: When it does not answer any more.
    """
    forget(judge)
    with at_work(log, environment=judge.environment(), secrets=judge.secrets()):
        probe_once(judge)


def forget(judge: Judge) -> None:
    """It stopped answering: it is to be probed again."""
    _answering.discard(_asked(judge))
