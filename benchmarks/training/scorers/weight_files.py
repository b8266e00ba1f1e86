"""Weights as small files: whole numbers of one byte a weight, with a scale for each row."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from extractor.parse.scoring.bags import LinearScorer
from extractor.parse.scoring.classifier import unpack_rows
from extractor.parse.scoring.meanings import WordVectors
from extractor.parse.scoring.probabilities import Calibration

from .arrays import Array
from .fitting import Fitted, Plan
from .word_vectors import Vectors

__all__ = ["as_stored", "prune", "store_classifier", "store_vectors"]

_HIGHEST = 127


def _pack(rows: Array) -> tuple[Any, Any]:
    scales = np.maximum(np.abs(rows).max(axis=1) / _HIGHEST, 1e-6).astype(np.float16)
    return np.rint(rows / scales.astype(np.float32)[:, None]).clip(-_HIGHEST, _HIGHEST).astype(np.int8), scales


def as_stored(vectors: Vectors) -> WordVectors:
    """The vectors as the package will read them, with what is lost by storing them small."""
    return WordVectors({word: row for row, word in enumerate(vectors.words)}, unpack_rows(*_pack(vectors.rows)))


def prune(linear: LinearScorer, most: int) -> LinearScorer:
    """The scorer with the ``most`` features that change scores most; the rest hardly ever decide."""
    weights = linear.weights[:-1]
    spread = weights.max(axis=1) - weights.min(axis=1)
    kept = np.zeros(len(weights), bool)
    kept[np.argsort(-spread, kind="stable")[:most]] = True
    ends = np.cumsum([len(features) for features in linear.features])[:-1]
    features = tuple(
        [feature for feature, keep in zip(block, keeps, strict=True) if keep]
        for block, keeps in zip(linear.features, np.split(kept, ends), strict=True)
    )
    rows = np.vstack([weights[kept], np.zeros((1, weights.shape[1]), np.float32)])
    return LinearScorer(linear.blocks, features, rows, linear.bias)


def store_vectors(vectors: Vectors, folder: Path) -> None:
    """Write ``words.npz``."""
    small, scales = _pack(vectors.rows)
    np.savez_compressed(folder / "words.npz", words=np.array("\n".join(vectors.words)), vectors=small, scales=scales)


def store_classifier(
    plan: Plan, fitted: Fitted, shares: tuple[float, ...], calibrations: Mapping[str, Calibration], folder: Path
) -> None:
    """Write ``<plan.name>.npz``."""
    small, scales = _pack(fitted.linear.weights[:-1])
    about = {
        "classes": fitted.classes,
        "blocks": [asdict(block) for block in fitted.linear.blocks],
        "meanings": plan.meanings,
        "switches": plan.switches,
        "shares": shares,
        "calibrations": sorted(calibrations),
    }
    layers = {name: getattr(fitted.meaning, name) for name in ("inner", "inner_bias", "outer", "outer_bias")}
    curves = {
        f"{name}_{part}": getattr(curve, part) for name, curve in calibrations.items() for part in ("stated", "right")
    }
    np.savez_compressed(
        folder / f"{plan.name}.npz",
        about=np.array(json.dumps(about)),
        features=np.array("\n\n".join("\n".join(block) for block in fitted.linear.features)),
        weights=small,
        scales=scales,
        bias=fitted.linear.bias,
        direct=fitted.direct.astype(np.float16),
        **{name: layer.astype(np.float16) for name, layer in layers.items()},
        **curves,
    )
