r"""The local final answer of a text, for votes only; whether a text is right is the host's business.

:func:`final_answer` finds what a text concludes with, :func:`normalise` names it so that equal answers get equal names,
and :func:`answer` does both. A model wrote the text, so nothing is evaluated, every search is linear, and an answer
longer than ``MAX_LENGTH`` characters is no answer.
"""

from visualprm_eval.core.answers.keys import AnswerKey, Vote, normalise
from visualprm_eval.core.answers.marks import MAX_LENGTH
from visualprm_eval.core.answers.reading import announced_answer, answer, final_answer

__all__ = ["MAX_LENGTH", "AnswerKey", "Vote", "announced_answer", "answer", "final_answer", "normalise"]
