"""The process that imports the host once and forks for each group, so that one that crashes or hangs ends alone.

Reads what is wanted as JSON from standard input, and writes lines of JSON to standard output: what is known, then each
outcome.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from visualprm_eval.host.load.bridge import load_host
from visualprm_eval.host.sweep.one_group import Outcome, groups, sweep_group

_POLL_S = 0.05


class _Running(NamedTuple):
    """A group at work: what of it is known, its folder, and when it began."""

    known: Outcome
    folder: Path
    start: float


def main() -> None:
    """Sweeps the groups that standard input names; ends them all when it is told to end."""
    wanted = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # Where the host prints.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    load_host()
    known = groups()
    gc.freeze()  # Else each process would copy the host's objects only to count them.
    chosen = [each for each in known if not wanted["names"] or not {*each}.isdisjoint(wanted["names"])]
    names = {name for each in known for name in each}
    unknown = [name for name in wanted["names"] if name not in names]
    out.write(json.dumps({"count": len(chosen), "unknown": unknown, "known": sorted(names)}) + "\n")
    running, begun = dict[int, _Running](), 0
    try:
        while (chosen and not unknown) or running:
            while chosen and len(running) < wanted["jobs"]:
                group, name = chosen.pop(0)
                begun += 1
                # Without names: some classes look for their own in the paths of their files.
                folder = Path(wanted["folder"]) / f"{begun:03}"
                folder.mkdir()
                running[_forked(group, name, folder)] = _Running(Outcome(group, name), folder, time.monotonic())
            for number, each in running.items():
                if time.monotonic() - each.start > wanted["limit_s"]:
                    _end(number)
            number, status = os.waitpid(-1, os.WNOHANG)
            if number in running:
                outcome = _outcome(running.pop(number), status, wanted["limit_s"])
                out.write(json.dumps(asdict(outcome)) + "\n")
            elif not number:
                time.sleep(_POLL_S)
    finally:
        for number in running:
            _end(number)


def _forked(group: str, name: str, folder: Path) -> int:
    """Sweeps a group in a process of its own; its number."""
    number = os.fork()
    if number:
        return number
    try:
        os.setpgid(0, 0)  # What it starts ends with it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(output, stream)
        outcome = sweep_group(group, name, folder)
        (folder / "outcome.json").write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    finally:
        os._exit(0)


def _end(number: int) -> None:
    """Ends a group's process and what it started."""
    with suppress(ProcessLookupError):  # It has hardly begun.
        os.killpg(number, signal.SIGKILL)


def _outcome(ended: _Running, status: int, limit_s: float) -> Outcome:
    seconds = time.monotonic() - ended.start
    try:
        found = Outcome(**json.loads((ended.folder / "outcome.json").read_text("utf-8")))
    except (OSError, ValueError):  # It did not come to its end.
        why = f"it took more than {limit_s} s" if seconds > limit_s else f"its process ended with the status {status}"
        found = replace(ended.known, outcome="ended", reason=why)
    return replace(found, seconds=round(seconds, 1))


if __name__ == "__main__":
    main()
    os._exit(0)  # Nothing is left to be done, and libraries would take their time over their farewells.
