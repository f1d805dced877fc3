"""Which votes of one problem are one answer.

Votes of equal spelling are one; besides, by rules of its own:

- ``7 cm`` and ``7`` are one where the others leave the unit out; ``7 cm`` and ``7 m`` are two. What is no unit of
  measure names the thing that is counted: ``4 objects`` and ``4 blocks`` are one.
- ``A and C``, ``A, C`` and ``(C), (A)`` are one.
- Formulas of different spelling are what ``formulas_equal`` says of them, see ``asking``; one that equals one option's
  is that option.

A vote joins the first group, by rank, whose first member equals it, so that what comes later changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from visualprm_eval.core.answers.formulas import comparable
from visualprm_eval.core.answers.keys import AnswerKey, Vote, letters, option_keys
from visualprm_eval.core.answers.numbers import is_measure

FormulasEqual = Callable[[str, str], bool]
"""Whether two formulas, spelled as keys of kind ``mathematics`` or ``number``, are equal."""


def unasked(left: str, right: str) -> bool:
    """The answer of who asks nobody: formulas of different spelling are different."""
    del left, right
    return False


@dataclass
class _Group:
    """Votes of one answer.

    Attributes:
        leader: The first of them.
        key: Its key.
        unit: The unit of measure that one of them has, ``""`` while none has one.
    """

    leader: str
    key: AnswerKey
    unit: str


def leaders(
    votes: Iterable[str | None], choices: Mapping[str, str], formulas_equal: FormulasEqual = unasked
) -> dict[str, str]:
    """What each distinct vote of a problem counts as.

    Args:
        votes: Its votes by rank; plain strings, which a third party's rules may give, are as they are.
        choices: Its options.
        formulas_equal: Asked about formulas of different spelling.

    Returns:
        Each vote to the first vote of its group, or to the letter of the option that it equals.
    """
    known = _Groups(tuple(choices.items()), formulas_equal)
    found: dict[str, str] = {}
    for vote in votes:
        if vote is not None and vote not in found:
            found[vote] = known.leader_of(vote, vote.key) if isinstance(vote, Vote) else vote
    return found


@dataclass
class _Groups:
    """The groups of a problem.

    Attributes:
        choices: Its options.
        formulas_equal: Asked about formulas of different spelling.
        alike: Groups by the value of numbers, or by several letters.
        formulas: Groups that a formula leads.
        values: Groups that a formula or a number leads, by rank.
    """

    choices: tuple[tuple[str, str], ...]
    formulas_equal: FormulasEqual
    alike: dict[object, list[_Group]] = field(default_factory=dict)
    formulas: list[_Group] = field(default_factory=list)
    values: list[_Group] = field(default_factory=list)

    def leader_of(self, vote: str, key: AnswerKey) -> str:
        """The first member of the vote's group, or the option that it is."""
        if (several := letters(key)) is not None:
            return self._of_alike(several, _Group(vote, key, "")).leader
        return self._of_value(vote, key) if key.kind in {"number", "mathematics"} else vote

    def _of_value(self, vote: str, key: AnswerKey) -> str:
        is_formula = key.kind == "mathematics"
        own = _Group(vote, key, key.unit if is_measure(key.unit) else "")
        group = self._of_alike((key.kind, key.value), own)
        if group is own:  # Numbers of other value are other numbers: only formulas may equal it.
            led = self._option(key) if is_formula else None
            groups = self.values if is_formula else self.formulas
            led = led or next((group.leader for group in groups if self._same(group.key, key)), None)
            group.leader = led or vote
            if led is None and is_formula:
                self.formulas.append(group)
            if led is None or not is_formula:
                self.values.append(group)
        return group.leader

    def _option(self, key: AnswerKey) -> str | None:
        """The letter of the one option that equals a formula."""
        same = [letter for letter, option in option_keys(self.choices) if self._same(key, option)]
        return same[0] if len(same) == 1 else None

    def _of_alike(self, what: object, own: _Group) -> _Group:
        """The first group whose unit does not speak against it; its own one if there is none."""
        groups = self.alike.setdefault(what, [])
        for group in groups:
            if not own.unit or not group.unit or own.unit == group.unit:
                group.unit = group.unit or own.unit
                return group
        groups.append(own)
        return own

    def _same(self, one: AnswerKey, other: AnswerKey) -> bool:
        """Whether two answers are mathematics and equal."""
        return comparable(one, other) and self.formulas_equal(one.value, other.value)
