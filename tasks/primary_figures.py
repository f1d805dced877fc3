"""The figures by which benchmarks without a task of their own are known, among all that the host's graders return.

The host's rule takes what is called overall, then accuracy, then score, and where nothing is, or several are, the first
by the alphabet. So this table names the figure of the benchmarks that are used most, with its direction and its
greatest value, out of the host's own code that counts it. ``--metric`` names another, and that of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

LOWER = "lower is better"
"""What stands in the name of a metric of which less is better."""
_LOWER = "lower:"
"""How ``--metric`` says so."""


@dataclass(frozen=True, slots=True)
class PrimaryFigure:
    """The figure of a benchmark.

    Attributes:
        greatest: Its greatest value; that of figures in parts of 1 is 1, and they are taken times 100. ``None`` where
            there is none, or nobody knows it.
        source: The host's function that counts it, below ``vlmeval.dataset``; ``""`` where somebody chose it.
        names: How the host calls it in its flattened result; several are added up, or their mean is taken; none: the
            host's own rule finds it.
        title: What reports call it, if not by its name.
        how: How several names are put together.
        per: What the greatest value grows with: it is that of one row, or of the rows of one category.
        lower: Whether less is better: the best value is 0.
        judged: Whether nothing can be said of it without a judge.
        spread: Which part of the greatest value reference answers may lack, because those who gave them disagree.
        refusal: Why none of the figures is taken unless somebody chooses one.
    """

    greatest: float | None
    source: str = ""
    names: tuple[str, ...] = ()
    title: str = ""
    how: Literal["sum", "mean", "mean of all"] = "sum"
    per: Literal["", "row", "category"] = ""
    lower: bool = False
    judged: bool = False
    spread: float = 0.0
    refusal: str = ""

    @property
    def metric(self) -> str:
        """What notes and reports call it; ``""`` where the host's rule says."""
        name = self.title or " + ".join(self.names)
        return f"{name} ({LOWER})" if self.lower else name

    @property
    def is_by_rule(self) -> bool:
        """Whether the host's rule finds it."""
        return not self.names and self.how == "sum"

    @property
    def factor(self) -> float:
        """What takes it to percent, where it counts in parts of 1."""
        return 100.0 if self.greatest == 1 and not self.per else 1.0


def chosen_figure(text: str) -> PrimaryFigure:
    """The figure that ``--metric`` names, without its benchmark: ``COLUMN``, or ``lower:COLUMN``."""
    name = text.removeprefix(_LOWER)
    return PrimaryFigure(None, names=(name,), lower=name != text)


def primary_figure(name: str) -> PrimaryFigure | None:
    """The figure of a benchmark, by the host's name of the dataset; ``None`` where the table does not have it."""
    return next((figure for pattern, figure in FIGURES.items() if fnmatchcase(name, pattern)), None)


_OPTIONS = PrimaryFigure(1, "utils.multiple_choice.report_acc")
"""The part of the questions whose option is right; the host calls it Overall."""
_SHORT = PrimaryFigure(100, "image_vqa.ImageVQADataset.evaluate_heuristic")
_MME_COT = (
    "the host does not grade it, its figure is a constant: grade the samples with the authors' code (MME-CoT on GitHub)"
)
_CHARTX = "its figures have units of their own: questions count up to 1, descriptions and summaries up to 5"

FIGURES: Mapping[str, PrimaryFigure] = {
    "MMBench*": _OPTIONS,
    "CCBench": _OPTIONS,
    "MMStar*": _OPTIONS,
    "MMMU_Pro_*": PrimaryFigure(1, _OPTIONS.source, ("Overall",)),
    "MMMU_*": _OPTIONS,  # The validation split has a task of its own.
    "AI2D_*": _OPTIONS,
    "SEEDBench*": _OPTIONS,
    "ScienceQA_*": _OPTIONS,
    "RealWorldQA": _OPTIONS,
    "BLINK*": _OPTIONS,
    "MUIRBench": _OPTIONS,
    "VStarBench": _OPTIONS,
    "CV-Bench-?D": PrimaryFigure(1, "image_mcq.CVBench.report_accuracy"),
    "MMVP": PrimaryFigure(1, "utils.multiple_choice.report_acc_MMVP"),
    "MME-RealWorld*": PrimaryFigure(1, "utils.multiple_choice.get_dimension_rating", ("Overall",)),
    "MMT-Bench_*": PrimaryFigure(1, "utils.multiple_choice.report_acc_MMT", ("split=ALL|Overall",), "Overall"),
    "VLMBlind": PrimaryFigure(1, "image_mcq.VLMBlind.evaluate", title="mean over its tasks", how="mean of all"),
    "MME": PrimaryFigure(200, "utils.yorn.MME_rating", ("perception", "reasoning"), per="category"),  # 2,800 in all.
    "HallusionBench": PrimaryFigure(
        100, "utils.yorn.Hallusion_rating", tuple(f"split=Overall|{letter}Acc" for letter in "afq"),
        "mean of aAcc, fAcc and qAcc", how="mean",
    ),
    "POPE": PrimaryFigure(100, "utils.yorn.POPE_rating", ("split=Overall|Overall",), "F1"),
    "AMBER": PrimaryFigure(100, "utils.yorn.AMBER_rating", ("Avg ACC",)),
    **dict.fromkeys(
        ("OCRBench", "OCRBench_MINI"),
        PrimaryFigure(1, "image_vqa.OCRBench.evaluate", ("Final Score",), per="row"),  # 1,000 in all.
    ),
    "ChartQA_*": _SHORT,
    "DocVQA_*": _SHORT,
    "InfoVQA_*": _SHORT,
    "GQA_*": _SHORT,
    "OCRVQA_*": _SHORT,
    "TextVQA_*": PrimaryFigure(100, _SHORT.source, spread=0.5),
    "VizWiz": PrimaryFigure(100, "image_vqa.VizWiz.evaluate", spread=0.5),
    "MTVQA_TEST": PrimaryFigure(100, "image_vqa.MTVQADataset.evaluate", ("Average",)),
    "CountBenchQA": PrimaryFigure(100, "image_vqa.CountBenchQA.evaluate", ("accuracy",)),
    "ZEROBench*": PrimaryFigure(1, "image_vqa.ZEROBench.evaluate", ("accuracy",)),
    "CRPE_*": PrimaryFigure(1, "image_vqa.CRPE.evaluate", ("total",)),
    "MM_NIAH_*": PrimaryFigure(1, "image_vqa.MMNIAH.evaluate", ("total",)),
    "OlympiadBench*": PrimaryFigure(100, "image_vqa.OlympiadBench.evaluate", ("AVG",)),
    "CMMMU_VAL": PrimaryFigure(1, "cmmmu.CMMMU.evaluate", ("总准确率",)),
    "CCOCR*": PrimaryFigure(1, "image_ccocr.CCOCRDataset.evaluate", ("total",)),
    "COCO_VAL": PrimaryFigure(None, "image_caption.COCO_Caption_Scorer", ("CIDEr",)),
    "MMVet*": PrimaryFigure(100, "utils.mmvet.MMVet_acc", ("Category=Overall|acc",), judged=True),
    "LLaVABench*": PrimaryFigure(
        100, "utils.llavabench.LLaVABench_score", ("split=overall|Relative Score (main)",), "Relative Score (main)",
        judged=True,
    ),
    "CharXiv_*": PrimaryFigure(1, "charxiv.CharXiv.get_scores", ("Overall",), judged=True),
    "MMSafetyBench": PrimaryFigure(
        1, "mmsafetybench.MMSafetyBenchDataset.evaluate", ("category=Overall|attack_rate",), "attack_rate", lower=True,
        judged=True,
    ),
    "ChartX": PrimaryFigure(None, "chartx.ChartX.evaluate", judged=True, refusal=_CHARTX),
    "MME_CoT_TEST": PrimaryFigure(None, "image_vqa.MME_CoT.evaluate", refusal=_MME_COT),
    **dict.fromkeys(
        ("RefSpatial", "RefSpatial-*", "RefSpatial_[LPU]*"),
        PrimaryFigure(
            100, "refspatial.RefSpatialDataset.evaluate", ("Split=Overall|Success Rate (%)",), "Success Rate (%)"
        ),
    ),
}  # fmt: skip
"""By the host's name of the dataset, by patterns of ``fnmatch``; the first that fits counts."""
