"""Which keys a run needs before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.run import plan_run
from visualprm_eval.store import STORE_FILE, Store


class Gone:
    """A critic whose checkpoint is not here."""

    def settings(self):
        raise CheckpointError("no such checkpoint")


@pytest.mark.parametrize("stages", [("score",), ("report",), ("grade", "report"), ("sample", "grade")])
def test_grading_alone_needs_no_reward_model(tmp_path: Path, stages: tuple[str, ...]) -> None:
    config = RunConfig(stages=stages, work_dir=tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        if {"score", "report"} & set(stages):
            with pytest.raises(CheckpointError):
                dict(plan_run._scorings({"third": Gone()}, config, store))
        else:
            assert dict(plan_run._scorings({"third": Gone()}, config, store)) == {}
