"""Asking math-verify whether formulas are equal, in a process that can be killed, and remembering what it said."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from visualprm_eval.core.answers.formulas import latex
from visualprm_eval.core.packages import installed

MATH_VERIFY = "math-verify"
_START_S, _PATIENCE_S = 120.0, 10.0

Pair = tuple[str, str]


class MathVerify:
    """A process that compares formulas; started when first asked, killed and started anew when it takes too long.

    Attributes:
        version: The version of the library that it uses.
    """

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self.version = installed(MATH_VERIFY)
        self._patience_s = patience_s
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, left: str, right: str) -> bool | None:
        """Whether formulas in the spelling of keys are equal.

        Where the process dies or takes too long they are not; ``None`` when it cannot even be started.
        """
        pair = latex(left), latex(right)
        if None in pair:
            return False
        process = self._process or self._start()
        if process is None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps(pair).encode() + b"\n")
            process.stdin.flush()
            said = _line(process, self._patience_s)
        except OSError:
            said = b""
        if said not in {b"true\n", b"false\n"}:
            self.close()
        return said == b"true\n"

    def close(self) -> None:
        """Ends the process; the next question starts another."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _start(self) -> subprocess.Popen[bytes] | None:
        # Nothing is imported from the folder that somebody happens to be in.
        command = [sys.executable, "-P", "-m", "visualprm_eval.core.answers.child"]
        paths = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
        weakref.finalize(self, _end, process)
        if _line(process, _START_S) != b"ready\n":
            _end(process)
            return None
        self._process = process
        return process


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The next line that a process says, ``b""`` when there is none in time."""
    if process.stdout is None:
        return b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        # A line of the process is written at once, and one line answers one question.
        return process.stdout.readline() if selector.select(seconds) else b""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


class Equalities:
    """Which formulas are equal: what is known of them, then what somebody says who is asked.

    Args:
        known: What was said before, by pairs in ascending order.
        ask: Who is asked about other pairs; ``None`` for nobody, so that they count as different.

    Attributes:
        used: The pairs that votes asked for and that are known.
        lacking: The pairs that votes asked for and nobody knows of.
    """

    def __init__(self, known: Mapping[Pair, bool], ask: Callable[[str, str], bool | None] | None = None) -> None:
        self._known = dict(known)
        self._ask = ask
        self._new: dict[Pair, bool] = {}
        self.used: set[Pair] = set()
        self.lacking: set[Pair] = set()

    def __call__(self, left: str, right: str) -> bool:
        """Whether two formulas in the spelling of keys are equal."""
        pair = (left, right) if left <= right else (right, left)
        if pair not in self._known:
            said = None if self._ask is None else self._ask(*pair)
            if said is None:
                self.lacking.add(pair)
                return False
            self._known[pair] = self._new[pair] = said
        self.used.add(pair)
        return self._known[pair]

    def taken(self) -> dict[Pair, bool]:
        """What was said since it was last taken."""
        new, self._new = self._new, {}
        return new

    def told(self) -> str:
        """By whom votes were compared, in words."""
        said = f"own rules, and math-verify for {len(self.used):,} pairs of formulas" if self.used else "own rules"
        if self.lacking:
            said += (
                f"; {len(self.lacking):,} pairs of formulas count as different, since nobody compared them: "
                "a run on this work dir does"
            )
        return said
