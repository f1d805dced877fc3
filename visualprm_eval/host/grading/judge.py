"""The host's judge: how it is reached, what of it is a secret, and whether it answers at all."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from visualprm_eval.core.config import EXACT_MATCHING, JudgeOptions
from visualprm_eval.core.error_text import error_text, without_data
from visualprm_eval.core.errors import JudgeError
from visualprm_eval.core.proxies import check_way
from visualprm_eval.core.secrets import SHORTEST_SECRET, blanked, secrets_in
from visualprm_eval.core.types import JSONValue
from visualprm_eval.host.grading.replies import NO_REPLY, bounded_replies
from visualprm_eval.host.load.bridge import at_work, load_host

_PROBE_TIMEOUT_S = 60
_NOWHERE = "http://127.0.0.1:9/v1"
"""An address at which nobody answers."""
_HOSTS_OWN = "https://api.openai.com/v1"
"""The host's default address."""


def judge_spec(judge: JudgeOptions) -> dict[str, JSONValue]:
    """What of a judge can change a verdict."""
    if not judge.used:
        return {"judge": judge.name or "default"}
    return {"judge": judge.name, "judge_url": _shown_address(judge_address(judge))}


def judge_address(judge: JudgeOptions) -> str:
    """Where the judge is asked; ``""`` for the host's own default."""
    return judge.base_url or os.environ.get("OPENAI_API_BASE", "")


def judge_keywords(judge: JudgeOptions) -> dict[str, Any]:
    """Keyword arguments for the host's ``evaluate``."""
    # The host builds file names from the judge's name, and folders from a slash in it.
    model = (judge.name or EXACT_MATCHING).replace("/", "--")
    keywords: dict[str, Any] = {"model": model, "nproc": judge.nproc}
    if judge.used:
        keywords |= {"retry": judge.retry, "timeout": judge.timeout_s}
        if judge.base_url:
            keywords["api_base"] = f"{judge.base_url.rstrip('/')}/chat/completions"
        if judge.key:
            keywords["key"] = judge.key
    return keywords


def judge_environment(judge: JudgeOptions) -> dict[str, str | None]:
    """Variables that the host must see: TSV files, the served name of a judge that has a slash in it, and who is asked.

    Excel files would drop what begins with ``=`` and cut long texts. Without a slash ``LOCAL_LLM`` is removed: it
    would silently replace the judge. Some classes (SimpleVQA, MathCanvas, M4Bench) ask OpenAI by a client of their own,
    with what the environment says, also when no judge is to be asked.
    """
    slash = judge.used and judge.name is not None and "/" in judge.name
    changes = {"PRED_FORMAT": "tsv", "EVAL_FORMAT": "csv", "LOCAL_LLM": judge.name if slash else None}
    if not judge.used:
        return {**changes, "OPENAI_API_BASE": _NOWHERE, "OPENAI_API_KEY": None}
    named = {"OPENAI_API_BASE": judge.base_url, "OPENAI_API_KEY": judge.key}
    return {**changes, **{name: value for name, value in named.items() if value}}


def judge_secrets(judge: JudgeOptions) -> tuple[str, ...]:
    """What the host's log must not hold; the host takes keys of many vendors from the environment and logs them."""
    address = urlsplit(judge_address(judge))
    in_address = [address.password or "", address.query, *(value for _, value in parse_qsl(address.query))]
    keys = [judge.key, os.environ.get("OPENAI_API_KEY"), *secrets_in({**load_host().environment, **os.environ})]
    keys += [value for value in in_address if len(value) >= SHORTEST_SECRET]
    return tuple(key for key in keys if key)


_answering: set[JudgeOptions] = set()
"""Judges that answered a probe in this process."""


def probe_judge(judge: JudgeOptions) -> None:
    """Asks the judge for one short reply, in the host's way; the host itself would go on without a word.

    Raises:
        JudgeError: When it does not give one.
        ConfigError: When the environment names a proxy or certificates that cannot be used.
    """
    from vlmeval.dataset.utils import build_judge

    options = {**judge_keywords(judge), "retry": 1, "timeout": min(judge.timeout_s, _PROBE_TIMEOUT_S)}
    way = way_to(judge)
    try:
        with bounded_replies():
            message = [{"type": "text", "value": "Reply with: OK"}]
            code, answer, response = build_judge(**options).generate_inner(message)
    except Exception as error:  # noqa: BLE001 - connection, certificate, name, key: all mean that there is no judge
        reason = error_text(error, judge_secrets(judge))
    else:
        if code == 0 and answer.strip() and NO_REPLY not in answer:
            return
        said = without_data(blanked(getattr(response, "text", answer), judge_secrets(judge)))
        reason = f"status {code}: {said[:200]}"
        if leads_to := getattr(response, "headers", {}).get("Location"):
            reason = f"status {code}: it redirects to {_shown_address(leads_to)}; name that address"
    place = _shown_address(judge_address(judge)) or "the host's default address"
    raise JudgeError(
        f"the judge {judge.name} at {place}{way} does not answer ({reason}); "
        "check --judge, --judge-base-url and --judge-key"
    )


def _shown_address(address: str) -> str:
    """An address without the user, password and query in it, any of which may hold a key."""
    return address.partition("?")[0].rpartition("@")[2]


def way_to(judge: JudgeOptions) -> str:
    """How messages tell of the proxy between here and the judge, see :func:`visualprm_eval.core.proxies.check_way`."""
    return check_way(judge_address(judge) or _HOSTS_OWN, "requests")


def probe_once(judge: JudgeOptions) -> None:
    """Probes a judge unless it already answered in this process; to be called inside :func:`at_work`."""
    if not has_answered(judge):
        probe_judge(judge)
        _answering.add(_asked(judge))


def _asked(judge: JudgeOptions) -> JudgeOptions:
    """The judge whatever it is shown of a text: that it answers, it need say only once."""
    return dataclasses.replace(judge, prediction=None)


def has_answered(judge: JudgeOptions) -> bool:
    """Whether it answered a probe in this process, and no request since went unanswered."""
    return _asked(judge) in _answering


def check_still_there(judge: JudgeOptions, log: Path) -> None:
    """After failed requests: a judge that is gone is an error; one that refuses some texts makes them failures.

    Raises:
        JudgeError: When it does not answer any more.
    """
    forget(judge)
    with at_work(log, environment=judge_environment(judge), secrets=judge_secrets(judge)):
        probe_once(judge)


def forget(judge: JudgeOptions) -> None:
    """It stopped answering: it is to be probed again."""
    _answering.discard(_asked(judge))
