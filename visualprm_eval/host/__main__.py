"""``python -m visualprm_eval.host run ...``: a process that is the host's own, with ours in its tables."""

from __future__ import annotations

import sys

from visualprm_eval.host.load.entry_points import become_host

if __name__ == "__main__":
    sys.exit(become_host(sys.argv[1:]))
