"""Options of the host's own runner that this command line does not have: what to use instead."""

from __future__ import annotations

from collections.abc import Mapping

_KEPT = "is not needed: what the --work-dir has stored is never made again"
_FAILURES = "is not needed: failures stay failures unless --retry-failed is given"
_SERVER = "is for the server: set it there, and name the server with --base-url"

HINTS: Mapping[str, str] = {
    "--api-mode": "is not needed: requests are parallel, see --api-nproc and --judge-api-nproc",
    "--config": "has no counterpart: use --model [NAME=]PATH_OR_ID and --data, or `visualprm_eval host run --config`",
    "--custom-prompt": "has no counterpart: see --prompt",
    "--data-config": "has no counterpart: put an own table into the folder of --data-dir and name it with --data",
    "--debug": "has no counterpart: see --verbose",
    "--extra-body": _SERVER,
    "--ignore": _FAILURES,
    "--judge-args": "has no counterpart: use --judge, --judge-base-url, --judge-key, --judge-api-nproc, --judge-retry "
    "and --judge-timeout",
    "--keep-failed": _FAILURES,
    "--local-media": "has no counterpart: pictures are sent as data, not as paths",
    "--monitor-interval": "is not needed: progress is always shown",
    "--nproc": "is called --api-nproc; the number of candidates is -n/--num-samples",
    "--repetition-penalty": "has no counterpart: samples are drawn without one",
    "--reuse": _KEPT,
    "--reuse-aux": _KEPT,
    "--stream": "has no counterpart: a long reply needs a longer --timeout",
    "--thinker": "is not needed: give thoughts room with --max-tokens and --timeout, and see --thoughts",
    "--top-k": "has no counterpart: samples are drawn from all tokens, or cut by --top-p",
    "--use-verifier": "has no counterpart: the host's grader gives verdicts, with --judge where it needs a model",
    "--use-vllm": "has no counterpart: start `vllm serve MODEL` and name its address with --base-url",
    "--video-llm": "has no counterpart: benchmarks of videos cannot be used",
}
"""By name of the option: a clause whose subject it is."""
