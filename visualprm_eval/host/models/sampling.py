"""Draws candidates of a model of the host: one call per sample, in parallel when it is behind an API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from visualprm_eval.core.proxies import direct_loopback
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.host.models.host_model import HostPolicy
from visualprm_eval.host.models.request_capture import noted, verify_requests
from visualprm_eval.host.models.sampling_probe import verify_settings
from visualprm_eval.host.patching import restored

Request = tuple[Problem, int]
"""A problem and the rank of the candidate to draw for it."""

_TRIED_ALONE = 2
"""Problems that are tried one by one after a first failure; with it they are enough to tell that nothing works."""


def drawn(model: HostPolicy, requests: Sequence[Request], seed: int, nproc: int) -> Iterator[Candidate | str]:
    """Draws a candidate per request.

    Args:
        model: The model with the settings that it is to sample with.
        requests: What is wanted.
        seed: The run's seed.
        nproc: How many requests an API model gets at a time.

    Yields:
        Each candidate as it is done, in any order; a sentence once it is known whether the settings reach the model.

    Raises:
        PolicyError: When temperature or top-p do not reach the model.
    """
    if not requests:
        return
    if model.is_api:
        with restored(os.environ):  # Threads share it.
            os.environ.update(direct_loopback())
            yield from _drawn_of_api(model, requests, seed, nproc)
        return
    verify_settings(model, requests[0][0])
    yield "a probe showed that they reach the model"
    for problem, rank in requests:
        yield model.sample(problem, rank, seed)


def _drawn_of_api(model: HostPolicy, requests: Sequence[Request], seed: int, nproc: int) -> Iterator[Candidate | str]:
    """The first request goes alone and is looked at as it leaves: samples of an API are paid for."""
    with noted() as bodies:
        first = model.sample(*requests[0], seed)
    yield first
    yield verify_requests(model.name, bodies, model.settings)
    rest = list(requests[1:])
    if first.error is not None:  # Before many are asked in vain, some other problems go alone, too.
        others: dict[str, Request] = {}
        for request in rest:
            others.setdefault(request[0].id, request)
        others.pop(first.problem_id, None)
        for request in list(others.values())[:_TRIED_ALONE]:
            rest.remove(request)
            yield model.sample(*request, seed)
    pool = ThreadPoolExecutor(nproc)
    try:
        futures = [pool.submit(model.sample, problem, rank, seed) for problem, rank in rest]
        for future in as_completed(futures):  # A slow reply must not hold back those that were paid for.
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Nor whoever ends the run.
