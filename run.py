"""The main job from a checkout: ``python run.py --model X --reranker visualprm --data D1 D2 -n 8``."""

from __future__ import annotations

import sys

from visualprm_eval.cli import main
from visualprm_eval.run.process import leave

if __name__ == "__main__":
    leave(main(["run", *sys.argv[1:]]))
