"""Weights as small files: whole numbers of one byte a weight, with a scale for each row."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from extractor.parse.scoring.classifier import Classifier
from extractor.parse.scoring.meanings import WordVectors
from extractor.parse.scoring.weight_files import unpack_rows

from .arrays import Array
from .word_vectors import Vectors

__all__ = ["as_stored", "store_classifier", "store_vectors"]

_HIGHEST = 127


def _pack(rows: Array) -> tuple[Any, Any]:
    scales = np.maximum(np.abs(rows).max(axis=1) / _HIGHEST, 1e-6).astype(np.float16)
    return np.rint(rows / scales.astype(np.float32)[:, None]).clip(-_HIGHEST, _HIGHEST).astype(np.int8), scales


def as_stored(vectors: Vectors) -> WordVectors:
    """The vectors as the package will read them, with what is lost by storing them small."""
    return WordVectors({word: row for row, word in enumerate(vectors.words)}, unpack_rows(*_pack(vectors.rows)))


def store_vectors(vectors: Vectors, path: Path) -> None:
    """Write ``words.npz``."""
    small, scales = _pack(vectors.rows)
    np.savez_compressed(path, words=np.array("\n".join(vectors.words)), vectors=small, scales=scales)


def store_classifier(classifier: Classifier, path: Path) -> None:
    """Write the file from which ``load_classifier`` reads it again."""
    small, scales = _pack(np.vstack([features.weights for features in classifier.features]))
    about = {
        "classes": classifier.classes,
        "blocks": [asdict(features.block) for features in classifier.features],
        "meanings": classifier.meanings,
        "calibrations": sorted(classifier.calibrations),
    }
    curves = {
        f"{name}_{part}": getattr(curve, part)
        for name, curve in classifier.calibrations.items()
        for part in ("stated", "right")
    }
    np.savez_compressed(
        path,
        about=np.array(json.dumps(about)),
        features=np.array("\n\n".join("\n".join(features.names) for features in classifier.features)),
        weights=small,
        scales=scales,
        bias=classifier.bias,
        direct=classifier.direct.astype(np.float16),
        **curves,
    )
