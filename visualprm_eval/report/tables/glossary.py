"""What the metrics and columns mean: the one place that the workbook, the HTML page and the README take it from."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["GLOSSARY", "markdown_rows"]

GLOSSARY: Mapping[str, str] = {
    "policy": "The model that wrote the candidates.",
    "candidate": "One solution that the policy wrote; each problem has N of them, in ranks from 0.",
    "N": "How many candidates of each problem were sampled.",
    "rank (from 0)": "A candidate's place among those of its problem, in the order of sampling.",
    "reranker, against": "The rule that picks one candidate of each problem; the one that it is compared with.",
    "first": "The reranker that takes the first candidate: the policy without best-of-N (pass@1).",
    "greedy": "One more sample per problem at temperature 0, which is what published pass@1 figures are of.",
    "random": (
        "A random pick; its value is the mean over the candidates, which is what such a pick is worth on average. At "
        "k = N it is the mean of all samples, the baseline called mean."
    ),
    "self-consistency": "The reranker that takes the most frequent answer.",
    "visualprm": (
        "The reranker that takes the candidate with the greatest mean of a reward model's step scores, or with their "
        "greatest min, max, last or product where its name has that word."
    ),
    "visualorm": "The same by the score of the whole response as one step.",
    "judge:MODEL": "Takes the candidate with the greatest part of steps that a prompted model calls correct.",
    "weighted-vote": "Takes the answer with the greatest sum of scores, and of its candidates the best-scored.",
    "oracle": "Takes a right candidate if there is one; no reranker can do better (pass@k).",
    "critic": "A model that gives every step of a candidate a score, such as a process reward model.",
    "benchmark, split": "A set of problems, and which part of it where it has several.",
    "problems": "How many problems a number is of, failed ones included; 30 of 447 where the benchmark has more.",
    "k": "How many candidates a reranker chooses from (best-of-k).",
    "metric": "How verdicts on picks become a value.",
    "value": "The benchmark's metric over the picks, in percent; the host's own metrics may have units of their own.",
    "accuracy": "The mean verdict over the problems: 1 for right, 0 for wrong.",
    "worst-case accuracy": "DynaMath: the part of the questions of which all variants are right.",
    "strict score": (
        "WeMath: a group of steps and composite problem counts 1 when all are right, one half when only the composite "
        "problem is wrong, else 0."
    ),
    "exact matching": "Stands beside the metric of values that were graded without a judge where one is usual.",
    "pass@1": "The value of the first candidate: the policy without best-of-N.",
    "pass@k": "The chance that at least one of k candidates is right; no reranker can do better (oracle).",
    "baseline": (
        "What gains are measured against: mean, greedy or first. By default the mean where every one of the N "
        "candidates has a verdict, else greedy where it was sampled, else first; the head of a column of gains says "
        "which. A mean over benchmarks has one kind for all of them."
    ),
    "mean": (
        "The expected pass@1: the metric's expected value over picks of one of the N samples of each problem by "
        "chance, each as likely as the others. Where the metric is a mean over problems it is the mean verdict of all "
        "samples."
    ),
    "gain, gain over mean, gain over greedy, gain over first": (
        "The value less that of the baseline on the same problems, in points."
    ),
    "upper bound": "The oracle looks at verdicts: its gain is a bound on all others, of which nothing is tested.",
    "not tested": (
        "A gain without an interval, of a figure of a whole table or at a k below N, or a difference that no test is "
        "for: between two means, or to an upper bound."
    ),
    "published gain": (
        "The published value less the same paper's pass@1, which is greedy; it stands beside our gain over greedy "
        "alone."
    ),
    "interval, from, to, gain from, gain to": (
        "95% bootstrap interval and its ends: problems (or groups of problems, where the benchmark groups them) are "
        "drawn again, 2,000 times, for both sides of a gain or difference alike. A gain whose interval contains 0 is "
        "not shown to be one."
    ),
    "reading, in words": "What an interval or a test comes to.",
    "expected value": (
        "At each k: the mean value over all subsets of k of the N candidates; at k = 1 the mean of all, which it is "
        "for first and random at every k."
    ),
    "estimated as": "Over which subsets an expected value was worked out: one of the four that follow.",
    "exact over all subsets": "The expected value was worked out over every subset, in closed form or one by one.",
    "unbiased pass@k": "The expected value of the oracle over all subsets, in closed form.",
    "mean of all candidates": "What a random pick is worth at any k.",
    "mean over drawn subsets": (
        "The expected value was estimated from subsets drawn with a seed; the sampling error says how well."
    ),
    "first k candidates": "The value from the candidates of ranks below k alone, as published figures are (prefix).",
    "sampling error": "Standard error of a value from drawing subsets, in points; 0 where nothing was drawn.",
    "ours, published": "Our value, and the one that a paper prints for the same policy, benchmark, selection and k.",
    "source, not the same": "The paper with its table, and what differs; there is no difference to another thing.",
    "difference": (
        "The value of one reranker less the other's on the same problems, or ours less the published one, in points."
    ),
    "p": (
        "How often chance alone would make a difference at least as large, two-sided. Between rerankers that pick: by "
        "flipping the signs of differences (McNemar's exact test where verdicts are right or wrong). Against the mean: "
        "twice the chance that one candidate of each problem, picked by chance, does as well or better (or as badly or "
        "worse, whichever is less), exactly (Poisson binomial), or over 20,000 draws with a seed where verdicts are "
        "fractions or the metric groups problems; a greedy sample is one more candidate there."
    ),
    "p corrected": (
        "p after Holm's correction for all rerankers that are compared with the same baseline on the same benchmark; "
        "at most 0.05 counts as shown."
    ),
    "better, worse": (
        "Problems on which the first reranker's pick is worth more, or less, than the other's, or than the mean of the "
        "candidates."
    ),
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
    "score and length, score and steps, score and position": (
        "Rank correlation (Spearman) of a candidate's score with its length in characters, its number of "
        "steps and its rank, within problems, averaged over problems; from -1 to 1."
    ),
    "ties": "Problems whose greatest score several different texts share, in percent; the lowest rank wins.",
    "candidates": "How many candidates can be picked, of all problems together.",
    "right candidates": "How many candidates of a problem are right, of those that can be picked.",
    "all right, none right": "Problems whose candidates are all right, and those without a right one, in percent.",
    "identical": "Candidates whose text an earlier one of the same problem has, in percent.",
    "empty replies": "Candidates that are empty without their thoughts, cut in them, or refused; they count as wrong.",
    "left out": "Candidates that failed to be sampled, scored or graded; no reranker can pick them.",
    "failed": "Problems without a usable candidate; they are left out for every reranker alike.",
    "withheld": "There is no value, because something is missing or too much failed; the note says what.",
    "note": "What must be known of a value, or why there is none.",
    "overall, mean of the benchmarks, mean of the paper's seven benchmarks": (
        "The plain mean over the benchmarks; withheld where one of them has no value, where more than 1% of a "
        "benchmark's candidates failed, and as long as anything of the policy is unfinished."
    ),
    "step scores": "The chances that the critic gives the steps of being correct, from 0 to 1.",
    "response score (mean)": "The mean of a candidate's step scores.",
    "verdict": "What the host toolkit said of a text: right, wrong, or a fraction.",
    "reference answer, final answer": "The benchmark's answer, and the one that is read from a text for votes.",
    "stage, of": "What was done: sample, score or grade; and whose candidates, scores or verdicts they are.",
    "items, failures": "Candidates written, or different texts scored or graded; and how many of them failed.",
    "tokens read, tokens written": (
        "Tokens of the prompts, pictures included, and of the candidates, as far as they were recorded: endpoints tell "
        "of both, native policies of what they write, critics and judges of neither."
    ),
    "not recorded": "The store does not know how many, or how long; it may have been nothing.",
    "seconds": "Time that the stage took, as far as it was recorded.",
    "protocol": (
        "How a value came about: checkpoints, file, host, prompt, sampling, judge and versions; values with the same "
        "digest have the same (sheet fingerprints)."
    ),
    "n_problems, n_failed, n_total": (
        "In results.csv and curves.csv: problems, failed problems, and problems of the whole benchmark."
    ),
}
"""Plain words to what they mean."""


def markdown_rows() -> str:
    """The glossary as the rows of the README's table."""
    return "\n".join(f"| {term} | {meaning} |" for term, meaning in GLOSSARY.items())
