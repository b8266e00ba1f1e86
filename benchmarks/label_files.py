"""Labelled items in a folder: ``labels/*.jsonl``, ``outcome_split/dev.jsonl`` and ``records/ctgov_v2.jsonl.gz``.

Each file holds one JSON object a line. The folder is named by the caller; nothing here knows where it is.
"""

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from extractor.parse.eligibility.category import target_words
from extractor.text.passage import read_passage

__all__ = ["FOLDS", "add_data_option", "fold_of", "read_cells", "read_labels", "read_targets", "third_of"]

Row = dict[str, Any]
FOLDS = 5


def add_data_option(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The option ``--data``, which nearly every command here needs."""
    parser.add_argument("--data", type=Path, required=required, metavar="DIR", help="folder that holds labels/")


def read_labels(data: Path, name: str) -> list[Row]:
    """The lines of ``labels/<name>.jsonl``. Raises ``FileNotFoundError`` where there is no such file."""
    return _read(data / "labels" / f"{name}.jsonl")


def read_cells(data: Path) -> list[Row]:
    """Flattened outcome cells (``flat``) with their true ``items``."""
    return _read(data / "outcome_split" / "dev.jsonl")


def read_targets(data: Path) -> dict[str, frozenset[str]]:
    """The words that name each trial's disease, by trial, for the records that the folder holds."""
    path = data / "records" / "ctgov_v2.jsonl.gz"
    if not path.exists():
        return {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return dict(_target(json.loads(line)["protocolSection"]) for line in file)


def fold_of(trial: str) -> int:
    """The fold of a trial, the same on every machine: all items of one trial are in one fold.

    >>> fold_of("NCT00000001") == fold_of("NCT00000001") and 0 <= fold_of("NCT00000001") < FOLDS
    True
    """
    return _hash(trial) % FOLDS


def third_of(trial: str) -> int:
    """The third of a trial, from 0 to 2, the same on every machine: rules are written on two and judged on the other.

    >>> third_of("NCT00000001") == third_of("NCT00000001") and 0 <= third_of("NCT00000001") < 3
    True
    """
    return _hash(trial) % 3


def _hash(trial: str) -> int:
    return int(hashlib.md5(trial.encode(), usedforsecurity=False).hexdigest(), 16)


def _read(path: Path) -> list[Row]:
    return list(_lines(path))


def _lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _target(study: Row) -> tuple[str, frozenset[str]]:
    identification = study["identificationModule"]
    conditions = study.get("conditionsModule", {}).get("conditions", [])
    texts = (identification.get("briefTitle") or "", *conditions)
    return identification["nctId"], target_words(*(read_passage(text) for text in texts))
