"""What the metrics and columns mean: the one place that the workbook, the HTML page and the README take it from."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["GLOSSARY", "markdown_rows"]

GLOSSARY: Mapping[str, str] = {
    "policy": "The model that wrote the candidates.",
    "candidate": "One solution that the policy wrote; each problem has N of them, in ranks from 0.",
    "reranker": "The rule that picks one candidate of each problem.",
    "critic": "A model that gives every step of a candidate a score, such as a process reward model.",
    "k": "How many candidates a reranker chooses from (best-of-k).",
    "value": "The benchmark's metric over the picks, in percent.",
    "accuracy": "The mean verdict over the problems: 1 for right, 0 for wrong.",
    "pass@1": "The value of the first candidate: the policy without best-of-N.",
    "pass@k": "The chance that at least one of k candidates is right; no reranker can do better (oracle).",
    "gain": "The value less that of pass@1 on the same problems, in points.",
    "interval": (
        "95% bootstrap interval: problems (or groups of problems, where the benchmark groups them) are drawn "
        "again, 2,000 times. A gain whose interval contains 0 is not shown to be one."
    ),
    "expected value at k": "The mean value over all subsets of k of the N candidates.",
    "exact over all subsets": "The expected value was worked out over every subset, in closed form or one by one.",
    "unbiased pass@k": "The expected value of the oracle over all subsets, in closed form.",
    "mean of all candidates": "What a random pick is worth at any k.",
    "mean over drawn subsets": (
        "The expected value was estimated from subsets drawn with a seed; the sampling error says how well."
    ),
    "first k candidates": "The value from the candidates of ranks below k alone, as published figures are (prefix).",
    "sampling error": "Standard error of a value from drawing subsets, in points; 0 where nothing was drawn.",
    "difference": "The value of one reranker less that of the other on the same problems, in points.",
    "p": (
        "How often chance alone would make a difference at least as large (two-sided sign-flip test; "
        "McNemar's exact test where verdicts are right or wrong)."
    ),
    "p corrected": (
        "p after Holm's correction for all rerankers that are compared with the same baseline; at most 0.05 "
        "counts as shown."
    ),
    "better, worse": "Problems on which the first reranker's pick is worth more, or less, than the other's.",
    "oracle gap": "pass@k less the value at the same k, in points: what a perfect reranker would still gain (regret).",
    "solvable": "Problems with at least one right candidate.",
    "missed": "Solvable problems whose pick is not right.",
    "recovered": (
        "What part of the way from a random pick to the oracle the reranker goes, in percent; below 0 is "
        "worse than random."
    ),
    "ranking": (
        "The chance that a right candidate scores above a wrong one of the same problem, in percent; 50 is chance."
    ),
    "score and length, steps, position": (
        "Rank correlation (Spearman) of a candidate's score with its length in characters, its number of "
        "steps and its rank, within problems, averaged over problems; from -1 to 1."
    ),
    "ties": "Problems whose greatest score several different texts share, in percent; the lowest rank wins.",
    "identical": "Candidates whose text an earlier one of the same problem has, in percent.",
    "left out": "Candidates that failed to be sampled, scored or graded; no reranker can pick them.",
    "failed": "Problems without a usable candidate; they are left out for every reranker alike.",
    "withheld": "There is no value, because something is missing or too much failed; the note says what.",
    "overall": "The plain mean over the benchmarks; withheld where one of them has no value.",
    "step score": "The chance that the critic gives a step of being correct, from 0 to 1.",
    "response score": "The mean of a candidate's step scores.",
    "verdict": "What the host toolkit said of a text: right, wrong, or a fraction.",
}
"""Plain words to what they mean."""


def markdown_rows() -> str:
    """The glossary as the rows of the README's table."""
    return "\n".join(f"| {term} | {meaning} |" for term, meaning in GLOSSARY.items())
