"""Why one of the host's graders raised: what, where, and what it means to whoever wants verdicts.

Graders raise bare exceptions: for lack of a judge, a package, an answer or a category, and for faults of their own.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import EXACT_MATCHING, JudgeOptions
from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import part_of
from visualprm_eval.host.load.host_names import host_folder

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark

_LONGEST = 300
"""Characters of an exception's text in a message; all of it is in the log."""
_OF_A_JUDGE = re.compile(r"judge|\bapi\b|api[ _]?key|openai|\bgpt|credentials|connection error", re.IGNORECASE)
"""What graders say, or do, that find no judge."""
_ASKS = re.compile(r"build_judge\(|\.working\(|(?:model|judge\w*)\.generate\(")
"""Code that needs one."""
_FAULTS = (NameError, SyntaxError)
"""What no text and no table can cause."""
_COUNTING = (ArithmeticError, LookupError, TypeError, ValueError, AssertionError)
"""What graders raise that count by category, where one has no rows."""


def reason_of(error: BaseException, benchmark: Benchmark, judge: JudgeOptions, secrets: Iterable[str | None]) -> str:
    """An exception of the host's grader in words: kind, text, place, and what to do where that is known.

    Args:
        error: What was raised, with its traceback.
        benchmark: Whose grader.
        judge: The judge of the benchmark, as its task has it.
        secrets: What must not be seen.
    """
    frames = list(_frames(error))
    said = one_line(error_text(error, secrets).partition("\n\n")[0], _LONGEST)
    if frames:
        path, line, code = frames[-1]
        said += f" in {path}, line {line}"
        if isinstance(error, AssertionError) and not str(error).strip():
            said += f": {one_line(code, _LONGEST)}"
    meaning = next(filter(None, _meanings(error, benchmark, judge, frames)), "")
    return f"{said}. {meaning}" if meaning else said


_Frame = tuple[str, int, str]
"""A call in the host: its file below the folder that holds the host, the line, and the code."""


def _frames(error: BaseException) -> Iterator[_Frame]:
    """The calls in the host's own code, the innermost last."""
    folder = host_folder()
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if folder is None or not path.is_relative_to(folder) or frame.lineno is None:
            continue
        lines = range(frame.lineno, (frame.end_lineno or frame.lineno) + 1)
        code = " ".join(linecache.getline(frame.filename, line).strip() for line in lines)
        yield str(path.relative_to(folder.parent)), frame.lineno, code


def _meanings(
    error: BaseException, benchmark: Benchmark, judge: JudgeOptions, frames: list[_Frame]
) -> Iterator[str | None]:
    """What an exception may mean, what is surest first."""
    name, kind = benchmark.name, type(benchmark.dataset).__name__
    if isinstance(error, NotImplementedError):
        yield f"The host has no grader for {name} (class {kind})"
    if isinstance(error, ImportError):
        yield _missing_module(error)
    if isinstance(error, FileNotFoundError):
        yield _missing_file(error)
    if isinstance(error, _FAULTS):
        yield _FAULT
    if not judge.used and _looks_for_a_judge(error, frames):
        yield f"{name} needs a judge: name one with --judge"
    if isinstance(error, KeyError):
        yield _missing_column(error, benchmark)
    if isinstance(error, _COUNTING) and benchmark.total and len(benchmark.problems) < benchmark.total:
        part = part_of(len(benchmark.problems), benchmark.total, "problem")
        yield f"There are {part}, and the grader may need some of each category: leave out --limit"
    if not judge.used and benchmark.task.host_judge != EXACT_MATCHING:
        yield f"The host grades it with a judge ({benchmark.task.host_judge}): name one with --judge"


_FAULT = "That is a fault of the host, whatever the texts say: another version of VLMEvalKit may be without it"


def _missing_module(error: ImportError) -> str:
    module = (error.name or "").partition(".")[0]
    if module in {"", "vlmeval"}:
        return _FAULT
    return f"The package that provides {module} is not installed: pip install it into this environment"


def _missing_file(error: FileNotFoundError) -> str | None:
    folder, path = host_folder(), str(error.filename or "")
    if folder is None or not Path(path).is_relative_to(folder):
        return None
    return "This installation of the host lacks the file: a checkout of VLMEvalKit may have it"


def _looks_for_a_judge(error: BaseException, frames: list[_Frame]) -> bool:
    kind = f"{type(error).__module__} {error}"
    return bool(_OF_A_JUDGE.search(kind) or (frames and _ASKS.search(frames[-1][2])))


def _missing_column(error: KeyError, benchmark: Benchmark) -> str | None:
    """Of a column that the benchmark's table lacks; other keys are nobody's columns."""
    called = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    column = error.args[0] if error.args else None
    if not isinstance(column, str) or not any("pandas" in Path(path).parts for path in called):
        return None
    if column in benchmark.dataset.data:
        return None
    what = "has no answers in it: there is" if "answer" in column.lower() else "lacks a column:"
    return f"The file {what} no {column}. Is it a whole file of this benchmark?"
