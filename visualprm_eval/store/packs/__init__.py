"""Packs of candidates: the same solutions for every reranker, as a file that people can read, send and write.

A pack is JSONL, one candidate per line:

    {"benchmark": "MMMU_DEV_VAL", "index": "7", "rank": 0, "text": "...", "policy": "InternVL3-8B", "sampling": {...}}

``benchmark``, ``index``, ``text`` and ``policy`` are needed; ``rank`` may be missing everywhere in a problem (then the
order in the file counts), ``sampling`` is ``{}`` when nobody knows. ``error`` (instead of a text), ``finish``,
``tokens`` and ``seconds`` stand where they are known. Packs written by :func:`export_candidates` also carry
``sampling_id`` and ``problem_id``, and have a manifest ``FILE.manifest.json`` with the digest of the pack: together
they make an import equal to the original. A pack without its manifest is a sampling of its own. JSON knows no two
surrogates side by side: they come back as the character that they spell.

Files of other tools are read with a :class:`FieldMap`, which says which of their fields is what.
"""

from __future__ import annotations

from visualprm_eval.store.packs.export import export_candidates
from visualprm_eval.store.packs.fields import FieldMap
from visualprm_eval.store.packs.imports import ImportedCell, import_candidates
from visualprm_eval.store.packs.pack import CandidatePack, Duplicate, Gap, manifest_path, read_candidates

__all__ = [
    "CandidatePack",
    "Duplicate",
    "FieldMap",
    "Gap",
    "ImportedCell",
    "export_candidates",
    "import_candidates",
    "manifest_path",
    "read_candidates",
]
