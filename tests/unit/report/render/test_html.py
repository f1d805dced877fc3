"""The HTML page: what stands in the file, and what a browser makes of it (where there is one)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from PIL import Image

from tests.unit.report.browser import CHROMIUM, browser, in_browser
from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.published.comparison import Comparison as Compared
from visualprm_eval.evaluate.stats import Comparison, Insight, Standing
from visualprm_eval.report import Results
from visualprm_eval.report.render.html import render, script_json
from visualprm_eval.report.viewer.thumbnails import Thumbnails
from visualprm_eval.report.viewer.viewer import PAGE, ViewerBuilder

ATTACK = (
    "<img src=x onerror=\"document.title='owned'\">\n\n</script><script>document.title='owned'</script>\n\n"
    "<!-- <script> --><b>bold</b> &lt; {{ 7 * 7 }}"
)
N_PROBLEMS = 60


def facts_of(number: int, picture: str) -> ProblemFacts:
    """A right and a wrong candidate; the third problem's wrong one is hostile, the fifth has a failure."""
    texts = {"good": "It is 3.\n\nThe answer is 3.", "bad": ATTACK if number == 3 else "It is 4.\n\nThe answer is 4."}
    candidates = {name: Candidate(f"id{number}", rank, text) for rank, (name, text) in enumerate(texts.items())}
    extra = (
        [Candidate(f"id{number}", 2, "", error="timeout <b>")] if number == 5 else [replace(candidates["bad"], rank=2)]
    )
    scores = {"good": (0.9, 0.64), "bad": (0.12, 0.05, 0.5) if number == 3 else (0.12, 0.05)}
    return ProblemFacts(
        Problem("Bench", str(number), "", (Part("image", picture), Part("text", f"How many are {number}?")), "3",
                f"id{number}"),
        (*candidates.values(), *extra),
        {"visualprm": {candidates[name].text_id: StepScores(scores[name]) for name in texts}},
        {candidates["good"].text_id: Verdict(1.0), candidates["bad"].text_id: Verdict(0.0)},
    )  # fmt: skip


def steps_of(facts):
    def steps(critic, keys):
        del keys
        assert critic == "visualprm"
        return {
            (one.problem.id, candidate.text_id): replace(scored, steps=tuple(candidate.text.split("\n\n")))
            for one in facts
            for candidate in one.candidates
            if (scored := one.scores["visualprm"].get(candidate.text_id)) is not None
        }

    return steps


@pytest.fixture
def picture(tmp_path) -> str:
    path = tmp_path / "picture.png"
    Image.new("RGB", (40, 20), (255, 0, 0)).save(path)
    return str(path)


@pytest.fixture
def all_results(results, pick, picture):
    """Results with a viewer of 60 problems: the reranker visualprm is wrong on every seventh."""
    builder = ViewerBuilder(N_PROBLEMS)
    facts = [facts_of(number, picture) for number in range(N_PROBLEMS)]
    picks = []
    for number, one in enumerate(facts):
        rank = 1 if number % 7 == 3 else 0
        about = {"problem_id": f"id{number}", "index": str(number), "benchmark": "Bench", "policy": "P & <Q>"}
        chosen = one.candidates[rank]
        picks.append(pick(**about, rank=rank, text=chosen.text, verdict=float(rank == 0)))
        picks.append(pick(**about, reranker="first", rank=0, text=one.candidates[0].text, verdict=1.0))
    builder.add(facts, picks, steps_of(facts), lambda text, _: text[-2:-1], "P & <Q>")
    return replace(results, viewer=builder.viewer())


@pytest.fixture
def page(all_results) -> str:
    return render(all_results, {"curves": b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"})


def embedded(page: str, name: str):
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def test_only_the_pages_own_script_is_there_and_may_run(page):
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    runnable = [body for attributes, body in scripts if "application/json" not in attributes]
    assert len(runnable) == 1
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    digest = base64.b64encode(hashlib.sha256(runnable[0].encode()).digest()).decode()
    policy = html.unescape(policy)
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("<script", page)) == len(scripts)


def test_nothing_is_fetched(page):
    markup = re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall('(?:src|href)="(?!data:|#)', markup)
    assert len(re.findall('(?:src|href)="', markup)) == len(re.findall("(?:src|href)=", markup))
    assert "@import" not in page
    assert "url(" not in page


def test_what_models_wrote_is_no_markup(page, hostile_texts):
    del hostile_texts
    assert "<img src=x" not in page
    assert "<b>bold" not in page
    assert "{{" not in page.replace("{{ 7 * 7 }}", "")
    assert "P &amp; &lt;Q&gt;" not in page.split("<main>")[0]  # The viewer's policy is no row of the results.


def test_the_data_comes_back_whole(page):
    index = embedded(page, "viewer-index")
    assert [row["i"] for row in index] == [str(number) for number in range(N_PROBLEMS)]
    meta = embedded(page, "viewer-meta")
    assert meta["page"] == PAGE
    assert meta["rerankers"] == ["visualprm", "first"]
    assert len(meta["pictures"]) == 1, "one picture is kept once"
    third = embedded(page, "viewer-page-0")[3]
    assert third["t"][1]["s"]["visualprm"] == [ATTACK.split("\n\n"), [0.12, 0.05, 0.5]]
    assert third["t"][1]["r"] == [1, 2], "equal texts stand once, with all their ranks"
    assert [row["m"] for row in index[:8]] == [[], [], [], [0], [], [], [], []]
    assert [row["f"] for row in index[:7]] == [False] * 5 + [True, False]
    assert embedded(page, "viewer-page-0")[5]["e"] == [{"r": 2, "e": "timeout <b>"}]
    assert len(re.findall("viewer-page-", page)) == 3 + 1, "three pages, and the script's own word"


def test_steps_that_several_critics_scored_stand_once(picture, pick):
    facts = [facts_of(number, picture) for number in range(2)]
    text_of = {one.text_id: one.text for fact in facts for one in fact.candidates}
    facts = [
        replace(fact, scores=dict.fromkeys(("first", "second", "whole"), fact.scores["visualprm"])) for fact in facts
    ]

    def steps(critic, keys):
        del keys
        return {
            (fact.problem.id, key): replace(
                scored, steps=(text_of[key],) if critic == "whole" else tuple(text_of[key].split("\n\n"))
            )
            for fact in facts for key, scored in fact.scores[critic].items()
        }  # fmt: skip

    builder = ViewerBuilder(2)
    builder.add(facts, [pick(problem_id="id0", rank=0)], steps, lambda *_: None, "P")
    entry = json.loads(builder.viewer().pages[0])[0]
    parts = {critic: said[0] for critic, said in entry["t"][0]["s"].items()}
    assert parts == {"first": ["It is 3.", "The answer is 3."], "second": "first", "whole": None}
    assert entry["t"][0]["t"] is None


def test_reasoning_is_shown_folded_of_each_candidate_that_has_some(picture, pick):
    facts = facts_of(3, picture)
    thoughts = {("id3", 0): "hm <b>", ("id3", 2): "x" * 30_000}
    told = [replace(one, reasoning=thoughts.get(("id3", one.rank), "")) for one in facts.candidates]
    asked = []

    def reasonings(keys):
        asked.extend(keys)
        return {key: thoughts[key] for key in keys}

    builder = ViewerBuilder(1)
    facts = replace(facts, candidates=tuple(told))
    picks = [pick(problem_id="id3", rank=0)]
    builder.add([facts], picks, steps_of([facts]), lambda *_: None, "P", reasonings=reasonings)
    viewer = builder.viewer()
    good, bad = json.loads(viewer.pages[0])[0]["t"]
    assert asked == [("id3", 0), ("id3", 2)], "nobody else's is looked up"
    assert good["h"] == [[0, "hm <b>"]]
    ((rank, said),) = bad["h"]
    assert rank == 2 and len(said) < 21_000 and said.endswith(" …")
    assert "1 texts of reasoning are cut or left out here to keep this file small; the store has them" in viewer.notes


def test_what_reasoning_may_take_is_what_texts_leave(picture, pick):
    facts = facts_of(1, picture)
    facts = replace(facts, candidates=tuple(replace(one, reasoning="y" * 900) for one in facts.candidates))
    builder = ViewerBuilder(1, budget=1_000)
    builder.add(
        [facts], [pick(problem_id="id1", rank=0)], steps_of([facts]), lambda *_: None, "P",
        reasonings=lambda keys: dict.fromkeys(keys, "y" * 900),
    )  # fmt: skip
    texts = json.loads(builder.viewer().pages[0])[0]["t"]
    assert sum(len(said) for text in texts for _, said in text.get("h", ())) < 1_000


def test_json_cannot_end_its_element():
    assert script_json('"</script><!--&"') == r'"\u003c/script\u003e\u003c!--\u0026"'
    assert json.loads(script_json('"</script>"')) == "</script>"


def test_an_unfinished_store_says_so(all_results):
    unfinished = replace(all_results, insight=Insight(missing=("P on B: 3 of 9 texts are not graded",)))
    page = render(unfinished, {})
    assert "UNFINISHED: P on B: 3 of 9 texts are not graded. Overalls are withheld." in page


def entry_of(facts, picks, steps=None):
    """The viewer's row for one problem, and its entry."""
    builder = ViewerBuilder(1)
    builder.add([facts], picks, steps or steps_of([facts]), lambda *_: None, "P")
    viewer = builder.viewer()
    return viewer.index[0], json.loads(viewer.pages[0])[0]


def test_the_oracle_is_no_reranker_that_disagrees(picture, pick):
    facts = facts_of(1, picture)
    picks = [pick(problem_id="id1", reranker=name, rank=1, verdict=0.0) for name in ("first", "visualprm")]
    oracle = pick(problem_id="id1", reranker="oracle", rank=0, verdict=1.0)
    row, _ = entry_of(facts, [*picks, oracle])
    assert (row["m"], row["d"]) == ([0, 1], False)
    row, _ = entry_of(facts, [picks[0], replace(picks[1], rank=0, verdict=1.0), oracle])
    assert (row["m"], row["d"]) == ([0], True)


def test_nobody_knows_that_no_candidate_is_right_before_all_are_graded(picture):
    facts = facts_of(1, picture)
    wrong = dict.fromkeys(facts.verdicts, Verdict(0.0))
    (first, *_) = wrong
    failed = {**wrong, first: Verdict(None, "no reply")}
    known = [wrong, facts.verdicts, {}, {first: Verdict(0.0)}, failed]
    rows = [entry_of(replace(facts, verdicts=verdicts), [])[0] for verdicts in known]
    assert [row["u"] for row in rows] == [True, False, False, False, False]


def test_scores_that_are_no_numbers_leave_the_page_readable(picture):
    facts = facts_of(1, picture)

    def steps(critic, keys):
        known = steps_of([facts])(critic, keys)
        return {key: replace(said, scores=(float("nan"), *said.scores[1:])) for key, said in known.items()}

    _, entry = entry_of(facts, [], steps)
    assert [text["e"] for text in entry["t"]] == [["visualprm: its scores are not all finite numbers"]] * 2
    assert all(text["s"] == {} and text["t"] for text in entry["t"])


def test_more_rerankers_than_an_integer_of_the_page_has_bits(picture, pick):
    picks = [pick(problem_id="id1", reranker=f"r{n}", verdict=float(n != 40)) for n in range(50)]
    assert entry_of(facts_of(1, picture), picks)[0]["m"] == [40]


def test_texts_share_the_room(picture, pick):
    facts = [facts_of(number, picture) for number in range(10, 20)]
    builder = ViewerBuilder(len(facts), budget=300)
    builder.add(
        facts,
        [pick(problem_id=one.problem.id, rank=0, text="x") for one in facts],
        steps_of(facts),
        lambda *_: None,
        "P",
    )
    viewer = builder.viewer()
    entries = json.loads(viewer.pages[0])
    assert all(entry["t"] for entry in entries), "the picked text is always there"
    assert sum(entry["l"] for entry in entries) > 0
    assert any("left out here" in note for note in viewer.notes)


def tables_of(page: str, section: str) -> list[list[list[str]]]:
    """The texts of the cells of a section's tables."""
    from lxml import html as parser

    (found,) = parser.fromstring(page).xpath(f"//section[@id='{section}']")
    return [
        [[cell.text_content() for cell in row.xpath("th|td")] for row in table.iter("tr")]
        for table in found.iter("table")
    ]


COLUMNS = ("MathVista_MINI", "MathVision_MINI", "LogicVista test")


def test_the_summary_is_that_of_the_other_views(page):
    summary = tables_of(page, "summary")[0]
    assert summary[0] == ["policy", "reranker", "k", *(f"{name}, gain over first" for name in COLUMNS)]
    assert summary[1] == [
        "InternVL2_5-8B",
        "first (pass@1)",
        "8",
        *(f"{base} (baseline)" for base in ("58.0", "17.0", "36.0")),
    ]
    assert re.fullmatch(r"6\d\.\d \(\+\d\.\d\)\s*not tested", summary[2][3])
    assert summary[9] == ["", "problems (failed)", "", "300 (0)", "304 (0)", "448 (0)"]
    assert summary[10][0] == "Qwen2.5-VL-7B-Instruct"
    assert summary[-2][-1] == "withheld"


def test_intervals_stand_below_gains_and_small_p_are_not_nothing(row):
    rows = [row(k=8), row(k=8, reranker="visualprm", value=59.3)]
    standing = Standing("P", "B", "", "visualprm", 8, 59.3, 50.0, 66.0, 9.3, 4.0, 14.0)
    compared = [Comparison("P", name, "", "visualprm", 8, "first", 9.3, 4.0, 14.0, 0.00001, 0.04, 40, 12, 300)
                for name in ("B", "C")]  # fmt: skip
    insight = Insight(standings=(standing,), comparisons=tuple(compared))
    page = render(Results(rows, [], insight=insight), {})
    assert tables_of(page, "summary")[0][2][3] == "59.3 (+9.3)+4.0 to +14.0"
    assert "59.3 (+9.3)<small>+4.0 to +14.0</small>" in page
    found = tables_of(page, "comparisons")
    assert len(found) == 2, "one for each benchmark"
    assert found[0][1][-3:] == ["<0.0001", "0.0400", "visualprm is better than first"]
    assert "<summary>P on C</summary>" in page


def test_published_figures_and_protocols_of_values_are_there(row):
    alike = Compared(row(k=8, value=60.0), 58.5, "a paper, table 2", "ours of 10 of 40 problems")
    page = render(Results([row(k=8)], [], comparisons=[alike], fingerprints=[{"protocol": "abc", "policy": "<b>"}]), {})
    (table,) = tables_of(page, "published")
    assert table[1][4:] == ["60.0", "58.5", "–", "a paper, table 2 (ours of 10 of 40 problems)"]
    assert tables_of(page, "protocol")[1] == [["protocol", "policy"], ["abc", "<b>"]]
    assert 'id="published"' not in render(Results([row(k=8)], []), {})


def test_chapters_without_anything_are_left_out(row):
    page = render(Results([row(value=None)], [], insight=Insight(missing=("P on B: 3 of 9 texts are not graded",))), {})
    assert re.findall('<section id="([a-z]+)"', page) == ["summary", "problems", "protocol", "failures", "glossary"]
    assert len(tables_of(page, "summary")) == 1
    assert re.findall('<a href="#([a-z]+)"', page) == ["summary", "problems", "protocol", "failures", "glossary"]


def test_many_notes_are_folded(row):
    def page(count):
        rows = [row(benchmark=f"B{place}", note=f"note {place}", k=8) for place in range(count)]
        return render(Results(rows, []), {})

    assert "<details open><summary>Notes on the values (2)</summary>" in page(2)
    assert "<details><summary>Notes on the values (9)</summary>" in page(9)
    assert "Notes on the values" not in page(0)


def test_the_head_names_benchmarks_not_their_mean(row):
    page = render(Results([row(), row(benchmark="C"), row(benchmark="overall")], []), {})
    assert '<p class="quiet">P on B, C</p>' in page


def test_pictures_have_limits(tmp_path):
    noise = Image.effect_noise((1500, 1200), 90).convert("RGB")
    for name in ("a.png", "b.png"):
        noise.save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    thumbnails = Thumbnails(budget=50_000, each=40_000)
    places = [thumbnails.place_of(str(tmp_path / name)) for name in ("a.png", "a.png", "broken.png", "missing.png")]
    assert places == [0, 0, None, None]
    assert len(thumbnails.urls[0]) <= 40_000
    assert thumbnails.left_out == 2
    assert sum(map(len, thumbnails.urls)) <= 50_000


def dom(tmp_path, page: str, state: dict[str, str]) -> str:
    """The document after the page's script ran, as a browser writes it down."""
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=3000", "--dump-dom", f"{path.as_uri()}#problems?{urlencode(state)}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)


def detail_of(document: str) -> str:
    return document.split('id="detail"')[1]


@in_browser
def test_a_browser_shows_the_linked_problem_with_its_picture_steps_and_verdicts(tmp_path, page):
    document = dom(tmp_path, page, {"p": "P & <Q>", "b": "Bench", "i": "31"})
    detail = detail_of(document)
    assert "How many are 31?" in detail
    (url,) = embedded(page, "viewer-meta")["pictures"]
    assert f'src="{url}"' in detail
    assert re.search(r'class="step s9"><span class="score">0\.90</span><span class="text">It is 3\.</span>', detail)
    assert re.search(r'class="step s6"><span class="score">0\.64</span>', detail)
    assert re.search(r'class="step s1"><span class="score">0\.12</span><span class="text">It is 4\.</span>', detail)
    right = detail.index('class="verdict right"')
    assert "picked by" in detail[right:]
    assert "60" in document.split('id="count"')[1][:20]


@in_browser
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_is_no_wider_than_the_window(tmp_path, all_results, width):
    """Long names wrap or scroll in their own boxes."""
    long = "a-very-long-name-of-a-policy-" * 6
    viewer = replace(all_results.viewer, index=[{**row, "p": long} for row in all_results.viewer.index])
    rows = [replace(row, policy=long) for row in all_results.rows]
    path = tmp_path / "report.html"
    path.write_text(render(replace(all_results, viewer=viewer, rows=rows), {}), encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        tab.open(path.as_uri(), width=width)
        assert tab.value("document.documentElement.scrollWidth") <= width


@in_browser
def test_a_browser_filters_and_searches(tmp_path, page):
    document = dom(tmp_path, page, {"show": "missed", "reranker": "visualprm"})
    shown = re.findall(r"<b>Bench (\d+)</b>", document)
    assert shown == [str(number) for number in range(N_PROBLEMS) if number % 7 == 3]
    document = dom(tmp_path, page, {"show": "failed", "search": "are 5"})
    assert re.findall(r"<b>Bench (\d+)</b>", document) == ["5"]
    assert "rank 2 failed: timeout &lt;b&gt;" in detail_of(document)
    document = dom(tmp_path, page, {"search": "ONERROR="})
    assert re.findall(r"<b>Bench (\d+)</b>", document) == ["3"], "what candidates say is searched too"


@in_browser
def test_a_browser_runs_nothing_of_a_hostile_candidate(tmp_path, page):
    document = dom(tmp_path, page, {"p": "P & <Q>", "b": "Bench", "i": "3"})
    assert "<title>Best-of-N report</title>" in document
    detail = detail_of(document)
    assert "&lt;img src=x onerror=" in detail
    assert "<b>bold" not in detail
