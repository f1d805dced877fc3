from __future__ import annotations

import re
from collections import Counter

from visualprm_eval.tasks.demo_world.world import problems, stream
from visualprm_eval.tasks.process_bench import demo_set
from visualprm_eval.tasks.process_bench.data import read_set


def test_the_set_is_made_once_and_always_the_same(tmp_path) -> None:
    folder = demo_set.make(tmp_path / "one")
    stamp = (folder / "test.jsonl").stat().st_mtime_ns
    assert demo_set.make(tmp_path / "one") == folder
    assert (folder / "test.jsonl").stat().st_mtime_ns == stamp
    other = demo_set.make(tmp_path / "two")
    assert other.name == folder.name
    assert (other / "test.jsonl").read_bytes() == (folder / "test.jsonl").read_bytes()
    assert [path.name for path in (tmp_path / "one").iterdir()] == [folder.name], "no drafts are left"
    found = read_set(folder, demo_set.NAME)
    assert found.bad == ()
    assert len(found.samples) == 2 * demo_set.PROBLEMS == 2 * len(found.problems)
    labels = Counter(label for sample in found.samples for label in sample.labels)
    assert min(labels[1], labels[-1]) > 400
    assert labels[0] > 10
    assert any("\n\n" in step for sample in found.samples for step in sample.steps)
    assert {sample.source for sample in found.samples} == {"bars", "dice"}


def test_a_step_is_correct_as_long_as_all_is_true() -> None:
    """Read off the steps anew: values against the scene, sums against arithmetic."""
    rng = stream("test of slips")
    seen = Counter()
    for problem in problems("test", 60, 5):
        steps, labels = demo_set.slipped(problem, rng, 0.3)
        values = problem.scene.values()
        true = []
        for number, step in enumerate(steps):
            numbers = list(map(int, re.findall(r"\d+", step)))
            if number in {0, 2}:
                fine = values[step.split()[1]] == numbers[0]
            elif number == 1:
                fine = numbers[0] * numbers[1] == numbers[2]
            elif number == 3:
                fine = numbers[0] + numbers[1] == numbers[2]
            else:
                fine = str(numbers[0]) == problem.answer
            true.append(fine)
        first_wrong = true.index(False) if False in true else len(true)
        assert labels == [1] * first_wrong + [-1] * (len(steps) - first_wrong)
        seen[first_wrong] += 1
    assert len(seen) >= 4, "slips happen at all steps"
