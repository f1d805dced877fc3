"""``python -m visualprm_eval``: the same as the ``visualprm_eval`` command."""

from __future__ import annotations

from visualprm_eval.cli import entry

if __name__ == "__main__":
    entry()
