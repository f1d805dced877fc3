"""A native policy reads and sees exactly what the host's own class would give its model."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.golden.material import DATA
from tests.host.material import SEVEN
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.engine.config import SYSTEM_MESSAGE
from visualprm_eval.engine.image_features import ImageEncoder
from visualprm_eval.engine.images import Picture, load_image
from visualprm_eval.engine.prompt import ImageSlot, PromptFormat
from visualprm_eval.engine.read_config import read_config
from visualprm_eval.engine.tokenizer import load_tokenizer
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.models.internvl_prompts import bare_model, native_keywords, shown
from visualprm_eval.host.models.prompts import prompt_fingerprint, put_problems, unheeded_prompts
from visualprm_eval.tasks import TASKS


class ChatOfTheCheckpoint:
    """Stands for the checkpoint's own code: its ``chat`` spells the whole conversation as this does."""

    def __init__(self):
        self.calls = []

    def chat(self, tokenizer, pixel_values, question, generation_config, num_patches_list, verbose):
        if pixel_values is not None and "<image>" not in question:
            question = "<image>\n" + question
        query = f"<|im_start|>system\n{SYSTEM_MESSAGE}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
        query += "<|im_start|>assistant\n"
        for number in num_patches_list:
            query = query.replace("<image>", "<img>" + "<IMG_CONTEXT>" * (256 * number) + "</img>", 1)
        self.calls.append((query, pixel_values, num_patches_list))
        return "A reply."


@pytest.fixture
def host_model(monkeypatch):
    """The host's class as its constructor leaves it, with a model that notes what it gets instead of weights."""
    import vlmeval.vlm.internvl.internvl_chat as code

    def build(**keywords):
        fake = ChatOfTheCheckpoint()
        loader = SimpleNamespace(from_pretrained=lambda *_, **__: SimpleNamespace(eval=lambda: fake))
        monkeypatch.setattr(code, "AutoModel", loader)
        monkeypatch.setattr(code, "AutoTokenizer", SimpleNamespace(from_pretrained=lambda *_, **__: None))
        with pytest.warns(UserWarning, match="kwargs received"):
            model = code.InternVLChat(model_path="anything", version="V2.0", **keywords)
        model.device = "cpu"
        return model, fake.calls

    return build


@pytest.fixture(scope="module")
def form():
    """A prompt format with the sizes of real checkpoints."""
    config = read_config(DATA / "a2")
    config = replace(config, vision=replace(config.vision, image_size=448, patch_size=14))
    assert config.tokens_per_tile == 256
    return PromptFormat(load_tokenizer(DATA / "a2"), config)


def host_calls(model, calls, name, request=None):
    """What the host's own loop over a dataset passes to the model, row by row (vlmeval/inference.py).

    Questions are followed by what ``request`` asks of the answer to a row.
    """
    from vlmeval.dataset import build_dataset

    dataset = build_dataset(name)
    model.set_dump_image(dataset.dump_image)
    for place in range(len(dataset.data)):
        line = dataset.data.iloc[place].copy()
        if request is not None:
            line["question"] += "\n" + request(line)
        custom = model.use_custom_prompt(name)
        message = model.build_prompt(line, dataset=name) if custom else dataset.build_prompt(line)
        model.generate(message=message, dataset=name)
    return calls


def ours(name, prompt, keywords=None):
    """What our engine shows a policy, row by row."""
    benchmark = load_benchmark(name)
    model = bare_model(keywords, cot=prompt == "cot")
    return shown(model, put_problems(benchmark, benchmark.problems, prompt, model))


def assert_equal(content, call, form):
    query, pixels, numbers = call
    encoder = ImageEncoder(SimpleNamespace(config=form.config))
    pictures = [part for part in content if isinstance(part, Picture)]
    tiles = [encoder.tiles(load_image(each), each.max_tiles) for each in pictures]
    assert [len(each) for each in tiles] == numbers
    assert [encoder.count(load_image(each), each.max_tiles) for each in pictures] == numbers
    # The host's tiles are bfloat16; one grey level is 0.017 or more.
    assert torch.allclose(torch.cat(tiles).to(torch.bfloat16).float(), pixels.float(), atol=0.016)
    left = iter(numbers)
    slots = [ImageSlot(next(left)) if isinstance(part, Picture) else part for part in content]
    assert list(form.chat(slots).ids) == form.tokenizer.encode(query, special=True)


@pytest.mark.parametrize("prompt", ["cot", "direct", "host"])
@pytest.mark.parametrize("name", SEVEN)
def test_prompt_and_tiles_are_the_hosts(seven, host_model, form, monkeypatch, name, prompt):
    seven(name)
    # Our side must not depend on the environment.
    monkeypatch.setenv("USE_COT", "0" if prompt == "cot" else "1")
    contents = ours(name, prompt)
    monkeypatch.setenv("USE_COT", "1" if prompt == "cot" else "0")
    # DynaMath asks outside of its questions, which the host's class leaves out: all else is the host's.
    calls = host_calls(*host_model(), name, None if prompt == "host" else TASKS[name].answer_request)
    assert len(contents) == len(calls) >= 3
    for content, call in zip(contents, calls, strict=True):
        assert_equal(content, call, form)
    assert any("step by step" in part for content in contents for part in content if isinstance(part, str)) == (
        prompt == "cot"
    )


@pytest.mark.parametrize("prompt", ["cot", "direct"])
@pytest.mark.parametrize("name", SEVEN)
def test_what_a_benchmark_asks_of_answers_survives(seven, name, prompt):
    """Its questions do, word for word; DynaMath asks outside of them, and its task repeats that."""
    benchmark = load_benchmark(seven(name))
    own = [problem.question for problem in benchmark.problems]
    put = [problem.question for problem in put_problems(benchmark, benchmark.problems, prompt)]
    direct = "directly answer the question and " if "MathVerse" in name else ""  # The host takes these words out.
    for question, text in zip(benchmark.dataset.data["question"], put, strict=True):
        assert str(question).replace(f"please {direct}", "please ").split("<image")[0] in text
    for asked, text in zip(own, put, strict=True):
        for words in ("three-digit floating-point number", "such as 'A', 'B', 'C', or 'D'"):
            assert (words in asked) == (words in text), (name, text)
        assert ("short answer" in asked) == (name == "DynaMath")


@pytest.mark.parametrize("kind", ["float", "multiple choice", "free-form"])
def test_requests_for_answers_are_the_datasets_words(seven, tmp_path, kind):
    dataset = load_benchmark(seven("DynaMath")).dataset
    dataset.dump_image = lambda _row: [str(tmp_path / "picture.png")]
    row = dataset.data.iloc[0].copy()
    row["answer_type"] = kind
    text = dataset.build_prompt(row)[-1]["value"]
    asked = TASKS["DynaMath"].answer_request(row).rstrip(".").replace("corresponding", "corresponing")
    for part in asked.split(", such"):  # The dataset names the key of its object in between.
        assert part in text


def test_what_differs_between_benchmarks(seven):
    """The rules of which the equality is made, so that a host that loses them does not go unnoticed."""
    first = {name: [p for p in ours(seven(name), "cot")[0] if isinstance(p, Picture)] for name in SEVEN}
    assert {name: pictures[0].max_tiles for name, pictures in first.items()} == {
        name: 12 if name == "MMMU_DEV_VAL" else 6 for name in SEVEN
    }
    assert {name for name, pictures in first.items() if pictures[0].upscale} == {"MMMU_DEV_VAL"}
    many = [p for p in ours("MMMU_DEV_VAL", "cot")[2] if isinstance(p, Picture)]
    assert [p.upscale for p in many] == [True] + [False] * 6
    assert {p.max_tiles for p in many} == {64 // 7}


@pytest.mark.parametrize("keywords", [{"use_mpo_prompt": True}, {"use_custom_prompt": False}])
def test_keywords_of_the_hosts_entry_count(seven, host_model, form, monkeypatch, keywords):
    name = seven("MathVision" if "use_mpo_prompt" in keywords else "MMMU_DEV_VAL")
    prompt = "cot" if "use_mpo_prompt" in keywords else "host"
    monkeypatch.setenv("USE_COT", "1" if prompt == "cot" else "0")
    calls = host_calls(*host_model(**keywords), name)
    contents = ours(name, prompt, keywords)
    for content, call in zip(contents, calls, strict=True):
        assert_equal(content, call, form)
    assert contents != ours(name, prompt)


def test_text_only_problems_and_hopeless_ones():
    """The host divides by the number of pictures; and one of its prompts has no place for any but the first."""
    parts = (Part("text", "What is 1 + 2?"),)
    assert shown(bare_model(), [Problem("MMMU_DEV_VAL", "1", "", parts, "", "p")]) == [("What is 1 + 2?",)]
    pictures = tuple(Part("image", f"{number}.png") for number in range(2))
    with pytest.raises(PolicyError, match="row 7"):
        shown(bare_model(), [Problem("BMMR", "7", "", (*pictures, *parts), "", "p")])


def test_the_host_is_left_as_it_was():
    import vlmeval.vlm.internvl.internvl_chat as code

    before = code.load_image
    shown(bare_model(), [Problem("MMStar", "1", "", (Part("image", "a.png"), Part("text", "q")), "", "p")])
    assert code.load_image is before


def test_which_models_run_natively():
    assert native_keywords("InternVL2_5-8B")["model_path"] == "OpenGVLab/InternVL2_5-8B"
    assert native_keywords("InternVL2_5-8B-MPO")["use_mpo_prompt"] is True
    for name in (
        "InternVL-Chat-V1-5",
        "InternVL3_5-8B-Thinking",
        "InternVL2_5-8B-BoN-8",
        "Qwen2.5-VL-7B-Instruct",
        "x",
    ):
        assert native_keywords(name) is None


@pytest.mark.parametrize(
    ("name", "unheeded"),
    [
        ("MathVista_MINI", ()), ("WeMath", ()), ("MMMU_DEV_VAL", ()), ("MyOwnTable", ()),
        *((name, ("cot", "direct")) for name in ("WeMath_COT", "MME-RealWorld", "ChartQAPro")),
    ],
)  # fmt: skip
def test_prompts_that_change_nothing_are_known(name, unheeded):
    assert unheeded_prompts(name, SimpleNamespace()) == unheeded
    insists = SimpleNamespace(force_use_dataset_prompt=True)
    assert unheeded_prompts(name, insists) == ("cot", "direct", "host")


def test_wordings_have_names_of_their_own(monkeypatch):
    names = {prompt: prompt_fingerprint(prompt) for prompt in ("cot", "direct", "host")}
    assert len(set(names.values())) == 3
    assert prompt_fingerprint("cot", {"use_mpo_prompt": True}) not in names.values()
    monkeypatch.setenv("USE_COT", "1")
    assert prompt_fingerprint("direct") == names["direct"]
