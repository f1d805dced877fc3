"""Parsing of command lines: an error is one line that names the option, what was expected and what may be meant."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.folders import user_path
from visualprm_eval.core.visible import one_line
from visualprm_eval.run.host_options import HINTS

_FEW = 12
"""So many choices are listed."""
_LONGEST = 60
"""Characters of a word that messages repeat."""


class Parser(argparse.ArgumentParser):
    """A parser that raises ``ConfigError`` where argparse prints its usage and ends the process."""

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong."""
        raise ConfigError(message.removeprefix("argument "))

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Knows all of its options: what it does not know is an error here, where the nearest one is known."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = one_line(unknown[0].partition("=")[0], _LONGEST)
            if option in HINTS:
                raise ConfigError(f"unknown option {option}: VLMEvalKit's own runner has it, here it {HINTS[option]}")
            if option.startswith("-") and option != "-":
                nearest = _nearest(option, self._option_string_actions, f"see {self.prog} --help")
                raise ConfigError(f"unknown option {option}; {nearest}")
            raise ConfigError(f"{option!r} belongs to no option; see {self.prog} --help")
        return parsed, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuses what is none of an action's choices: a command, or an option's value."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        told = f"expected {'one of ' if len(choices) > 1 else ''}{', '.join(choices[:_FEW])}"
        what = "/".join(action.option_strings) or "command"
        nearest = _nearest(str(value), choices, "")
        raise ConfigError(f"{what} {one_line(str(value), _LONGEST)}: {told}" + (f"; {nearest}" if nearest else ""))


def _nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else otherwise


def whole_number(text: str) -> int:
    """A whole number, for an option.

    Raises:
        argparse.ArgumentTypeError: It is none, or longer than any that is meant.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, not {one_line(text, _LONGEST)!r}") from None


def number(text: str) -> float:
    """A number, for an option.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, not {one_line(text, _LONGEST)!r}") from None


def path(text: str) -> Path:
    """A path, for an option; ``~`` is somebody's home.

    Raises:
        argparse.ArgumentTypeError: It is empty, or names the home of nobody.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got an empty text")
    try:
        return user_path(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
