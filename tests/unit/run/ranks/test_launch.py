"""Which rank a process is, and which GPUs are its own."""

from __future__ import annotations

import pytest

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.run.ranks import launch
from visualprm_eval.run.ranks.launch import launched, share


def environment(rank: int = 1, size: int = 2, local_size: int | None = None, **more: str) -> dict[str, str]:
    counts = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": local_size or size}
    return {**{name: str(value) for name, value in counts.items()}, "CUDA_VISIBLE_DEVICES": "", **more}


def test_a_process_that_is_alone() -> None:
    assert launched({}, "auto") is None
    assert launched({"RANK": "0", "WORLD_SIZE": "4"}, "auto") is None, "a cluster's own variables are not torchrun's"
    one = environment(rank=0, size=1)
    assert launched(one, "auto") is None
    assert "RANK" not in one


def test_ranks_hide_from_the_host() -> None:
    given = environment(MASTER_PORT="29500")
    found = launched(given, "auto")
    assert found is not None
    assert (found.rank, found.size) == (1, 2)
    assert given == {"CUDA_VISIBLE_DEVICES": "", "MASTER_PORT": "29500"}


def test_one_token_per_start() -> None:
    tokens = {launched(environment(rank=rank), "auto").token for rank in (0, 1)}
    assert len(tokens) == 1
    tokens.add(launched(environment(TORCHELASTIC_RESTART_COUNT="1"), "auto").token)
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("gpus", "size", "shares"),
    [("0,1", 2, ["0", "1"]), ("3,5,6,7", 2, ["3,5", "6,7"]), ("0,1,2", 2, ["0", "1"]),
     ("GPU-a,GPU-b", 2, ["GPU-a", "GPU-b"])],
)  # fmt: skip
def test_each_rank_has_its_own_gpus(gpus: str, size: int, shares: list[str]) -> None:
    got = []
    for rank in range(size):
        given = environment(rank=rank, size=size, CUDA_VISIBLE_DEVICES=gpus)
        launched(given, "auto")
        got.append(given["CUDA_VISIBLE_DEVICES"])
    assert got == shares


def test_gpus_are_counted_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_gpus", lambda _: ["0", "1", "2", "3"])
    given = environment(rank=1)
    launched(given, "cuda")
    assert given["CUDA_VISIBLE_DEVICES"] == "2,3"


def test_nvidia_smi_is_read(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: X (UUID: a)'\necho '  MIG 1g Device 0'\necho 'GPU 1: X (UUID: b)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch._gpus({}) == ["0", "1"]
    tool.unlink()
    assert launch._gpus({}) == []


def test_a_cpu_run_leaves_gpus_alone() -> None:
    given = environment(CUDA_VISIBLE_DEVICES="0")
    assert launched(given, "cpu") is not None
    assert given["CUDA_VISIBLE_DEVICES"] == "0"


@pytest.mark.parametrize(
    ("given", "device", "message"),
    [
        (environment(size=4, local_size=2), "auto", "ranks of several machines cannot share a store"),
        (environment(), "cuda:1", "--device cuda:1 conflicts with 2 ranks"),
        (environment(CUDA_VISIBLE_DEVICES="0"), "auto", "2 ranks, but 1 GPUs"),
        ({"LOCAL_WORLD_SIZE": "2"}, "auto", "RANK is None"),
        (environment(WORLD_SIZE="two"), "auto", "WORLD_SIZE is 'two'"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_explained(given: dict[str, str], device: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        launched(given, device)


def test_shares_cover_and_never_meet() -> None:
    gpus = [str(number) for number in range(8)]
    for size in (1, 2, 3, 4, 8):
        shares = [share(gpus, rank, size) for rank in range(size)]
        assert len({gpu for each in shares for gpu in each}) == sum(map(len, shares))
