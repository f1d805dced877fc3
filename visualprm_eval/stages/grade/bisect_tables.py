"""One text that a grader of the host cannot take must not cost a table its verdicts: it is found by bisection.

Where the grader stumbles over a table, halves of it are graded apart, down to single texts. Such a text is one counted
failure. What a judge replied is kept reply by reply, so halves ask nothing twice. A judge that does not answer, a
grader that was refused something, and whatever no text can be blamed for, is an error as it stands.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from visualprm_eval.core.errors import GraderStumbledError, GradingError, NoVerdictsError
from visualprm_eval.core.types import Problem, Verdict, text_id
from visualprm_eval.core.words import counted, verb
from visualprm_eval.stages.experiment import Work

MOST_EVALUATIONS = 512
"""Most parts of a table that are tried; enough for some forty such texts among 5,000."""
_ENOUGH = 8
"""So many texts that a grader cannot take, and none that it can: it cannot take any."""
_LONGEST_REASON = 300

Fact = tuple[str, str, Verdict]
"""A problem's id, a text's id, the verdict."""


def graded_in_parts(
    table: Sequence[Work],
    grade: Callable[[Sequence[Work]], Sequence[Fact]],
    *,
    works: bool,
    takes_answers: Callable[[Sequence[Work]], bool] = lambda _: False,
) -> Iterator[Sequence[Fact]]:
    """The verdicts of a table, at once, or part by part where the grader stumbles.

    Args:
        table: Texts of different problems.
        grade: Grades some of them.
        works: Whether the grader is known to take some texts.
        takes_answers: Whether it takes the reference answers in the place of these texts; asked where it takes none
            of a table of few.

    Raises:
        GradingError: As ``grade``; the last stumble where no text can be graded and no reference answer, or where too
            many cannot. What was yielded until then holds.
    """
    search = _Search(works)
    waiting = [list(table)]
    for _ in range(MOST_EVALUATIONS):
        if not waiting:
            break
        part = waiting.pop()
        try:
            facts = grade(part)
        except GradingError as error:
            waiting += search.halves(part, error)
            continue
        search.works = True
        yield facts
    if search.found:
        search.works = search.works or takes_answers([work for work, _ in search.found])
        yield search.failures()
    search.check(left=sum(map(len, waiting)))


def texts_not_taken(
    problems: Sequence[Problem], table: Mapping[str, str], ask: Callable[[Mapping[str, str]], object]
) -> Iterator[Fact]:
    """The texts of a table that a grader cannot take, as failures, where it counts whole tables only.

    It may not be able to count a part of a table: reference answers stand for the texts that are not tried.

    Args:
        problems: The benchmark's.
        table: The texts by the index of their problem.
        ask: Lets the grader evaluate such a table.

    Raises:
        GradingError: The grader raises over reference answers too, or over every text.
    """
    own = {problem.id: problem for problem in problems if problem.index in table}
    answers = {problem.index: problem.answer or "unknown" for problem in own.values()}

    def grade(part: Sequence[Work]) -> Sequence[Fact]:
        ask({**answers, **{own[problem_id].index: text for problem_id, _, text in part}})
        return []

    grade([])
    texts = {problem_id: table[problem.index] for problem_id, problem in own.items()}
    work = [(problem_id, text_id(text), text) for problem_id, text in texts.items()]
    yield from chain.from_iterable(graded_in_parts(work, grade, works=False))


@dataclass
class _Search:
    """What is known of a grader and the texts that it cannot take.

    Attributes:
        works: Whether it has taken any text.
        found: The texts that it cannot take, with what it said.
        first: What it said first.
    """

    works: bool
    found: list[tuple[Work, GradingError]] = field(default_factory=list)
    first: GradingError | None = None

    def halves(self, part: list[Work], error: GradingError) -> list[list[Work]]:
        """What to try next; nothing after a single text."""
        raised = isinstance(error, NoVerdictsError) and error.__cause__ is not None
        if not raised and not isinstance(error, GraderStumbledError):  # No fault of a text.
            raise error
        self.first = self.first or error
        if len(part) > 1:
            if isinstance(error, GraderStumbledError) and error.folder is not None:
                shutil.rmtree(error.folder, ignore_errors=True)  # Halves of it are graded again.
            middle = len(part) // 2
            return [part[middle:], part[:middle]]
        self.found.append((part[0], error))
        if len(self.found) >= _ENOUGH and not self.works:
            raise error
        return []

    def failures(self) -> list[Fact]:
        """The facts that the found texts are."""
        if not self.works:
            raise self.found[-1][1]
        return [
            (problem_id, text_id, Verdict(None, f"the host's grader cannot take this text ({_reason(error)})"))
            for (problem_id, text_id, _), error in self.found
        ]

    def check(self, left: int) -> None:
        """Tells of texts that were not tried."""
        if left:
            found = verb(len(self.found), "is a failure", "are failures")
            raise GradingError(
                f"{self.first}. After {MOST_EVALUATIONS} parts of the table {counted(len(self.found), 'such text')} "
                f"{found} now; {counted(left, 'text')} {verb(left, 'is', 'are')} left. The same command goes on "
                "with these"
            )


def _reason(error: GradingError) -> str:
    if isinstance(error, GraderStumbledError) and error.reason:
        return error.reason[:_LONGEST_REASON]
    return type(error.__cause__ or error).__name__
