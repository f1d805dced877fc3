"""Which engine runs a policy, how problems are put to it, and what the store keeps of that."""

from __future__ import annotations

import csv
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.golden.material import DATA
from tests.host.material import demo_rows, mcq_rows, write_tsv
from tests.servers import Server
from tests.unit.stages.sample.tiny import make_checkpoint
from visualprm_eval.cli import main
from visualprm_eval.core.config import ComputeOptions, RunConfig, SamplingOptions
from visualprm_eval.core.errors import CheckpointError, ConfigError, PolicyError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.models.prompts import prompt_fingerprint, put_problems
from visualprm_eval.stages.sample.find_policy import find_policy
from visualprm_eval.stages.sample.host_policy import HostModelPolicy
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.store import STORE_FILE, Store


@pytest.fixture
def hosted(monkeypatch):
    """A tiny checkpoint under a name of the host's class InternVLChat."""
    from vlmeval.config import supported_VLM
    from vlmeval.vlm import InternVLChat

    def add(path=DATA / "a2", name="Tiny-InternVL", **keywords):
        factory = partial(InternVLChat, model_path=str(path), **{"version": "V2.0", **keywords})
        monkeypatch.setitem(supported_VLM, name, factory)
        return name

    return add


def options(engine="auto", **others):
    compute = ComputeOptions(device="cpu")
    sampling = SamplingOptions(engine=engine)
    return PolicyOptions.of(RunConfig(models=("x",), data=("MMStar",), compute=compute, sampling=sampling, **others))


def run(capsys, *arguments, status=0):
    got = main(["run", *map(str, arguments)])
    printed = capsys.readouterr()
    assert got == status, printed
    return printed.out + printed.err


def samplings(work_dir):
    with Store.open(work_dir / STORE_FILE, write=False) as store:
        return {spec.id: dict(spec.settings) for spec in store.specs("sampling")}


# Engines --------------------------------------------------------------------------------------------------------------


def test_engines(hosted, tmp_path):
    name = hosted()
    assert isinstance(find_policy(name, options()), NativePolicy)
    assert isinstance(find_policy(name, options(engine="native")), NativePolicy)
    assert isinstance(find_policy(name, options(engine="host")), HostModelPolicy)
    assert isinstance(find_policy(hosted(version="V1.5"), options()), HostModelPolicy)
    foreign = shutil.copytree(DATA / "a2", tmp_path / "foreign")
    (foreign / "config.json").write_text(
        (foreign / "config.json").read_text().replace("Qwen2ForCausalLM", "Phi3ForCausalLM")
    )
    assert isinstance(find_policy(hosted(foreign), options()), HostModelPolicy)
    # What is not here cannot be looked at: the native engine tries, and says.
    assert isinstance(find_policy(hosted("owner/nothing"), options(stages=("grade",))), NativePolicy)
    for text, engine in ((str(DATA / "a2"), "host"), ("GPT4o", "native"), ("hf:x/y", "host")):
        with pytest.raises(ConfigError, match=f"--engine {engine} cannot run"):
            find_policy(text, options(engine=engine))


LANGUAGE = {
    "InternVL2-4B": "Phi3ForCausalLM", "InternVL2-40B": "LlamaForCausalLM", "InternVL2-76B": "LlamaForCausalLM",
    "InternVL3-9B": "InternLM3ForCausalLM",
}  # fmt: skip
"""The language models of the host's names that the native engine does not have, beside those of InternVL3.5."""


def test_names_of_internvl(monkeypatch, tmp_path):
    """Each of the host's names, its repository and ``hf:`` come to a policy, or to a message with a way that works."""
    from vlmeval.config import supported_VLM
    from vlmeval.vlm import InternVLChat

    from visualprm_eval.engine.chat_model import inspect_chat_model
    from visualprm_eval.host.models.sampling_settings import only_native_code

    def config_file(repository, file, **_):
        """What the hub would give: config.json alone, before any weights."""
        name = repository.split("/")[-1]
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots" / "0"
        folder.mkdir(parents=True, exist_ok=True)
        language = (
            "Qwen3ForCausalLM" if "3_5" in name else LANGUAGE.get(name.replace("Llama3-", ""), "Qwen2ForCausalLM")
        )
        text = (DATA / "a2" / file).read_text().replace("Qwen2ForCausalLM", language)
        (folder / file).write_text(text)
        return str(folder / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", config_file)
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **_: str(Path(config_file(name, "config.json")).parent)
    )
    seen = {"native": 0, "sibling": 0, "no sibling": 0}
    for name, entry in supported_VLM.items():
        if getattr(entry, "func", None) is not InternVLChat or not name.startswith("InternVL"):
            continue
        path = entry.keywords["model_path"]
        foreign = name in LANGUAGE or "3_5" in name
        in_layout = entry.keywords["version"] == "V2.0" and "best_of_n" not in entry.keywords
        if not in_layout or "use_lmdeploy" in entry.keywords:  # Other code of the host.
            assert isinstance(find_policy(name, options()), HostModelPolicy)
            with pytest.raises(ConfigError, match="leave --engine out"):
                find_policy(name, options(engine="native"))
            continue
        if not foreign:
            seen["native"] += 1
            for text in (name, path) if not path.startswith("/") else (name,):
                assert isinstance(find_policy(text, options()), NativePolicy)
                assert isinstance(find_policy(text, options(engine="native")), NativePolicy)
            continue
        assert isinstance(find_policy(name, options()), HostModelPolicy)
        assert isinstance(find_policy(name, options(engine="host")), HostModelPolicy)
        sibling = f"{path}-{'HF' if '3_5' in name else 'hf'}" if "InternVL3" in name else ""
        seen["sibling" if sibling else "no sibling"] += 1
        way = f"--model hf:{sibling}" if sibling else "--engine host --allow-remote-code"
        for text, engine in ((name, "native"), (path, "auto"), (path, "native")):
            with pytest.raises(CheckpointError, match=f"unknown language model .*{way}"):
                find_policy(text, options(engine=engine))
        with pytest.raises(CheckpointError, match=f"transformers has no class: .*{way}"):
            inspect_chat_model(path)
        with only_native_code(name), pytest.raises(PolicyError, match=f"{name}.*--allow-remote-code") as told:
            import transformers.dynamic_module_utils as modules

            modules.get_cached_module_file(path, "modeling_internvl_chat.py")
        assert (sibling or "hf:PATH_OR_ID") in str(told.value)
    assert seen["native"] > 20
    assert seen["sibling"] == 10
    assert seen["no sibling"] == 3


def test_a_host_name_runs_natively_from_the_command_line(hosted, mmstar, tmp_path, capsys):
    name = hosted()
    arguments = (
        "--model",
        name,
        "--data",
        "MMStar",
        "-n",
        3,
        "--max-tokens",
        6,
        "--device",
        "cpu",
        "--work-dir",
        tmp_path / "out",
    )
    run(capsys, *arguments, "--stages", "sample", "--limit", 2)
    (settings,) = samplings(tmp_path / "out").values()
    assert (settings["policy"], settings["engine"], settings["prompt"]) == (name, "native", "cot")
    run(capsys, *arguments, "--stages", "sample", "--limit", 2, "--prompt", "direct")
    stored = samplings(tmp_path / "out")
    assert {each["prompt"] for each in stored.values()} == {"cot", "direct"}
    with Store.open(tmp_path / "out" / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("MMStar")]
        texts = {
            each["prompt"]: [c.text for found in store.candidates(key, ids).values() for c in found]
            for key, each in stored.items()
        }
    assert [len(each) for each in texts.values()] == [6, 6]
    assert texts["cot"] != texts["direct"]


def test_another_family_runs_from_the_command_line(mmstar, tmp_path, capsys):
    """Through transformers; a run goes on where it was, and the greedy twin shares the weights."""
    folder = make_checkpoint("qwen3_vl", tmp_path / "checkpoint")
    out = tmp_path / "out"
    arguments = (
        "--model", f"mine=hf:{folder}", "--data", "MMStar", "--stages", "sample", "--max-tokens", 4, "--device", "cpu",
        "--prompt", "direct", "--reranker", "greedy", "--limit", 2, "--work-dir", out,
    )  # fmt: skip
    run(capsys, *arguments, "-n", 2)
    run(capsys, *arguments, "-n", 3)
    found = samplings(out)
    assert {(each["policy"], each["engine"]) for each in found.values()} == {("mine", "transformers")}
    with Store.open(out / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("MMStar")]
        drawn = {each["temperature"]: store.candidates(key, ids) for key, each in found.items()}
    assert [len(each) for each in drawn[0.7].values()] == [3, 3]
    assert [len(each) for each in drawn[0.0].values()] == [1, 1]
    assert all(each.error is None for known in drawn.values() for part in known.values() for each in part)
    plan = run(capsys, *arguments, "-n", 3, "--dry-run")
    assert plan.count("sample: 0 candidates") == 2


def test_an_endpoint_is_asked_like_all_others(mmstar, tmp_path, capsys):
    """The same words, named in the key of its samples; a sample at temperature 0 is asked for apart."""
    with Server() as server:
        for prompt in ("cot", "direct"):
            run(
                capsys, "--model", "org/served", "--base-url", server.url, "--prompt", prompt, "--reranker", "greedy",
                "--data", "MMStar", "--limit", 1, "-n", 2, "--stages", "sample", "--work-dir", tmp_path / "out",
            )  # fmt: skip
        asked = [(seen.n, seen.body["temperature"], seen.text) for seen in server.requests]
    words = {prompt: "".join(p.value for p in put("MMStar", prompt)[0].parts if p.kind == "text")
             for prompt in ("cot", "direct")}  # fmt: skip
    assert words["cot"] != words["direct"]
    assert asked == [(n, t, words[prompt]) for prompt in ("cot", "direct") for n, t in ((1, 0.0), (2, 0.7))]
    stored = [(each["prompt"], each["wording"]) for each in samplings(tmp_path / "out").values()]
    assert len(set(stored)) == 2
    assert {wording for _, wording in stored} == {prompt_fingerprint("cot"), prompt_fingerprint("direct")}


# Prompts --------------------------------------------------------------------------------------------------------------


def put(name, prompt, asked=None):
    benchmark = load_benchmark(name)
    return put_problems(benchmark, benchmark.problems, prompt, asked)


def test_every_policy_is_asked_the_same(mmstar):
    """Without a class of the host the pictures come first; the words are InternVLChat's."""
    own = load_benchmark("MMStar").problems
    cot, direct = put("MMStar", "cot"), put("MMStar", "direct")
    assert put("MMStar", "host") == own
    assert [each.id for each in cot] == [each.id for each in own]
    assert [part.kind for part in cot[0].parts] == ["image", "text"]
    assert "Think step by step" in cot[0].question
    assert "D. date" in cot[0].question
    assert direct[0].question.endswith("Answer with the option's letter from the given choices directly.")


def test_pictures_stand_where_the_text_has_places(seven):
    first, second, *_ = put(seven("MMMU_DEV_VAL"), "cot")
    assert [part.kind for part in first.parts] == ["text", "image", "text"]
    assert [Path(part.value).name for part in second.parts if part.kind == "image"] == ["2_1.png", "2_0.png"]
    assert "Think step by step" in second.question


def test_a_dataset_may_insist_on_its_prompt(demo_world):
    own = load_benchmark("DemoWorld").problems
    assert put("DemoWorld", "cot") == put("DemoWorld", "direct") == own


def test_the_class_of_a_host_model_is_asked(mmstar, monkeypatch):
    from vlmeval.vlm.base import BaseModel

    class Own(BaseModel):
        def use_custom_prompt(self, dataset):
            return dataset == "MMStar"

        def build_prompt(self, line, dataset=None):
            import os

            paths = self.dump_image(line, dataset)
            text = f"{line['question']} {os.environ.get('USE_COT')}"
            return [{"type": "image", "value": paths[0]}, {"type": "text", "value": text}]

    monkeypatch.setenv("USE_COT", "1")
    (first, *_) = put("MMStar", "host", Own())
    assert first.question == "Which letter is number 0? 0"
    assert first.images == load_benchmark("MMStar").problems[0].images
    assert "Think step by step" in put("MMStar", "cot", Own())[0].question


def test_own_files_are_asked_by_their_own_type(lmu):
    """The host's class would take both for multiple choice, and knows no chain of thought for the second."""
    write_tsv(lmu / "Mine.tsv", mcq_rows())
    write_tsv(lmu / "Open.tsv", demo_rows())
    assert "$LETTER" in put("Mine", "cot")[0].question
    text = put("Open", "cot")[0].question
    assert text.startswith("What is 0 plus 1?\nAnswer the preceding question.")
    assert "$FINAL_ANSWER" in text
    assert "single word" not in text
    assert put("Open", "direct")[0].question.endswith("\nAnswer the question using a single word or phrase.")


def test_the_protocol_says_who_sampled_and_how(mmstar, tmp_path, capsys, monkeypatch):
    """The class, that no test covers it, whether foreign code could run, and the prompt of every candidate."""
    import random

    from openpyxl import load_workbook
    from vlmeval.config import supported_VLM
    from vlmeval.vlm.base import BaseModel

    class Guess(BaseModel):
        INTERLEAVE = True

        def __init__(self):
            super().__init__()
            self.temperature, self.top_p = 0.0, 1.0

        def generate_inner(self, message, dataset=None):
            letters = "ABCD" if self.temperature > 0.01 else "A"
            return f"I see {' '.join(random.choice(letters) for _ in range(30))}.\n\nAnswer: {random.choice(letters)}"

    monkeypatch.setitem(supported_VLM, "Guess", Guess)
    out = tmp_path / "out"
    run(
        capsys, "--model", "Guess", "--data", "MMStar", "-n", 2, "--reranker", "self-consistency", "greedy",
        "--allow-remote-code", "--engine", "host", "--prompt", "direct", "--work-dir", out,
    )  # fmt: skip
    sheet = load_workbook(out / "results.xlsx")["protocol"]
    said = {str(row[0]): str(row[1]) for row in sheet.iter_rows(values_only=True) if row[0]}
    assert "Guess (unverified: no test covers how it samples)" in said["Guess: class of the host"]
    assert said["Guess: code that ships with the checkpoint"] == "allowed (--allow-remote-code)"
    assert said["Guess on MMStar: sampling.prompt"] == "direct"
    assert float(said["Guess on MMStar (greedy): sampling.temperature"]) == 0
    with (out / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["reranker"], row["k"], row["split"]) for row in csv.DictReader(file)}
    assert ("greedy", "1", "dev") in rows
    assert {each["prompt"] for each in samplings(out).values()} == {"direct"}
