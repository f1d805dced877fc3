"""The process that compares formulas with math-verify: a pair of LaTeX formulas a line in, true or false a line out.

It reads LaTeX only, by a grammar: math-verify's reader of other expressions hands them to sympy's ``parse_expr``, which
evaluates them as Python. Whoever asks limits the time; memory is limited here.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys

MEMORY_BYTES = 4 * 2**30
SECONDS = 3
"""What a parse or a comparison may take; the one who asks has more patience and then kills this process."""


def main() -> None:
    """Answers until its input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.disable()
    from math_verify import LatexExtractionConfig, parse, verify

    config = [LatexExtractionConfig()]

    def equal(left: str, right: str) -> bool:
        found = [
            parse(f"${one}$", extraction_config=config, fallback_mode="no_fallback", parsing_timeout=SECONDS)
            for one in (left, right)
        ]
        return all(found) and bool(verify(*found, timeout_seconds=SECONDS))

    said.write("ready\n")
    said.flush()
    for line in sys.stdin:
        left, right = json.loads(line)
        try:
            outcome = equal(left, right)
        except Exception:  # noqa: BLE001 - whatever sympy stumbles over: the formulas are not known to be equal
            outcome = False
        said.write(json.dumps(outcome) + "\n")
        said.flush()


if __name__ == "__main__":
    main()
