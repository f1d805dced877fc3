"""``python -m visualprm_eval.host ENTRY ...``: the same as ``visualprm_eval host ENTRY ...``."""

from __future__ import annotations

import sys

from visualprm_eval.cli import entry

if __name__ == "__main__":
    sys.argv.insert(1, "host")
    entry()
