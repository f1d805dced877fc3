"""The host's own graders, given what they would run."""

from __future__ import annotations

import importlib
import multiprocessing
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from sympy.parsing import sympy_parser

from tests.host.material import grade_table, mcq_rows, write_tsv
from tests.host.test_grading import own_benchmark
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.grading.grade_table import evaluate_table
from visualprm_eval.host.sandbox.eval_guard import guarded

UTILS = "vlmeval.dataset.utils"


@pytest.fixture
def place(lmu, tmp_path, monkeypatch):
    """A file that nobody may make: neither in a grader's folder nor in the one for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)  # Some graders take signs out of a path.
    return tmp_path / "written"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def grader(name):
    """A function of the host by the name of its module below utils."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(f"{UTILS}.{module}"), function)


def lens(code):
    return grader("lens.is_equal")(code, "5")


def bmmr_list(code):
    return grader("bmmr_grade.math_equal")(f"[{code}]", "\begin{pmatrix}1\\2\\end{pmatrix}")


def bmmr_pi(code):
    return grader("bmmr_grade.handle_pi")(f"[{code}, \\pi]", 3.14)


def bmmr_formula(code):
    return grader("bmmr_grade.symbolic_equal")(code, "5", 1e-4)


def reasoning_24(code):
    return grader("mme_reasoning.judge_24points_function")(code, special_info={"init_cards": [4, 6]})


def reasoning_equation(code):
    return grader("mme_reasoning.compare_expression_function")({"equation": code}, ["1+2=3"])


def reasoning_choice(code):
    return grader("mme_reasoning.choice_function")("A", code)


def independent_set(code):
    return grader("NPMM.maximum_set.validation")({"1": {}}, f"Answer: [{code}]")


def hipho(code):
    return grader("hipho_verifier.handle_pi")(f"[{code}, pi]", 3.14)


def hipho_equal(text):
    return grader("hipho_verifier.are_equal_under_sympy")("5", text)


def megabench(code):
    return grader("megabench.scoring.general_numerical_match.eval_with_timeout")(code)


def host_list(code):
    from vlmeval.smp import toliststr

    return toliststr(f"[{code}]")


GRADERS = [
    lens, bmmr_list, bmmr_pi, bmmr_formula, reasoning_24, reasoning_equation, reasoning_choice, independent_set, hipho,
    megabench, host_list,
]  # fmt: skip
CODE = {
    "command": "__import__('os').system('touch written')",
    "file": "open('written','w').close()",
    "classes": "[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='_wrap_close'][0].__init__."
    "__globals__['system']('touch written')",
}


def run(function, code):
    with suppress(Exception):
        function(code)


@pytest.mark.parametrize("kind", CODE)
@pytest.mark.parametrize("function", GRADERS, ids=lambda function: function.__name__)
def test_an_answer_is_not_run(function, kind, place, folder):
    code = CODE[kind]
    run(function, code)
    # Some graders take signs out of an answer, and what is left of the others is no code.
    assert place.exists() or kind != "file"
    place.unlink(missing_ok=True)
    with guarded(folder, "X") as refusals:
        run(function, code)
        assert not place.exists()
        assert refusals.notes == ()  # What the host would not understand either is the policy's fault.


@pytest.mark.parametrize("where", ["thread", "child"])
def test_threads_and_forked_children(where, place, folder):
    code = CODE["command"]
    kind = Thread if where == "thread" else multiprocessing.get_context("fork").Process
    for guard in (False, True):
        worker = kind(target=lambda: [run(function, code) for function in (lens, independent_set, reasoning_equation)])
        if not guard:
            worker.start()
            worker.join()
            assert place.exists()
            place.unlink()
            continue
        with guarded(folder, "X"):
            worker.start()
            worker.join()
        assert not place.exists()


def test_an_alarm_that_a_grader_forgot(folder):
    """bmmr's time limit sets one before it finds out that it is not in the main thread; an alarm ends the process."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with guarded(folder, "X"):
        thread = Thread(target=lambda: run(bmmr_formula, "6"))
        thread.start()
        thread.join()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        signal.raise_signal(signal.SIGALRM)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    signal.raise_signal(signal.SIGALRM)  # One that is late.
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("text", ["9**9**9", "9**9**9**9", "[" * 100_000, "-" * 100_000 + "1", "1" + "+1" * 100_000])
@pytest.mark.parametrize("function", [lens, reasoning_24, independent_set, megabench, bmmr_pi, host_list])
def test_no_text_occupies_or_ends_the_process(function, text, folder):
    start = time.monotonic()
    with guarded(folder, "X"):
        run(function, text)
    assert time.monotonic() - start < 30


def twentyfour(expression):
    module = importlib.import_module(f"{UTILS}.mmhelix.evaluators.twentyfourpoints_evaluator")
    [evaluator] = [value for name, value in vars(module).items() if name.lower().startswith("twentyfour")]
    return evaluator.__new__(evaluator)._evaluate_expression(expression)


HONEST = [
    lambda: [lens(text) for text in ("5", "5.0", "10/2", "2+3", "\\frac{10}{2}", "6", "five", "\\sqrt{25}")],
    lambda: [twentyfour(text) for text in ("4*6", "(1+3)*6", "8/(3-8/3)", "24/1")],
    lambda: [reasoning_24(text) for text in ("4 * 6 = 24", "6*4", "4+6", "8*3", "nothing")],
    lambda: [reasoning_equation(text) for text in ("1 + 2 = 3", "2+1=3", "1*2=2", "3-0=3")],
    lambda: [reasoning_choice(text) for text in ("A", "['A']", "['A', 'B']", "B")],
    lambda: [independent_set(text) for text in ("1", "1, 1", "'1'", "2", "1.5")],
    lambda: [megabench(text) for text in ("3*4", "[1, 2]", "E*2", "math.sqrt(4)", "1/8")],
    lambda: [bmmr_list(text) for text in ("1, 2", "2, 1", "1")],
    lambda: [bmmr_pi(text) for text in ("1", "2*3")],
    lambda: [bmmr_formula(text) for text in ("5", "10/2", "x + 5 - x", "sqrt(25)", "\\sqrt{25}", "6", "5 apples")],
    lambda: [hipho_equal(text) for text in ("5", "10/2", "sqrt(25)", "5.0", "6", "2+3", "x")],
    lambda: [host_list(text) for text in ("'a', 'b'", "1, 2", "")],
    lambda: grader("megabench.scoring.general_numerical_match.GeneralSingleNumericalMatch").match(
        "\\frac{1}{2}", "0.5"
    ),
]


@pytest.mark.parametrize("look", HONEST)
def test_honest_texts_keep_their_verdicts(look, folder):
    before = look()
    with guarded(folder, "X"):
        after = look()
    assert repr(after) == repr(before)


def test_without_a_guard_all_do_what_they_did(folder, tmp_path):
    with pytest.raises(RuntimeError), guarded(folder, "X"):
        assert not lens("len('12345')")
        raise RuntimeError
    assert lens("len('12345')") or lens("(lambda: 5)()")
    assert sympy_parser.parse_expr("len('12345')") == 5
    assert subprocess.run(["true"], check=False).returncode == 0
    module = importlib.import_module(f"{UTILS}.lens")
    here, known = 7, {}
    assert module.eval("here + len(UTILS)") == here + len(UTILS), "the names of the caller"
    assert module.eval("here", {"here": 1}) == module.eval("here", {"here": 0}, {"here": 1}) == 1
    assert [module.eval("each") for each in (1, 2)] == [1, 2]
    module.exec("there = here", {"here": here}, known)
    assert known == {"there": 7}
    assert module.eval(module.compile("here + 1", "x", "eval")) == 8


def test_whoever_calls_what_a_module_has_for_eval(folder, place):
    module = importlib.import_module(f"{UTILS}.megabench.scoring.general_numerical_match")
    with guarded(folder, "X"):
        assert list(pd.Series(["E*2", "math.sqrt(4)"]).apply(module.eval)) == [module.E * 2, 2]
        assert list(map(module.eval, ["E*2"])) == [module.E * 2]
        for way in (
            lambda: pd.Series([CODE["file"]]).apply(module.eval),
            lambda: list(map(module.eval, [CODE["file"]])),
        ):
            with pytest.raises(ValueError):
                way()
    assert not place.exists()


def test_modules_that_a_grader_imports_meanwhile(place, folder, monkeypatch):
    names = [f"{UTILS}.lens", f"{UTILS}.NPMM.maximum_set"]
    for name in names:
        importlib.import_module(name)
        monkeypatch.delitem(sys.modules, name)
    code = CODE["command"]
    with guarded(folder, "X"):
        run(lens, code)
        run(independent_set, code)
        late = [sys.modules[name] for name in names]
        assert all("exec" in vars(module) for module in late)
    assert not place.exists()
    run(lens, code)
    assert place.exists(), "a guard ends for them, too"


# Graders that start programs by design --------------------------------------------------------------------------------


def test_a_program_of_a_policy_is_an_error_and_no_verdict(place, folder):
    judge = grader("megabench.scoring.program_judge.ProgramJudge")
    code, cases = f"open('{place}', 'w')\nprint(7)", {"test_case": [{"input": ["1"], "expected": "7"}]}
    with suppress(Exception):
        judge.match(code, cases)
    assert place.exists()
    place.unlink()
    with (
        pytest.raises(GradingError, match=r"X: the host's grader wants to run a text as a program \(open"),
        guarded(folder, "X"),
    ):
        run(lambda code: judge.match(code, cases), code)
    assert not place.exists()


def test_a_grader_that_swallows_the_refusal(place, folder):
    from vlmeval.dataset.scidocbench import eval_exec_match

    answer = {"input_path": "x", "reference_script": "print(1)"}
    with pytest.raises(GradingError, match=r"wants to start a program \(python3 "), guarded(folder, "X"):
        run(lambda code: eval_exec_match(code, answer), f"```python\nopen('{place}', 'w')\n```")
    assert not place.exists()


def test_a_whole_table(lmu, place, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 1)
    assert benchmark.task.note  # One without a task of its own.

    def evaluate(self, file, **options):
        with suppress(Exception):
            subprocess.run(["touch", str(place)], check=True)
        raise KeyError("no result of the program")

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    with pytest.raises(
        GradingError, match=r"^Own: the host's grader wants to start a program \(touch .*cannot be graded here$"
    ):
        grade_table(benchmark, {"0": "A"}, tmp_path / "grading", JudgeOptions())
    assert not place.exists()

    def lenient(self, file, **options):
        with suppress(Exception):
            Path(place).write_text("x")
        lens(f"open('{place}', 'w')")

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", lenient)
    with pytest.raises(GradingError, match="wants to write outside of its folder"):
        grade_table(benchmark, {"0": "A"}, tmp_path / "grading", JudgeOptions())
    assert not place.exists()
    shutil.rmtree(tmp_path / "grading")


def test_circular_multiple_choice_whatever_the_folder_for_temporary_files(lmu, place, tmp_path, monkeypatch):
    """The host writes a table of it into /tmp, under the name of the second, where another process may find it."""
    from vlmeval.dataset import ImageMCQDataset

    monkeypatch.delitem(ImageMCQDataset.DATASET_MD5, "MMBench_DEV_EN")
    turned = [
        {**row, "index": row["index"] + turn, "g_index": row["index"]} for row in mcq_rows("AB") for turn in (0, 10**6)
    ]
    write_tsv(lmu / "MMBench_DEV_EN.tsv", turned)
    benchmark = load_benchmark("MMBench_DEV_EN")
    before = set(Path("/tmp").iterdir())
    texts = {problem.index: "A" if problem.index != "1000000" else "B" for problem in benchmark.problems}
    table = evaluate_table(benchmark, texts, tmp_path / "grading", JudgeOptions())
    assert table.take_figure().value == 0.0  # The first is right in one of its two turns.
    assert not [path for path in set(Path("/tmp").iterdir()) - before if path.suffix == ".tsv"]
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    right = {problem.index: problem.answer for problem in benchmark.problems}
    assert evaluate_table(benchmark, right, tmp_path / "grading", JudgeOptions()).take_figure().value == 100.0
