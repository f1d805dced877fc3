"""Small sets in the released format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image


def row(**other: Any) -> dict[str, Any]:
    fields = {
        "image": ["images/a.png"],
        "question": "Which? <image 1> A. one B. two",
        "answer": "A",
        "response": {"steps": ["one\n\nstill one", "", "three"], "process_correctness": [1, 0, -1]},
        "policy_model": "gpt",
        "data_source": "MMMU_DEV_VAL",
    }
    return fields | other


def write_set(folder: Path, rows: list[Any]) -> Path:
    """Rows as JSON, texts as they are."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (40, 30), colour).save(folder / "images" / f"{name}.png")
    lines = [each if isinstance(each, str) else json.dumps(each) for each in rows]
    (folder / "test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
