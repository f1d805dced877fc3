"""The host's side of all calls in this process, so that a test can change what the host does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from visualprm_eval.host.worker.codec import Function, decoded
from visualprm_eval.host.worker.process import request_of


class InlineProcess:
    """Stands for ``HostProcess``: the same messages, but no process."""

    def start(self) -> None:
        pass

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        *_, value = self.stream(name, *arguments, **options)
        return value

    def stream(self, name: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        from visualprm_eval.host.load.bridge import load_host
        from visualprm_eval.host.worker.serve import results

        load_host()
        functions: list[Function] = []
        request = json.loads(json.dumps(request_of(name, arguments, options, functions)))
        for _, value in results(request, functions.__getitem__, lambda: None):
            yield decoded(json.loads(json.dumps(value)))

    def stop(self) -> None:
        pass
