"""The store itself: facts in, facts out, and the one question that drives every stage: what is missing?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import StoreDamagedError, StoreError
from visualprm_eval.core.groups import grouped
from visualprm_eval.core.types import Prompt
from visualprm_eval.core.types import text_id as id_of_text
from visualprm_eval.store import absorb, codec, queries, sound
from visualprm_eval.store.connection import translated_errors
from visualprm_eval.store.file import StoreFile, fill_wanted
from visualprm_eval.store.replies import Replies

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from visualprm_eval.core.answers.equality import FormulasEqual
    from visualprm_eval.core.types import Candidate, JSONValue, Problem, Spec, StepScores, Verdict
    from visualprm_eval.evaluate.fact_columns import Columns

STORE_FILE = "store.sqlite"
_PROBLEMS = "problems"
"""The kind of notes on which problems a benchmark has: their ids in order."""


class Store(StoreFile):
    """The facts of one work dir: specs, problems, candidates, step scores and verdicts.

    A fact is durable when the ``put_`` method that took it returns. Each call of a ``put_`` method is one transaction:
    all of its facts are kept or none. A stored success is never replaced; a stored failure is, by any later outcome.
    Opened by :meth:`open`; one thread uses it, and any number of readers in other processes may look on.
    """

    def put_spec(self, spec: Spec) -> str:
        """Keeps what produces facts and returns ``spec.id``, their key."""
        with self._writing() as db:
            db.execute(queries.PUT_SPEC, codec.spec_row(spec, time.time()))
        return spec.id

    def specs(self, kind: str) -> list[Spec]:
        """All specs of a kind (``"sampling"``, ``"scoring"``, ``"grading"``), oldest first."""
        return [codec.spec_of(*row) for row in self._query(queries.SPECS, (kind,))]

    def has_facts(self, spec_id: str) -> bool:
        """Whether there are candidates, scores or verdicts of a spec."""
        return bool(self._value(queries.HAS_FACTS, (spec_id, spec_id, spec_id)))

    def put_note(self, kind: str, subject: str, value: JSONValue) -> None:
        """Keeps what is good to know beside facts, such as which file a benchmark is from.

        It is the last word on its subject, even where it was said before; what else was said of it stays.

        Args:
            kind: What kind of thing is said.
            subject: Of what: a key of facts, the name of a benchmark, ``""`` for the store.
            value: What is said.
        """
        with self._writing() as db:
            db.execute(queries.PUT_NOTE, codec.note_row(kind, subject, value, time.time()))

    def notes(self, kind: str, subject: str | None = None) -> list[tuple[str, Any]]:
        """Subjects and values of the notes of a kind, the last word last; all of them, or those on one subject."""
        wanted = (kind, codec.pack_optional(subject))
        return [(codec.unpack_text(row[0]), codec.unpack_json(row[1])) for row in self._query(queries.NOTES, wanted)]

    def last_note(self, kind: str, subject: str) -> Any:
        """What was said last of a subject; ``None`` when nothing was."""
        found = self.notes(kind, subject)
        return found[-1][1] if found else None

    def put_problems(self, problems: Iterable[Problem]) -> None:
        """Keeps problems in the order given; of known ones the places of images, options and groups are replaced.

        They are what their benchmarks are made of now, see :meth:`current_problems`.
        """
        now = time.time()
        given = list(problems)
        benchmarks = grouped(given, lambda problem: problem.benchmark)
        with self._writing() as db:
            db.executemany(queries.PUT_PROBLEM, (codec.problem_row(problem, now) for problem in given))
            notes = [(benchmark, [problem.id for problem in problems]) for benchmark, problems in benchmarks.items()]
            rows = [codec.note_row(_PROBLEMS, benchmark, ids, now) for benchmark, ids in notes]
            db.executemany(queries.PUT_NOTE, rows)

    def current_problems(self, benchmark: str) -> list[Problem]:
        """The problems of a benchmark in the order of their rows; of those with one index the one that was put last."""
        known = {problem.id: problem for problem in self.problems(benchmark)}
        current = {problem.index: problem for problem in known.values()}
        for _, ids in self.notes(_PROBLEMS, benchmark):
            current |= {known[each].index: known[each] for each in ids if each in known}
        return list(current.values())

    def problems(self, benchmark: str) -> list[Problem]:
        """All problems of a benchmark, first put first.

        A benchmark whose data or prompt changed has its former problems here as well: ids tell them apart.
        """
        return [codec.problem_of(row) for row in self._query(queries.PROBLEMS, (codec.pack_text(benchmark),))]

    def benchmarks(self) -> list[str]:
        """Names of the benchmarks that have problems here, first put first."""
        return [codec.unpack_text(row[0]) for row in self._query(queries.BENCHMARKS)]

    def put_prompts(self, benchmark: str, name: str, prompts: Mapping[str, Prompt]) -> None:
        """Keeps how the host puts problems, by their ids; those of the benchmark in other wordings go.

        Args:
            benchmark: The benchmark.
            name: The value of ``--prompt`` that they are made for.
            prompts: Prompts of one wording; known ones are replaced.
        """
        now = time.time()
        with self._writing() as db:
            for wording in {prompt.wording for prompt in prompts.values()}:
                db.execute(queries.DROP_OTHER_WORDINGS, (name, wording, codec.pack_text(benchmark)))
            rows = (codec.prompt_row(problem_id, name, prompt, now) for problem_id, prompt in prompts.items())
            db.executemany(queries.PUT_PROMPT, rows)

    def prompts(self, benchmark: str, name: str) -> dict[str, Prompt]:
        """How the host puts a benchmark's problems for a value of ``--prompt``, by their ids, as far as it was kept."""
        rows = self._query(queries.PROMPTS, (name, codec.pack_text(benchmark)))
        return {
            problem_id: Prompt(wording, codec.unpack_json(parts), codec.unpack_json(shown))
            for problem_id, wording, parts, shown in rows
        }

    def put_candidates(self, sampling_id: str, candidates: Iterable[Candidate]) -> int:
        """Keeps candidates; equal texts are kept once.

        Returns:
            How many were new or took the place of a failure.

        Raises:
            StoreError: The sampling or a problem was never put, or a rank, time or count is none.
        """
        now = time.time()
        facts = [(candidate, candidate.text_id) for candidate in candidates]
        rows = [codec.candidate_row(sampling_id, candidate, text_id, now) for candidate, text_id in facts]
        with self._writing() as db:
            self._require_spec(sampling_id, "sampling")
            texts = [(text_id, codec.pack_text(candidate.text)) for candidate, text_id in facts]
            reasonings = {candidate.reasoning for candidate, _ in facts if candidate.reasoning}
            texts += [(id_of_text(reasoning), codec.pack_text(reasoning)) for reasoning in reasonings]
            db.executemany(queries.PUT_TEXT, texts)
            return _changed(db.executemany(queries.PUT_CANDIDATE, rows))

    def candidates(self, sampling_id: str, problem_ids: Iterable[str]) -> dict[str, list[Candidate]]:
        """Candidates by rank, failures included, of each problem in the order asked; ``[]`` where there are none."""
        result: dict[str, list[Candidate]] = {problem_id: [] for problem_id in problem_ids}
        for row in self._query(queries.CANDIDATES, (sampling_id,), wanted=result):
            result[row[0]].append(codec.candidate_of(row))
        return result

    def reasonings(self, sampling_id: str, candidates: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """What came beside the texts of these candidates, by (problem id, rank), of those that have any."""
        with translated_errors(self.path):
            rows = {key: self._db.execute(queries.REASONING, (sampling_id, *key)).fetchone() for key in candidates}
        return {key: codec.unpack_text(row[0]) for key, row in rows.items() if row is not None}

    def missing_candidates(
        self, sampling_id: str, problem_ids: Iterable[str], n: int, retry_failed: bool = False
    ) -> list[tuple[str, int]]:
        """(problem id, rank) of every candidate with rank < n still to be drawn, in order of problem, then rank.

        Args:
            sampling_id: The key of the sampling.
            problem_ids: The problems, in the order in which they are to be sampled.
            n: N, the number of candidates per problem.
            retry_failed: Whether stored failures count as missing.
        """
        done: dict[str, set[int]] = {problem_id: set() for problem_id in problem_ids}
        for problem_id, rank in self._query(queries.DONE_RANKS, (sampling_id, n, retry_failed), wanted=done):
            done[problem_id].add(rank)
        return [(problem_id, rank) for problem_id, ranks in done.items() for rank in range(n) if rank not in ranks]

    def written_tokens(self) -> list[tuple[Spec, str, int, int]]:
        """Of each sampling on each benchmark: candidates that did not fail, and their tokens where those are known."""
        return [
            (codec.spec_of(kind, settings), codec.unpack_text(benchmark), candidates, tokens)
            for kind, settings, benchmark, candidates, tokens in self._query(queries.WRITTEN_TOKENS)
        ]

    def put_scores(self, scoring_id: str, scores: Iterable[tuple[str, str, StepScores]]) -> int:
        """Keeps (problem id, text id, step scores); every candidate of the problem with that text shares them.

        Returns:
            How many were new or took the place of a failure.

        Raises:
            StoreError: The scoring, a problem or a text was never put, or something is neither scores nor failure, no
                finite number, or out of the range that the scoring declares.
        """
        now = time.time()
        with self._writing() as db:
            allowed = sound.range_of(self._require_spec(scoring_id, "scoring"))
            facts = [(*fact, codec.step_list_row(fact[2].steps, self._text(fact[1]))) for fact in scores]
            rows = [codec.scores_row((scoring_id, *key), outcome, digest, now, allowed=allowed)
                    for *key, outcome, (digest, _) in facts]  # fmt: skip
            db.executemany(queries.PUT_STEP_LIST, [step_list for *_, step_list in facts])
            return _changed(db.executemany(queries.PUT_SCORES, rows))

    def scores(
        self, scoring_id: str, problem_ids: Iterable[str], with_steps: bool = True
    ) -> dict[tuple[str, str], StepScores]:
        """Step scores, failures included, by (problem id, text id); ``with_steps=False`` leaves the steps out."""
        rows = self._query(queries.SCORES, (with_steps, scoring_id), wanted=problem_ids)
        return {(row[0], row[1]): codec.scores_of(*row[2:]) for row in rows}

    def missing_scores(
        self, scoring_id: str, sampling_id: str, problem_ids: Iterable[str], n: int, retry_failed: bool = False
    ) -> list[tuple[str, str, str]]:
        """(problem id, text id, text) of every distinct text among the candidates with rank < n that has no scores.

        Failed candidates have no text to score. The order is that of the problems, then of the texts' lowest ranks.
        ``retry_failed`` makes stored failures of the critic count as missing.
        """
        arguments = (sampling_id, n, scoring_id, retry_failed)
        rows = self._query(queries.MISSING_SCORES, arguments, wanted=problem_ids)
        missing: dict[tuple[str, str], str] = {}
        for problem_id, text_id, text in rows:
            missing.setdefault((problem_id, text_id), codec.unpack_text(text))
        return [(*key, text) for key, text in missing.items()]

    def put_verdicts(self, grading_id: str, verdicts: Iterable[tuple[str, str, Verdict]]) -> int:
        """Keeps (problem id, text id, verdict); every candidate of the problem with that text shares it.

        Returns:
            How many were new or took the place of a failure.

        Raises:
            StoreError: The grading, a problem or a text was never put, or something is neither a value from 0 to 1 nor
                a failure.
        """
        now = time.time()
        rows = [codec.verdict_row(grading_id, problem_id, text_id, one, now) for problem_id, text_id, one in verdicts]
        with self._writing() as db:
            self._require_spec(grading_id, "grading")
            return _changed(db.executemany(queries.PUT_VERDICT, rows))

    def verdicts(self, grading_id: str, problem_ids: Iterable[str]) -> dict[tuple[str, str], Verdict]:
        """Verdicts, failures included, by (problem id, text id)."""
        rows = self._query(queries.VERDICTS, (grading_id,), wanted=problem_ids)
        return {(row[0], row[1]): codec.verdict_of(*row[2:]) for row in rows}

    def columns(
        self, problems: Sequence[Problem], sampling_id: str, n: int, scorings: Mapping[str, str], *, grading_id: str,
        formulas_equal: FormulasEqual | None = None,
    ) -> Columns:  # fmt: skip
        """All that is known of the candidates with rank < n, see :func:`~visualprm_eval.store.reading.read_columns`."""
        from visualprm_eval.store.reading import read_columns  # numpy is only worth its import time for this.

        with translated_errors(self.path):
            return read_columns(
                self._db, problems, sampling_id, n, scorings, grading_id=grading_id, formulas_equal=formulas_equal
            )

    def scores_of(self, scoring_id: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], StepScores]:
        """Step scores with their steps, failures included, of these (problem id, text id), as far as there are any."""
        with translated_errors(self.path):
            rows = {key: self._db.execute(queries.SCORES_OF_TEXT, (scoring_id, *key)).fetchone() for key in keys}
        return {key: codec.scores_of(*row) for key, row in rows.items() if row is not None}

    def sampled(self, sampling_id: str, problem_ids: Iterable[str]) -> int:
        """N as far as the problems were sampled: one more than the highest rank of any of them, failures included.

        Raises:
            StoreDamagedError: A rank is out of proportion; tables would have a column for each up to it.
        """
        n = int(self._value(queries.SAMPLED, (sampling_id,), problem_ids))
        if sound.is_too_far(n - 1, 0) and sound.is_too_far(n - 1, self._value(queries.FULLEST, (sampling_id,))):
            raise StoreDamagedError(
                f"{self.path} is damaged: candidates of spec {sampling_id}: rank {n - 1:,}, though no problem has "
                "nearly as many; restore it from a backup, or delete that row"
            )
        return n

    def any_scores(self, scoring_id: str, sampling_id: str, problem_ids: Iterable[str]) -> bool:
        """Whether a critic has looked at any candidate of a sampling."""
        return bool(self._value(queries.ANY_SCORES, (sampling_id, scoring_id), problem_ids))

    def any_ungraded(self, grading_id: str, sampling_id: str, problem_ids: Iterable[str]) -> bool:
        """Whether any candidate of a sampling that has a text has no verdict, not even a failed one."""
        return bool(self._value(queries.ANY_UNGRADED, (sampling_id, grading_id), problem_ids))

    def any_verdict(self, grading_id: str) -> bool:
        """Whether there is a verdict of the host under a grading; one that took no time is not the host's."""
        return bool(self._value(queries.ANY_VERDICT, (grading_id,)))

    def last_failed_verdict(self, grading_id: str) -> float:
        """When a grading last stored a failure, in seconds since 1970; 0 when it has none."""
        return self._value(queries.LAST_FAILED_VERDICT, (grading_id,)) or 0.0

    def put_equalities(self, version: str, equalities: Mapping[tuple[str, str], bool]) -> None:
        """Keeps whether pairs of formulas are equal; what is known of a pair stays.

        Args:
            version: The version of the library that says so.
            equalities: What it says, by pairs in ascending order.
        """
        now = time.time()
        rows = [(version, *map(codec.pack_text, pair), equal, now) for pair, equal in equalities.items()]
        with self._writing() as db:
            db.executemany(queries.PUT_EQUALITY, rows)

    def equalities(self, version: str | None = None) -> dict[tuple[str, str], bool]:
        """Whether pairs of formulas are equal, as a version of the library says; without one, as was said last."""
        rows = self._query(queries.EQUALITIES, (version, version))
        return {(codec.unpack_text(left), codec.unpack_text(right)): bool(equal) for left, right, equal in rows}

    def put_host_figure(self, grading_id: str, selection: str, figure: float) -> None:
        """Keeps the host's own figure of a whole table of picks.

        Args:
            grading_id: The key of the verdicts.
            selection: A digest of the picked texts.
            figure: What the host made of them, in percent or as its class counts.

        Raises:
            StoreError: It is no finite number.
        """
        if wrong := sound.wrong_with_figure(figure):
            raise StoreError(f"the host's figure of {selection}: {wrong}")
        with self._writing() as db:
            db.execute(queries.PUT_FIGURE, (grading_id, selection, figure, time.time()))

    def host_figure(self, grading_id: str, selection: str) -> float | None:
        """The host's own figure of a whole table of picks, as it was put; ``None`` when it never was asked."""
        figure: float | None = next(self._query(queries.FIGURE, (grading_id, selection)), (None,))[0]
        return figure

    def greatest_host_figure(self, grading_id: str) -> float | None:
        """The greatest of the host's own figures under a grading; ``None`` when there are none."""
        greatest: float | None = self._value(queries.GREATEST_FIGURE, (grading_id,))
        return greatest

    def replies(self, since: float = 0.0) -> Replies:
        """What judges replied, for threads to look up and to add to while this store is open.

        Args:
            since: Replies that are not younger than this time, in seconds since 1970, are passed over.

        Raises:
            StoreError: The store was opened for reading, or was removed or replaced meanwhile.
        """
        if self._lock is None:
            raise StoreError(f"{self.path} was opened for reading; open it with write=True to keep replies")
        self.check_in_place()
        return Replies(self.path.resolve(), since)

    def absorb(
        self, sources: Sequence[Store], *, problem_ids: Iterable[str] | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> dict[str, int]:  # fmt: skip
        """Takes over the facts of other stores, with their times, all in one transaction.

        What is here stays; a failure here gives way to a success there, a judge's reply to a later one. Doing it again
        changes nothing. The sources are only read.

        Args:
            sources: Open stores.
            problem_ids: Only facts of these problems, with the texts that they refer to; ``None`` for all.
            advance: Told how many rows were looked at.

        Returns:
            How many rows each table gained, or had a failure replaced in.

        Raises:
            StoreConflictError: Two stores contradict each other; nothing was taken over.
        """
        pairs = [(source.path, source._db) for source in sources]  # noqa: SLF001 - stores are of one class
        if problem_ids is not None:
            wanted = list(problem_ids)
            for _, source in pairs:
                fill_wanted(source, wanted)
        with self._writing() as db:
            return absorb.absorb(db, self.path, pairs, only_wanted=problem_ids is not None, advance=advance)

    def _text(self, text_id: str) -> str:
        """A text; ``""`` when it was never put."""
        row = self._db.execute(queries.TEXT, (text_id,)).fetchone()
        return "" if row is None else codec.unpack_text(row[1])

    def _require_spec(self, spec_id: str, kind: str) -> Mapping[str, Any]:
        """The settings of a spec of some kind."""
        found = self._db.execute("SELECT kind, settings FROM specs WHERE id = ?", (spec_id,)).fetchone()
        if found is None:
            raise StoreError(f"{self.path} knows no {kind} {spec_id!r}; put its spec first")
        if found[0] != kind:
            raise StoreError(f"{spec_id!r} in {self.path} is a {found[0]}, expected a {kind}")
        return codec.spec_of(*found).settings


def _changed(cursor: sqlite3.Cursor) -> int:
    # SQLite counts no row when there was nothing to execute.
    return max(cursor.rowcount, 0)
