"""The SQL of the store. Lists of problem ids arrive in the temporary table ``wanted`` (position, problem_id)."""

from __future__ import annotations

# What a parameter becomes: where a list of steps is differs from store to store, so it travels as its digest.
RECEIVED = {"step_list": "(SELECT l.position FROM step_lists AS l WHERE l.digest = ?)"}


def put(table: str, columns: str, key: str, where: str | None = None, source: str = "") -> str:
    """An insertion of rows; a stored row of the same key gives way where a condition holds.

    Args:
        table: The table.
        columns: Its columns in the order of the values.
        key: Which of them address a row.
        where: The condition, of which ``excluded`` is the new row; ``None`` lets stored rows stay.
        source: Another table with these columns, which the rows come from; else they are parameters.
    """
    names = columns.split()
    values = f"VALUES ({', '.join(RECEIVED.get(name, '?') for name in names)})"
    if source:  # ``WHERE true`` keeps SQLite from reading ON as a join's.
        values = f"SELECT {', '.join(names)} FROM {source} WHERE true"  # noqa: S608 - names of our own tables
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split())
    conflict = "NOTHING" if where is None else f"UPDATE SET {changes} WHERE {where}"
    return f"INSERT INTO {table} ({', '.join(names)}) {values} ON CONFLICT ({', '.join(key.split())}) DO {conflict}"


# A stored success stays; a stored failure gives way to any later outcome.
_FAILED = "error IS NOT NULL"
_TEXT_KEY = "spec_id problem_id text_id"

PUT_SPEC = put("specs", "id kind settings created_at", "id")

SPECS = "SELECT kind, settings FROM specs WHERE kind = ? ORDER BY position"

# Later than all before it even where the clock went back: what is said again is the last word again.
PUT_NOTE = """
INSERT INTO notes (kind, subject, value, created_at)
VALUES (?, ?, ?, max(?, (SELECT coalesce(max(created_at), 0) + 1e-6 FROM notes)))
ON CONFLICT (kind, subject, value) DO UPDATE SET created_at = excluded.created_at"""

NOTES = """
SELECT subject, value FROM notes WHERE kind = ? AND subject = coalesce(?, subject) ORDER BY created_at, position"""

HAS_FACTS = """
SELECT EXISTS (SELECT 1 FROM candidates WHERE spec_id = ?) OR EXISTS (SELECT 1 FROM scores WHERE spec_id = ?)
    OR EXISTS (SELECT 1 FROM verdicts WHERE spec_id = ?)"""

PUT_CANDIDATE = put(
    "candidates",
    "spec_id problem_id rank text_id error finish tokens seconds created_at prompt_tokens completion_tokens "
    "reasoning_id",
    "spec_id problem_id rank", _FAILED,
)  # fmt: skip

PUT_STEP_LIST = put("step_lists", "digest steps", "digest")

PUT_SCORES = put("scores", f"{_TEXT_KEY} error step_scores step_list created_at seconds", _TEXT_KEY, _FAILED)

PUT_VERDICT = put("verdicts", f"{_TEXT_KEY} error value created_at seconds", _TEXT_KEY, _FAILED)

# The same problem (its id covers the images' bytes) may find its images elsewhere after the work dir was moved, and a
# store of an older version knows no groups, nor options that the benchmark has in one column.
PUT_PROBLEM = """
INSERT INTO problems (id, benchmark, row_index, split, parts, answer, choices, row_groups, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    parts = excluded.parts, choices = excluded.choices, row_groups = excluded.row_groups
WHERE parts IS NOT excluded.parts OR choices IS NOT excluded.choices OR row_groups IS NOT excluded.row_groups"""

PROBLEMS = """
SELECT id, benchmark, row_index, split, parts, answer, choices, row_groups FROM problems WHERE benchmark = ?
ORDER BY position"""

# Prompts of another wording than the last one's are not mixed with it.
DROP_OTHER_WORDINGS = """
DELETE FROM prompts WHERE prompt = ? AND wording <> ? AND problem_id IN (SELECT id FROM problems WHERE benchmark = ?)"""

PUT_PROMPT = put("prompts", "problem_id prompt wording parts shown created_at", "problem_id prompt", "true")

PROMPTS = """
SELECT p.id, q.wording, q.parts, q.shown FROM problems AS p JOIN prompts AS q ON q.problem_id = p.id AND q.prompt = ?
WHERE p.benchmark = ? ORDER BY p.position"""

PUT_EQUALITY = put("answer_equalities", "version one other equal created_at", "version one other")

EQUALITIES = "SELECT one, other, equal FROM answer_equalities WHERE version = ? OR ? IS NULL ORDER BY created_at"

PUT_FIGURE = put("host_figures", "grading_id selection figure created_at", "grading_id selection", "true")

FIGURE = """
INSERT INTO host_figures VALUES (?, ?, ?, ?) ON CONFLICT (grading_id, selection) DO UPDATE SET
    figure = excluded.figure, created_at = excluded.created_at"""

FIGURE = "SELECT figure FROM host_figures WHERE grading_id = ? AND selection = ?"

GREATEST_FIGURE = "SELECT max(figure) FROM host_figures WHERE grading_id = ?"

BENCHMARKS = "SELECT benchmark FROM problems GROUP BY benchmark ORDER BY min(position)"

PUT_TEXT = put("texts", "id value", "id")

# CROSS JOIN makes SQLite walk the wanted problems in their order, each by its key: no sorting, no table scan.
CANDIDATES = """
SELECT c.problem_id, c.rank, t.value, c.error, c.finish, c.tokens, c.seconds, c.prompt_tokens, c.completion_tokens,
    (SELECT r.value FROM texts AS r WHERE r.id = c.reasoning_id)
FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id
CROSS JOIN texts AS t ON t.id = c.text_id
ORDER BY w.position, c.rank"""

REASONING = """
SELECT t.value FROM candidates AS c CROSS JOIN texts AS t ON t.id = c.reasoning_id
WHERE c.spec_id = ? AND c.problem_id = ? AND c.rank = ?"""

# What replies cost stands on the first of their candidates; of models that run here each candidate has its own number.
WRITTEN_TOKENS = """
SELECT s.kind, s.settings, p.benchmark, count(*), sum(coalesce(c.completion_tokens, c.tokens))
FROM candidates AS c JOIN specs AS s ON s.id = c.spec_id JOIN problems AS p ON p.id = c.problem_id
WHERE c.error IS NULL GROUP BY s.id, p.benchmark
HAVING sum(coalesce(c.completion_tokens, c.tokens)) IS NOT NULL"""

DONE_RANKS = """
SELECT c.problem_id, c.rank
FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id
WHERE c.rank < ? AND (c.error IS NULL OR NOT ?)"""

MISSING_SCORES = """
SELECT c.problem_id, c.text_id, t.value
FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id AND c.rank < ?
CROSS JOIN texts AS t ON t.id = c.text_id
LEFT JOIN scores AS s ON s.spec_id = ? AND s.problem_id = c.problem_id AND s.text_id = c.text_id
WHERE c.error IS NULL AND (s.spec_id IS NULL OR (s.error IS NOT NULL AND ?))
ORDER BY w.position, c.rank"""

STEPS = "(SELECT l.steps FROM step_lists AS l WHERE l.position = step_list)"
STEPS_TEXT = "(SELECT t.value FROM texts AS t WHERE t.id = text_id)"
"""The steps of a row of scores, and the text in which they are."""

SCORES = f"""
SELECT s.problem_id, s.text_id, s.error, s.step_scores,
    CASE WHEN ?1 THEN {STEPS} ELSE '[]' END, CASE WHEN ?1 THEN {STEPS_TEXT} ELSE '' END, s.seconds
FROM wanted AS w CROSS JOIN scores AS s ON s.spec_id = ?2 AND s.problem_id = w.problem_id
ORDER BY w.position, s.position"""  # noqa: S608

VERDICTS = """
SELECT v.problem_id, v.text_id, v.error, v.value, v.seconds
FROM wanted AS w CROSS JOIN verdicts AS v ON v.spec_id = ? AND v.problem_id = w.problem_id
ORDER BY w.position"""

# Columns of facts for arithmetic. The table ``places`` lists problems like ``wanted``, but one may stand there twice.
CANDIDATE_COLUMNS = """
SELECT p.position, c.rank, c.text_id, c.error, c.reasoning_id, c.finish, c.tokens, c.seconds, c.prompt_tokens,
    c.completion_tokens
FROM places AS p CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = p.problem_id AND c.rank < ?
ORDER BY p.position, c.rank"""

LAST_TEXT = "SELECT coalesce(max(position), 0) FROM texts"

TEXTS = "SELECT id, value FROM texts"

TEXT = "SELECT id, value FROM texts WHERE id = ?"

SCORE_COLUMNS = """
SELECT p.position, s.text_id, s.error, s.step_scores, s.seconds
FROM places AS p CROSS JOIN scores AS s ON s.spec_id = ? AND s.problem_id = p.problem_id"""

VERDICT_COLUMNS = """
SELECT p.position, v.text_id, v.error, v.value, v.seconds
FROM places AS p CROSS JOIN verdicts AS v ON v.spec_id = ? AND v.problem_id = p.problem_id"""

SCORES_OF_TEXT = f"""
SELECT error, step_scores, {STEPS}, {STEPS_TEXT}, seconds
FROM scores WHERE spec_id = ? AND problem_id = ? AND text_id = ?"""  # noqa: S608

SAMPLED = """
SELECT coalesce(max(c.rank), -1) + 1
FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id"""

FULLEST = """
SELECT coalesce(max(count), 0)
FROM (SELECT count(*) AS count FROM candidates WHERE spec_id = ? GROUP BY problem_id)"""

ANY_SCORES = """
SELECT EXISTS (
    SELECT 1 FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id
    CROSS JOIN scores AS s ON s.spec_id = ? AND s.problem_id = c.problem_id AND s.text_id = c.text_id)"""

ANY_UNGRADED = """
SELECT EXISTS (
    SELECT 1 FROM wanted AS w CROSS JOIN candidates AS c ON c.spec_id = ? AND c.problem_id = w.problem_id
        AND c.error IS NULL
    LEFT JOIN verdicts AS v ON v.spec_id = ? AND v.problem_id = c.problem_id AND v.text_id = c.text_id
    WHERE v.spec_id IS NULL)"""

ANY_VERDICT = """
SELECT EXISTS (SELECT 1 FROM verdicts WHERE spec_id = ? AND value IS NOT NULL AND seconds IS NOT 0.0)"""

LAST_FAILED_VERDICT = "SELECT max(created_at) FROM verdicts WHERE spec_id = ? AND error IS NOT NULL"

REPLY = "SELECT reply FROM judge_replies WHERE request = ? AND attempt = ? AND created_at > ?"

# Only a reply that came to nothing is asked for again.
PUT_REPLY = put("judge_replies", "request attempt reply created_at", "request attempt", "true")

CREATE_WANTED = """
CREATE TEMP TABLE IF NOT EXISTS wanted (position INTEGER PRIMARY KEY, problem_id TEXT NOT NULL UNIQUE)"""

ADD_WANTED = "INSERT INTO wanted (problem_id) VALUES (?) ON CONFLICT (problem_id) DO NOTHING"

CREATE_PLACES = """
CREATE TEMP TABLE IF NOT EXISTS places (position INTEGER PRIMARY KEY, problem_id TEXT NOT NULL)"""
