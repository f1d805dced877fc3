"""The process that compares LaTeX, see ``visualprm_eval.host.sandbox.latex_helper``: it answers one after the other."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

from visualprm_eval.host.sandbox.audit_hook import watched
from visualprm_eval.host.sandbox.safe_arithmetic import value_of
from visualprm_eval.host.sandbox.safe_sympy import tamed_formulas


def serve(channel: socket.socket, lines: Iterator[bytes], module: str, limit: float) -> None:
    """Answers until the other end is closed.

    Args:
        channel: Where answers go.
        lines: Where questions come from.
        module: The module that has ``latex2sympy``.
        limit: Longest that one comparison may take, in seconds.
    """
    library = importlib.import_module(module)
    with contextlib.suppress(AttributeError):
        kind = library._Latex2Sympy  # noqa: SLF001 - there is no other place before the parser
        kind.create_parser = _looking_ahead(kind.create_parser)
    value = functools.lru_cache(1024)(lambda text: value_of(str(library.latex2sympy(text))))
    with watched([]), tamed_formulas():
        signal.setitimer(signal.ITIMER_REAL, 0)
        channel.sendall(b'"ready"\n')
        for line in lines:
            given, right = json.loads(line)
            signal.setitimer(signal.ITIMER_REAL, limit)  # Which ends this process, whatever it is in.
            same = _same(value, given, right)
            signal.setitimer(signal.ITIMER_REAL, 0)
            channel.sendall(json.dumps(same).encode() + b"\n")


def _same(value: Callable[[str], Any], given: str, right: str) -> bool:
    try:
        return float(abs(value(right) - value(given))) < 1e-6
    except Exception:  # noqa: BLE001 - the parser and sympy raise whatever they like: not equal
        return False


def _looking_ahead(create: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Gives up on a text with a sign or word that no rule of the grammar has, such as the full stop of a sentence.

    The parser raises at the latest when it comes to it, since all of a text must be a formula. To get there takes it
    some thirty times as long as to make words of the text.
    """

    def create_parser(self: Any, text: str) -> Any:
        parser = create(self, text)
        words = parser.getTokenStream()
        words.fill()  # Raises on a sign that is in no word.
        if not all(_has_rule(parser.atn, word.type) for word in words.tokens if word.channel == 0):
            raise ValueError("no formula")
        return parser

    return create_parser


@functools.cache
def _has_rule(grammar: Any, kind: int) -> bool:
    """Whether some rule of a grammar, as antlr4 holds it, has a kind of words."""
    steps = (step for state in grammar.states for step in state.transitions)
    return any(step.matches(kind, 1, grammar.maxTokenType) for step in steps)
