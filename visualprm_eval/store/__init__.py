"""The store: every fact that cost money, in one SQLite file of the work dir.

    with Store.open(work_dir / STORE_FILE) as store:
        sampling_id = store.put_spec(Spec("sampling", {...}))
        store.put_problems(problems)
        for problem_id, rank in store.missing_candidates(sampling_id, problem_ids, n):
            store.put_candidates(sampling_id, [sample(problem_id, rank)])    # durable when it returns

``schema`` holds the tables and their migrations, ``lock`` lets in one writer at a time, ``connection`` opens files
and names what is wrong with them, ``codec`` turns facts into rows, ``queries`` holds the SQL, ``file`` is an open file,
``facts`` the store itself, ``reading`` reads all facts of a policy on a benchmark as columns, ``replies`` keeps what
judges said of a table that is still being graded, and ``audit`` looks for damage.
"""

from __future__ import annotations

from visualprm_eval.store.facts import STORE_FILE, Store
from visualprm_eval.store.replies import Replies

__all__ = ["STORE_FILE", "Replies", "Store"]
