"""What is wrong with a command line is said in one line, with the word that may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.cli import _build_parser, main
from visualprm_eval.run.process import EXIT_ERROR


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["run", "--reranke", "x"], "unknown option --reranke; did you mean --reranker?"),
        (["run", "--modell=x"], "unknown option --modell; did you mean --model?"),
        (["run", "--xyzzy"], "unknown option --xyzzy; see visualprm_eval run --help"),
        (["run", "--demo", "--reuse"], "unknown option --reuse: VLMEvalKit's own runner has it, here it is not needed"),
        (["run", "--config=x.json"], "use --model [NAME=]PATH_OR_ID and --data, or `visualprm_eval host run --config`"),
        (["run", "--judge-args", "{}"], "use --judge, --judge-base-url, --judge-key, --judge-api-nproc, --judge-retry"),
        (["run", "--data", "MMStar", "--use-vllm"], "start `vllm serve MODEL` and name its address with --base-url"),
        (["report", "--nproc", "8"], "is called --api-nproc; the number of candidates is -n/--num-samples"),
        (["report", "--bsaeline", "mean"], "unknown option --bsaeline; did you mean --baseline?"),
        (["run", "--demo", "stray"], "'stray' belongs to no option; see visualprm_eval run --help"),
        (["reprot"], "command reprot: expected one of run, report, "),
        (["reprot"], "host; did you mean report?"),
        (["run", "--suite", "tabel2"], "--suite tabel2: expected table2; did you mean table2?"),
        (["run", "--stages", "sample", "scor"], "--stages scor: expected one of sample, score, grade, report; did you"),
        (["run", "-n", "many"], "-n/--num-samples: expected a whole number, not 'many'"),
        (["run", "-n", "9" * 5000], "-n/--num-samples: expected a whole number, not '9999"),
        (["run", "--temperature", "hot"], "--temperature: expected a number, not 'hot'"),
        (["run", "--work-dir"], "--work-dir: expected one argument"),
        (["run", "--work-dir", ""], "--work-dir: expected a path, got an empty text"),
        (["run", "--work-dir=~nobody-of-that-name/x"], "--work-dir: ~nobody-of-that-name/x: nobody here has that home"),
        (["export-problems", "-o", "x"], "the following arguments are required: --data"),
        (["host", "rnu"], "did you mean run?"),
        (["run", "--demo", "--timeout", "9" * 400], "--timeout 9999999999999"),
        (["run", "--demo", "--timeout", "9" * 400], "expected a whole number of at least 1, and at most 2,147,483,647"),
        (["run", "--demo", "--seed", "9" * 40], "expected a whole number from -9223372036854775808 to"),
        (["run", "--demo", "--top-p", "1e400"], "--top-p inf: expected"),
        (["run", "--demo", "--reranke\x1b[31m\u202e"], "did you mean"),
    ],
)
def test_one_line(line: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == EXIT_ERROR
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert len(error) < 400
    assert not {"\x1b", "\u202e"} & set(error)


def test_a_home_is_found_in_every_option_that_names_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    parsed = vars(_build_parser().parse_args([
        "run", "--work-dir=~/w", "--data-dir=~/d", "--candidates=~/c.jsonl", "--vpb-dir=~/v",
    ]))  # fmt: skip
    assert [parsed[name] for name in ("work_dir", "data_dir", "candidates", "step_labels.vpb_dir")] == [
        tmp_path / name for name in ("w", "d", "c.jsonl", "v")
    ]
    merged = _build_parser().parse_args(["merge", "~/a", "-o", "~/b"])
    assert (merged.stores, merged.output) == ([tmp_path / "a"], tmp_path / "b")


def test_paths_of_all_commands_know_a_home() -> None:
    for command in _build_parser()._subparsers._group_actions[0].choices.values():
        assert not [action.dest for action in command._actions if action.type is Path]
