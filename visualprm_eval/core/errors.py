"""Every error that a user can cause or meet.

    VisualPRMEvalError
    ├── ConfigError          an option, or a combination of options, that makes no sense
    │   └── UnknownNameError a model, benchmark, reranker or critic that nobody knows
    ├── CheckpointError      a checkpoint that cannot be loaded faithfully
    ├── TokenizerError       a tokenizer that cannot be built exactly
    ├── InputError           a question, image or step that cannot be scored
    │   └── ContextLengthError   a text longer than the model's context
    ├── BenchmarkError       benchmark data that is missing or malformed
    │   └── MissingFilesError    files of benchmarks that are not there and cannot be fetched
    ├── CandidateFileError   a pack of candidates that cannot be read
    ├── StoreError           the store in the work dir
    │   ├── StoreLockedError     another process writes to it
    │   ├── StoreConflictError   stores that contradict each other
    │   └── StoreDamagedError    the file is not a sound store
    ├── RanksError           ranks of one run that do not work together
    ├── HostError            the host toolkit cannot be used
    │   └── HostDiedError        its process ended while it worked
    ├── PolicyError          a policy that cannot write samples
    ├── CriticError          a critic that cannot score
    │   └── UnreadableJudgeError a judge of steps of whose replies none can be read
    └── GradingError         the host could not grade
        ├── JudgeError           the host's judge does not answer, or not all requests
        ├── GraderStumbledError  the host's grader raised, perhaps over one text of many
        ├── NoVerdictsError      the host's grader says nothing of single texts that is understood
        └── GraderRefusedError   the host's grader wants to start a program, or to write where it must not

Each message says what happened, what was expected and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class VisualPRMEvalError(Exception):
    """Base of all errors of this package; the command line prints it without a traceback."""


class ConfigError(VisualPRMEvalError):
    """An option, or a combination of options, that makes no sense."""


class UnknownNameError(ConfigError):
    """A name that nobody knows; the message offers the nearest known ones.

    Args:
        kind: What the name stands for, such as ``"reranker"``.
        name: The unknown name.
        known: All known names.
        hint: One more clause for the end of the message, in brackets.
        where: Where the name stands, such as ``"in reranker 'visualprm:mode'"``.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "", *, where: str = "") -> None:
        self.kind, self.name = kind, name
        options = sorted(set(known))
        lowered = {option.lower(): option for option in options}
        close = difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)
        message = f"unknown {kind} {name!r} {where}".rstrip()
        if close:
            message += "; did you mean " + " or ".join(repr(lowered[match]) for match in close) + "?"
        elif len(options) <= 20:
            message += "; known: " + ", ".join(options)
        super().__init__(f"{message} {hint}".rstrip())


class CheckpointError(VisualPRMEvalError):
    """A checkpoint that cannot be loaded faithfully."""


class TokenizerError(VisualPRMEvalError):
    """A tokenizer that cannot be built exactly."""


class InputError(VisualPRMEvalError):
    """A question, image or step that cannot be scored."""


class ContextLengthError(InputError):
    """A text longer than the model's context."""


class BenchmarkError(VisualPRMEvalError):
    """Benchmark data that is missing or malformed."""


class MissingFilesError(BenchmarkError):
    """Files of benchmarks that are not there and cannot be fetched.

    Args:
        missing: Of each benchmark, in a sentence: which file, where it was looked for, where it comes from.
    """

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        first = self.missing[0] + ". " if len(self.missing) == 1 else ""
        listed = "" if first else "files are missing:\n" + "".join(f"  {each}\n" for each in self.missing)
        super().__init__(
            f"{first}{listed}Download what is missing where there is a network and put it there by hand, or name the "
            "folder that holds it with --data-dir (or the environment variable LMUData)"
        )


class CandidateFileError(VisualPRMEvalError):
    """A pack of candidates that cannot be read."""


class StoreError(VisualPRMEvalError):
    """The store in the work dir cannot be used."""


class StoreLockedError(StoreError):
    """Another process writes to the store."""


class StoreConflictError(StoreError):
    """Stores that contradict each other."""


class StoreDamagedError(StoreError):
    """The file is not a sound store."""


class RanksError(VisualPRMEvalError):
    """Ranks of one run that do not work together."""


class HostError(VisualPRMEvalError):
    """The host toolkit cannot be used."""


class HostDiedError(HostError):
    """The host's process ended while it worked; the next request starts a new one.

    Args:
        message: What happened.
        reason: Of what it died, in few words.
        output: The end of what it printed.
    """

    def __init__(self, message: str, reason: str = "", output: str = "") -> None:
        super().__init__(message)
        self.reason, self.output = reason, output


class PolicyError(VisualPRMEvalError):
    """A policy that cannot write samples."""


class CriticError(VisualPRMEvalError):
    """A critic that cannot score."""


class UnreadableJudgeError(CriticError):
    """A judge of steps of whose replies none can be read; it is not asked about more."""


class GradingError(VisualPRMEvalError):
    """The host could not grade."""


class JudgeError(GradingError):
    """The host's judge does not answer, or not all requests; what the host says without its replies is void."""


class GraderStumbledError(GradingError):
    """The host's grader raised; one text of the table may be why.

    Args:
        message: What happened.
        folder: Where the host worked on the table.
        reason: What it raised, without secrets.
    """

    def __init__(self, message: str, folder: Path | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.folder, self.reason = folder, reason


class NoVerdictsError(GradingError):
    """The host's grader says nothing of single texts that is understood; there are figures of whole tables only."""


class GraderRefusedError(GradingError):
    """The host's grader wants to start a program, or to write where it must not: its verdicts would mean nothing."""
