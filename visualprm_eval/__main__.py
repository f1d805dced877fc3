"""``python -m visualprm_eval``: the same as the ``visualprm_eval`` command."""

from __future__ import annotations

import sys

from visualprm_eval.cli import main

if __name__ == "__main__":
    sys.exit(main())
