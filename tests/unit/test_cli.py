"""The command line: what options become, what errors look like, how fast help is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from visualprm_eval.cli import _build_parser, main
from visualprm_eval.core import config as cfg
from visualprm_eval.core.config import ModelSource, RunConfig, filled
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.run.options import OPTIONS, checked, run_config
from visualprm_eval.run.process import EXIT_ERROR


def parse(*argv: str) -> cfg.RunConfig:
    return run_config(_build_parser().parse_args(["run", *argv]))


def test_the_daily_use() -> None:
    config = parse("--model", "X", "--reranker", "visualprm", "--data", "D1", "D2", "-n", "8")
    assert config.models == ("X",)
    assert config.data == ("D1", "D2")
    assert config.rerankers == ("visualprm",)
    assert config.stages == cfg.STAGES


def test_every_option_reaches_the_configuration() -> None:
    config = parse(
        *"--model X --data D -n 4 --k 1 3 --seed 7 --max-steps 5 --limit 3".split(),
        *"--temperature 1 --top-p 0.9 --max-tokens 99".split(),
        *"--work-dir w --judge j --judge-base-url u --judge-key s --judge-api-nproc 2 --judge-retry 3".split(),
        *"--judge-timeout 9 --api-nproc 5 --retry 2 --verbose --dry-run --retry-failed --allow-remote-code".split(),
        *"--device cpu --dtype float32 --batch-size 3 --token-budget 77 --grade picks --stages score grade".split(),
        *"--prm A=a B=b@r --reranker first oracle".split(),
    )  # fmt: skip
    asked_for = frozenset({"temperature", "top_p", "seed"})
    assert config.sampling == cfg.SamplingOptions(
        4, "cot", "auto", 1.0, 0.9, 99, 7, 3, allow_remote_code=True, asked_for=asked_for
    )
    assert config.api == cfg.ApiOptions(nproc=5, retry=2)
    assert config.compute == cfg.ComputeOptions("cpu", "float32")
    assert config.judge == cfg.JudgeOptions("j", "u", "s", 2, 3, 9)
    assert (config.scoring.max_steps, config.scoring.token_budget) == (5, 77)
    assert (config.ks, config.limit, config.grade, str(config.work_dir)) == ((1, 3), 3, "picks", "w")
    assert config.verbose and config.dry_run and config.retry_failed
    assert config.stages == ("score", "grade")
    assert [prm.name for prm in config.scoring.prms] == ["A", "B"]
    assert config.scoring.prms[1].revision == "r"


@pytest.mark.parametrize("option", ["--base-url", "--judge-base-url", "--critic-base-url"])
def test_a_proxy_that_cannot_be_used_is_told_before_anything_else(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks://user:secret@proxy.example:1")
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["run", "--model", "m", "--data", "D", "--reranker", "judge:j", option]
    assert main([*arguments, "http://model.example/v1"]) == EXIT_ERROR
    said = capsys.readouterr().err
    assert said.startswith("error: HTTP_PROXY=socks://proxy.example:1 cannot be used") and said.count("\n") == 1
    checked(parse(*arguments[1:], "http://127.0.0.1:1/v1"))


def test_endpoints_reach_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    urls = ("http://127.0.0.1:1/v1", "https://h/v1")
    config = parse("--model", "org/m", "--data", "D", "--base-url", *urls, "--key", "sk-secret", "--timeout", "9")
    assert config.sampling.engine == "auto"
    assert config.api == cfg.ApiOptions(urls, "sk-secret", timeout_s=9)
    assert "sk-secret" not in repr(config)
    config = parse("--model", "m", "--data", "D", "--engine", "endpoint", "--stages", "score")
    assert config.sampling.engine == "endpoint"


def test_critics_reach_the_configuration() -> None:
    config = parse(
        *"--data VisualProcessBench --critic visualprm m --vpb-dir d --threshold 0.8".split(),
        *"--critic-base-url http://h --critic-key sk-secret --prm a=x b=y".split(),
    )  # fmt: skip
    assert config.step_labels == cfg.StepLabelOptions(("visualprm", "m"), Path("d"), 0.8)
    assert (config.scoring.base_urls, config.scoring.key) == (("http://h",), "sk-secret")
    assert "sk-secret" not in repr(config)
    assert [prm.name for prm in config.scoring.prms] == ["a", "b"]
    demo = parse("--data", "DemoProcessBench", "--critic", "visualprm")
    assert [prm.source for prm in demo.scoring.prms] == [cfg.DEMO_PRM]
    own = parse("--data", "DemoProcessBench", "--critic", "visualprm", "--prm", "mine=x")
    assert [prm.name for prm in own.scoring.prms] == ["mine"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--model m --engine endpoint", "say where with --base-url"),
        ("--model m --base-url h:1", "--base-url h:1: expected http"),
        ("--model m --base-url http://h http://h/v1/", "names an address twice"),
        ("--model m --base-url http://h --engine host", "--base-url conflicts with --engine host"),
        ("--candidates f --base-url http://h", "--base-url conflicts with --candidates"),
        ("--candidates f --engine native", "--engine native conflicts with --candidates"),
        ("--model demo-policy --engine endpoint", "--engine endpoint conflicts with --demo"),
        ("--model m --base-url http://h --timeout 0", "--timeout 0"),
        ("--model m --key sk-secret", "--key: it is for the endpoints"),
        ("--model m --base-url http://h --key s\u00e9cret", "the key in --key"),
    ],
)
def test_endpoint_options_that_make_no_sense(argv: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse("--data", "D", *argv.split())
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling.num_samples": 0}, r"-n/--num-samples 0: expected a whole number of at least 1"),
        ({"sampling.temperature": -0.1}, r"--temperature -0.1: expected 0 \(greedy\) or more"),
        ({"sampling.temperature": float("nan")}, r"--temperature nan"),
        ({"sampling.top_p": 0.0}, r"--top-p 0.0: expected a number above 0"),
        ({"sampling.top_p": 1.5}, r"--top-p 1.5"),
        ({"ks": (9,)}, r"--k 9: expected 1 to 8, since -n/--num-samples is 8"),
        ({"ks": (0,)}, r"--k 0: expected 1 to 8"),
        ({"sampling.max_tokens": 0}, r"--max-tokens 0"),
        ({"scoring.max_steps": 0}, r"--max-steps 0"),
        ({"limit": 0}, r"--limit 0"),
        ({"data": ()}, r"no benchmark given.*--data.*--demo"),
        ({"data": ("",)}, r"--data: a benchmark's name is empty"),
        ({"models": ()}, r"no policy given.*--model.*--candidates"),
        ({"candidates": Path("pack.jsonl")}, r"--candidates conflicts with --model"),
        ({"data": ("D", "D")}, r"--data names D twice"),
        ({"models": ("M", "M")}, r"--model names M twice"),
        ({"judge.nproc": 0}, r"--judge-api-nproc 0"),
        ({"scoring.prms": (ModelSource("A", "x"), ModelSource("A", "y"))}, r"two --prm are called A"),
    ],
)
def test_bad_options_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(filled(RunConfig(), {"models": ("M",), "data": ("D",), **changes}))


def test_given_steps_are_never_split() -> None:
    given = ("--data", "VisualProcessBench", "--critic", "visualprm")
    with pytest.raises(ConfigError, match="--steps lines conflicts with --critic: VisualProcessBench gives the steps"):
        parse(*given, "--steps", "lines")
    assert parse(*given, "--steps", "original").scoring.steps == "original"
    assert parse("--demo", "--steps", "lines").scoring.steps == "lines"


def test_stages_keep_their_order_and_conflict_with_mode() -> None:
    assert parse("--model", "m", "--data", "D", "--stages", "report", "sample").stages == ("sample", "report")
    assert parse("--model", "m", "--data", "D", "--mode", "infer").stages == ("sample",)
    assert parse("--model", "m", "--data", "D", "--mode", "eval").stages == ("score", "grade", "report")
    with pytest.raises(ConfigError, match="--mode conflicts with --stages"):
        parse("--model", "m", "--data", "D", "--mode", "all", "--stages", "sample")


def test_demo_brings_its_own() -> None:
    config = parse("--demo")
    assert (config.models, config.data) == ((cfg.DEMO_POLICY,), (cfg.DEMO_BENCHMARK,))
    assert config.scoring.prms[0].source == cfg.DEMO_PRM
    assert "oracle" in config.rerankers
    assert parse("--demo", "--reranker", "first", "-n", "2").rerankers == ("first",)


@pytest.mark.parametrize("option", ["--model", "--data", "--prm", "--candidates"])
def test_demo_conflicts_are_named(option: str) -> None:
    with pytest.raises(ConfigError, match=f"--demo conflicts with {option}"):
        parse("--demo", option, "x")


def test_candidates_leave_n_open() -> None:
    assert parse("--candidates", "f.jsonl", "--data", "D").sampling.num_samples is None
    assert parse("--candidates", "f.jsonl", "--data", "D", "-n", "3").sampling.num_samples == 3


@pytest.mark.parametrize("option", ["--temperature", "--top-p", "--max-tokens", "--seed"])
def test_candidates_have_their_sampling_already(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} conflicts with --candidates"):
        parse("--candidates", "f.jsonl", "--data", "D", option, "1")


def test_a_zero_is_not_taken_for_unset() -> None:
    with pytest.raises(ConfigError, match="--max-tokens 0"):
        parse("--demo", "--max-tokens", "0")
    with pytest.raises(ConfigError, match="--num-samples 0"):
        parse("--demo", "-n", "0")


def test_user_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--data", "D"]) == EXIT_ERROR
    error = capsys.readouterr().err
    assert error.startswith("error: no policy given")
    assert "Traceback" not in error


def test_unknown_reranker_answers_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--demo", "--reranker", "visualpmr"]) == EXIT_ERROR
    assert "did you mean 'visualprm'" in capsys.readouterr().err


def test_every_option_has_a_help_line_and_a_field() -> None:
    commands = _build_parser()._subparsers._group_actions[0].choices
    assert [action.option_strings for run in commands.values() for action in run._actions if not action.help] == []
    shown = " ".join(commands["run"].format_help().split())
    assert f"{cfg.RunConfig().sampling.max_tokens}; {cfg.DEMO.sampling.max_tokens} with --demo" in shown
    assert all(name in shown for name in (*cfg.PROCESS_BENCHMARKS, cfg.DEFAULT_PRM))
    paths = [option.path for option in OPTIONS.values()]
    assert len(set(paths)) == len(paths)
    parts = {"sampling", "api", "compute", "scoring", "step_labels", "judge"}
    fields = {name for name in cfg.RunConfig.__dataclass_fields__ if name not in parts}
    fields |= {f"{part}.{name}" for part in parts for name in getattr(cfg.RunConfig(), part).__dataclass_fields__}
    assert fields - {"scoring.prms_named", "sampling.asked_for", "judge.metric"} == set(paths) - {
        "suite",
        "demo",
        "mode",
    }


@pytest.mark.parametrize("code", [
    "from visualprm_eval.cli import main; main(['run', '--help'])",
    "import visualprm_eval.core.answers, visualprm_eval.evaluate.rerankers, visualprm_eval.store",
    "import visualprm_eval.evaluate.benchmark_values",
])  # fmt: skip
def test_light_imports_stay_light(code: str) -> None:
    check = "import sys\ntry:\n    " + code + "\nexcept SystemExit:\n    pass\n"
    check += "heavy = {'torch', 'vlmeval', 'transformers', 'pandas', 'matplotlib'} & set(sys.modules)\n"
    check += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_figure_of_a_benchmark() -> None:
    config = parse("--model", "X", "--data", "MME", "MMMU", "Mine", "--metric", "MME=OCR", "split=val|Overall")
    assert config.judge_of("MME").metric == "OCR"
    assert config.judge_of("Mine").metric == "split=val|Overall", "what is before = is no benchmark of the run"
    assert parse("--model", "X", "--data", "Mine").judge_of("Mine").metric is None


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["MMMU=acc"], "MMMU_DEV_VAL has a metric of its own"),
        (["Mine=a", "Mine=b"], "names two figures of Mine"),
        (["a", "b"], "names two figures of all benchmarks"),
        (["Mine="], "expected [BENCHMARK=]COLUMN"),
        (["lower:"], "expected [BENCHMARK=]COLUMN"),
    ],
)
def test_a_figure_that_cannot_be_chosen(metrics: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse("--model", "X", "--data", "Mine", "MMMU", "--metric", *metrics)
