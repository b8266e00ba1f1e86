"""Weights as files of the package: whole numbers of one byte a weight, with a scale for each row."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .bags import Block, Features
from .classifier import Classifier
from .meanings import WordVectors
from .probabilities import Calibration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load_classifier", "unpack_rows"]


@cache
def load_classifier(name: str) -> Classifier:
    """The classifier in ``weights/<name>.npz``, read once.

    Raises ``FileNotFoundError`` for an unknown name.
    """
    stored = _load(name)
    about = json.loads(str(stored["about"]))
    weights = unpack_rows(stored["weights"], stored["scales"])
    features, done = [], 0
    for block, joined in zip(about["blocks"], str(stored["features"]).split("\n\n"), strict=True):
        names = joined.split("\n") if joined else []
        features.append(Features(Block(**block), names, weights[done : done + len(names)]))
        done += len(names)
    return Classifier(
        classes=tuple(about["classes"]),
        features=tuple(features),
        bias=stored["bias"],
        meanings=tuple(about["meanings"]),
        direct=stored["direct"].astype("float32"),
        vectors=_load_vectors(),
        calibrations={
            name: Calibration(stored[f"{name}_stated"], stored[f"{name}_right"]) for name in about["calibrations"]
        },
    )


@cache
def _load_vectors() -> WordVectors:
    stored = _load("words")
    words = str(stored["words"]).split("\n")
    return WordVectors(
        dict(zip(words, range(len(words)), strict=True)), unpack_rows(stored["vectors"], stored["scales"])
    )


def unpack_rows(small: Any, scales: Any) -> "NDArray[np.float32]":
    """The rows that were stored as whole numbers of ``scales``."""
    rows: NDArray[np.float32] = small.astype("float32") * scales.astype("float32")[:, None]
    return rows


def _load(name: str) -> Mapping[str, Any]:
    import numpy as np  # noqa: PLC0415

    with (files(__package__) / "weights" / f"{name}.npz").open("rb") as file, np.load(file) as stored:
        return dict(stored)
