"use strict";
// The viewer. What a model wrote only ever becomes text: textContent, never markup.
(() => {
  const PER_LIST = 50;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const meta = read("viewer-meta");
  const index = read("viewer-index");
  const at = (id) => document.getElementById(id);
  const controls = { policy: at("policy"), benchmark: at("benchmark"), show: at("show"), reranker: at("reranker"), search: at("search") };
  const pages = new Map();
  const searched = new Map();
  let matches = [];
  let place = 0;
  let critic = "";

  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  function entryOf(number) {
    const page = Math.floor(number / meta.page);
    if (!pages.has(page)) {
      if (pages.size > 40) pages.clear(); // Decoded pages of a large run would fill the memory.
      pages.set(page, read("viewer-page-" + page));
    }
    return pages.get(page)[number % meta.page];
  }

  function fill(select, values, all) {
    select.replaceChildren();
    if (all) select.append(new Option(all, ""));
    for (const value of values) select.append(new Option(value, value));
  }

  const key = (row) => [row.p, row.b, row.s, row.i].join("\u001f");

  function stateFromHash() {
    if (!location.hash.startsWith("#problems?")) return null;
    return new URLSearchParams(location.hash.slice("#problems?".length));
  }

  function writeHash() {
    const state = new URLSearchParams();
    for (const [name, control] of Object.entries(controls)) if (control.value && control.value !== control.dataset.usual) state.set(name, control.value);
    if (critic) state.set("critic", critic);
    if (matches.length) {
      const row = index[matches[place]];
      state.set("p", row.p); state.set("b", row.b); if (row.s) state.set("s", row.s); state.set("i", row.i);
    }
    history.replaceState(null, "", "#problems?" + state);
  }

  // All that a search looks through of a problem. It is only gathered once somebody searches.
  function wordsOf(number) {
    if (!searched.has(number)) {
      const entry = entryOf(number);
      const parts = [index[number].i, entry.q, entry.a, ...Object.values(entry.c), ...entry.t.map(wholeText), ...entry.e.map((failure) => failure.e)];
      searched.set(number, parts.join("\n").toLowerCase());
    }
    return searched.get(number);
  }

  function keep(row, number) {
    const words = controls.search.value.trim().toLowerCase();
    const bit = controls.reranker.selectedIndex;
    if (controls.policy.value && row.p !== controls.policy.value) return false;
    if (controls.benchmark.value && row.b !== controls.benchmark.value) return false;
    if (controls.show.value === "missed" && !row.m.includes(bit)) return false;
    if (controls.show.value === "disagree" && !row.d) return false;
    if (controls.show.value === "failed" && !row.f) return false;
    if (controls.show.value === "unsolvable" && !row.u) return false;
    return !words || wordsOf(number).includes(words);
  }

  function filter(wanted) {
    matches = [];
    index.forEach((row, number) => { if (keep(row, number)) matches.push(number); });
    const found = wanted ? matches.findIndex((number) => key(index[number]) === wanted) : 0;
    place = Math.max(0, found);
    show();
  }

  function show() {
    drawList();
    drawDetail();
  }

  function drawList() {
    const list = at("list");
    const start = Math.floor(place / PER_LIST) * PER_LIST;
    list.replaceChildren();
    matches.slice(start, start + PER_LIST).forEach((number, offset) => {
      const row = index[number];
      const button = make("button");
      button.type = "button";
      button.append(make("b", row.b + (row.s ? " " + row.s : "") + " " + row.i), make("span", row.q), make("span", row.p));
      button.setAttribute("aria-current", String(start + offset === place));
      button.addEventListener("click", () => { place = start + offset; show(); writeHash(); });
      const item = make("li");
      item.append(button);
      list.append(item);
    });
    const current = list.querySelector('[aria-current="true"]');
    if (current) list.scrollTop = Math.max(0, current.offsetTop - list.offsetTop - 120);
    at("count").textContent = matches.length ? (place + 1).toLocaleString("en") + " of " + matches.length.toLocaleString("en") : "no problem fits";
    at("previous").disabled = place <= 0;
    at("next").disabled = place >= matches.length - 1;
  }

  function verdict(value) {
    if (value === null || value === undefined) return make("span", "not graded", "verdict");
    if (value === 1) return make("span", "right", "verdict right");
    if (value === 0) return make("span", "wrong", "verdict wrong");
    return make("span", "partly right (" + value.toFixed(2) + ")", "verdict");
  }

  const shade = (score) => "s" + Math.round(10 * Math.min(1, Math.max(0, score)));
  const mean = (scores) => scores.reduce((sum, score) => sum + score, 0) / scores.length;

  function wholeText(text) {
    if (text.y) return text.y.map((labelled) => labelled[1]).join("\n\n");
    if (text.t !== null) return text.t;
    const steps = Object.values(text.s).map((parts) => parts[0]).find(Array.isArray);
    return steps.join("\n\n");
  }

  function stepsOf(text) {
    const said = text.s[critic];
    const box = make("div");
    if (!said) {
      box.append(make("div", wholeText(text), "text"));
      return box;
    }
    const whole = said[0] === null;
    // Critics of the same steps: all but the first name the one that has them.
    const steps = whole ? [wholeText(text)] : typeof said[0] === "string" ? text.s[said[0]][0] : said[0];
    if (whole && said[1].length > 1) box.append(make("p", "step scores: " + said[1].map((score) => score.toFixed(2)).join(" "), "quiet"));
    steps.forEach((step, number) => {
      const score = whole && said[1].length > 1 ? mean(said[1]) : said[1][number];
      const line = make("div", null, "step " + shade(score));
      line.append(make("span", score.toFixed(2), "score"), make("span", step, "text"));
      box.append(line);
    });
    return box;
  }

  // Steps with labels: beside each its label and every critic's score, marked where the critic errs.
  function labelledSteps(text) {
    const box = make("div");
    text.y.forEach(([label, step], number) => {
      const said = text.s[critic];
      const line = make("div", null, "step labelled" + (said ? " " + shade(said[1][number]) : ""));
      const scores = make("span", null, "score");
      scores.append(make("b", label));
      for (const [name, [, numbers, wrong]] of Object.entries(text.s)) {
        const errs = wrong.includes(number);
        scores.append(make("span", numbers[number].toFixed(2) + " " + name + (errs ? " (wrong)" : ""), errs ? "wrong" : ""));
      }
      line.append(scores, make("span", step, "text"));
      box.append(line);
    });
    return box;
  }

  function solution(text) {
    const box = make("article", null, "card");
    for (const [name, [, , wrong]] of Object.entries(text.s)) {
      const where = wrong.map((number) => number + 1).join(", ");
      box.append(make("p", name + (wrong.length ? ": wrong on " + (wrong.length > 1 ? "steps " : "step ") + where : ": wrong on no step"), wrong.length ? "wrong" : "right"));
    }
    for (const error of text.e) box.append(make("p", error, "wrong"));
    box.append(labelledSteps(text));
    return box;
  }

  function card(text, picks) {
    const pickers = picks.filter((pick) => pick.r !== null && text.r.includes(pick.r)).map((pick) => pick.n);
    const box = make("article", null, "card" + (pickers.length ? " picked" : ""));
    const head = make("header");
    head.append(verdict(text.v), make("span", (text.r.length > 1 ? text.r.length + " alike, ranks " : "rank ") + text.r.join(", ")));
    if (text.s[critic]) head.append(make("span", "score " + mean(text.s[critic][1]).toFixed(3)));
    head.append(make("span", text.f === null ? "no final answer" : "answer: " + text.f));
    if (text.n === "length") head.append(make("span", "cut at the token limit"));
    box.append(head);
    if (pickers.length) box.append(make("p", "picked by " + pickers.join(", ")));
    for (const error of text.e) box.append(make("p", error, "wrong"));
    box.append(stepsOf(text));
    // What the server kept apart of the model's thoughts: data, which nobody scored or graded.
    for (const [rank, said] of text.h || []) {
      const folded = make("details");
      folded.append(make("summary", "reasoning beside the text of rank " + rank + " (not scored, not graded)"), make("div", said, "text"));
      box.append(folded);
    }
    return box;
  }

  function question(entry) {
    const box = make("div", null, "asked");
    for (const number of entry.g) {
      if (number === null) { box.append(make("p", "(a picture is not shown here)", "quiet")); continue; }
      const image = make("img");
      image.alt = "picture of the problem";
      image.src = meta.pictures[number];
      box.append(image);
    }
    const side = make("div");
    side.append(make("div", entry.q, "text"));
    for (const [letter, choice] of Object.entries(entry.c)) if (!entry.q.includes(choice)) side.append(make("div", letter + ". " + choice, "text"));
    side.append(make("p", "Reference answer: " + (entry.a || "kept by the benchmark")));
    box.append(side);
    return box;
  }

  function pickTable(entry) {
    const table = make("table");
    const head = make("tr");
    for (const title of ["reranker", "k", "picks rank", "verdict"]) head.append(make("th", title));
    table.append(head);
    for (const pick of entry.k) {
      const line = make("tr");
      const worth = make("td");
      worth.append(pick.r === null ? make("span", pick.o) : verdict(pick.v));
      line.append(make("td", pick.n), make("td", String(pick.k)), make("td", pick.r === null ? "none" : String(pick.r)), worth);
      table.append(line);
    }
    const box = make("div", null, "scroll");
    box.append(table);
    return box;
  }

  function criticChoice(entry) {
    const names = [...new Set(entry.t.flatMap((text) => Object.keys(text.s)))];
    if (!names.includes(critic)) critic = names[0] || "";
    const label = make("label", "step scores of");
    const select = make("select");
    select.id = "critic";
    fill(select, names);
    select.value = critic;
    select.addEventListener("change", () => { critic = select.value; drawDetail(); writeHash(); });
    label.append(select);
    return names.length ? label : make("p", "no critic scored this", "quiet");
  }

  function drawDetail() {
    const detail = at("detail");
    detail.replaceChildren();
    if (!matches.length) { detail.append(make("p", "Nothing fits these filters.", "quiet")); return; }
    const row = index[matches[place]];
    const entry = entryOf(matches[place]);
    detail.append(make("h3", row.b + (row.s ? " " + row.s : "") + " " + row.i + " · " + row.p), question(entry));
    const labelled = entry.t.some((text) => text.y);
    if (!labelled) detail.append(make("h3", "Picks"), pickTable(entry));
    const form = make("form");
    form.append(criticChoice(entry));
    detail.append(make("h3", labelled ? "Steps" : "Candidates"), form);
    const cards = make("div", null, labelled ? "" : "cards");
    for (const text of entry.t) cards.append(labelled ? solution(text) : card(text, entry.k));
    detail.append(cards);
    if (entry.l) detail.append(make("p", entry.l + " more candidates are in the store", "quiet"));
    for (const failure of entry.e) detail.append(make("p", "rank " + failure.r + " failed: " + failure.e, "wrong"));
  }

  function move(by) {
    const to = place + by;
    if (to < 0 || to >= matches.length) return;
    place = to;
    show();
    writeHash();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing) return;
    if (event.key === "j" || event.key === "ArrowRight") move(1);
    else if (event.key === "k" || event.key === "ArrowLeft") move(-1);
    else if (event.key === "/") { event.preventDefault(); controls.search.focus(); }
  }

  function start() {
    fill(controls.policy, [...new Set(index.map((row) => row.p))], "all");
    fill(controls.benchmark, [...new Set(index.map((row) => row.b))], "all");
    fill(controls.reranker, meta.rerankers);
    const usual = meta.rerankers.indexOf("visualprm");
    if (usual >= 0) controls.reranker.selectedIndex = usual;
    for (const control of Object.values(controls)) control.dataset.usual = control.value;
    apply();
    for (const name of ["policy", "benchmark", "show", "reranker"]) controls[name].addEventListener("change", () => { filter(); writeHash(); });
    let timer = 0;
    controls.search.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { filter(); writeHash(); }, 150); });
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("previous").addEventListener("click", () => move(-1));
    at("next").addEventListener("click", () => move(1));
    document.addEventListener("keydown", onKey);
    addEventListener("hashchange", apply);
  }

  function apply() {
    const state = stateFromHash();
    if (state) {
      for (const [name, control] of Object.entries(controls)) control.value = state.get(name) ?? control.dataset.usual;
      critic = state.get("critic") || "";
      at("problems").scrollIntoView();
    }
    filter(state ? [state.get("p") || "", state.get("b") || "", state.get("s") || "", state.get("i") || ""].join("\u001f") : null);
  }

  start();
})();
