"""The trials of which nothing is learned: those of a fold, on which a model is judged, and those of gold."""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.label_files import fold_of

__all__ = ["choose_trials"]


def choose_trials(held_out: str, gold: Path | None) -> Callable[[str], bool]:
    """Whether a trial may be learned from: none of the fold that is ``held_out`` ("none": of no fold), and none whose
    annotation lies in the folder ``gold``.

    >>> may_teach = choose_trials("none", None)
    >>> may_teach("NCT00000001")
    True
    """
    annotated = {json.loads(path.read_text("utf-8"))["record_id"] for path in gold.glob("*.json")} if gold else set()
    return lambda name: name not in annotated and str(fold_of(name)) != held_out
