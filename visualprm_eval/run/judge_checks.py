"""Whether a judge is named where one is needed, used where it is named, and has a key where it is asked for one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import ConfigError, GradingError
from visualprm_eval.host.load.host_names import has_settings_file
from visualprm_eval.tasks import TASKS

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions, RunConfig
    from visualprm_eval.store import Store

_KEYED = ("gpt-", "chatgpt-")
"""How names begin of judges that OpenAI serves, where no address is given."""


def check_judge(config: RunConfig, store: Store) -> None:
    """``--judge``: named where a benchmark needs one, used where it is named, with a key where it is asked for one.

    Of benchmarks without a task of their own only the host knows. Where verdicts are stored, nothing may be left to
    grade. Both are looked at later.

    Raises:
        GradingError: A benchmark needs a judge, and none is named.
        ConfigError: The judge would not be used, or there is no key for it.
    """
    if "grade" not in config.stages or config.dry_run or config.step_labels.critics:
        return
    judges = {name: TASKS[name].judged_by(config.judge) for name in config.data if name in TASKS}
    if len(judges) == len(config.data):
        refuse_unused_judge(config.judge, judges)
    graded = {spec.settings.get("benchmark") for spec in store.specs("grading")}
    waiting = {name: judge for name, judge in judges.items() if name not in graded}
    refuse_lack_of_judge([name for name, judge in waiting.items() if TASKS[name].needs_judge and not judge.used])
    address = config.judge.base_url or os.environ.get("OPENAI_API_BASE") or os.environ.get("BOYUE")
    key = config.judge.key or os.environ.get("OPENAI_API_KEY")
    if address or key or has_settings_file():
        return
    if keyed := next((str(each.name) for each in waiting.values() if str(each.name).startswith(_KEYED)), None):
        raise ConfigError(
            f"the judge {keyed} would be asked at OpenAI's own address, which answers nobody without a key: set the "
            "environment variable OPENAI_API_KEY (or --judge-key), or name another server with --judge-base-url"
        )


def refuse_unused_judge(judge: JudgeOptions, judges: Mapping[str, JudgeOptions]) -> None:
    """Refuses a judge's address or key where no benchmark asks a judge.

    Args:
        judge: What the options say.
        judges: Who grades each benchmark.

    Raises:
        ConfigError: None of them is a language model.
    """
    if (judge.base_url or judge.key) and not any(each.used for each in judges.values()):
        raise ConfigError(
            f"--judge-base-url and --judge-key would not be used, since {', '.join(judges)} is graded without a judge "
            "by default; name the judge with --judge, or leave them out"
        )


def refuse_lack_of_judge(names: Sequence[str]) -> None:
    """Refuses benchmarks that need a judge and have none.

    Raises:
        GradingError: There are any.
    """
    if names:
        raise GradingError(f"{', '.join(names)} cannot be graded without a judge: name one with --judge")
