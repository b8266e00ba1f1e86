"""Vectors of words from the text of all records, labelled or not: words with like neighbours get like vectors."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.utils.extmath import randomized_svd

from extractor.parse.scoring import read_tokens
from extractor.schemas import TrialRecord
from extractor.text.clean import clean_text

from .arrays import Array

__all__ = ["Vectors", "make_vectors", "read_sentences"]

_WINDOW = 4
_SIZE = 100
_LEAST, _MOST = 3, 20_000
_COMMON_SHARE = 1e-3
_FLATTEN = 0.75
_SENTENCE = re.compile(r"(?<=[.;])\s+|\n")


@dataclass(frozen=True)
class Vectors:
    """One row a word: its direction, made shorter the commoner the word is."""

    words: list[str]
    rows: Array


def read_sentences(records: Iterable[TrialRecord]) -> list[list[str]]:
    """The different sentences of all sections, as tokens."""
    seen: dict[str, list[str]] = {}
    for record in records:
        for section in record.sections:
            for sentence in _SENTENCE.split(clean_text(section.text).text):
                tokens = read_tokens(sentence)
                seen.setdefault(" ".join(tokens), tokens)
    return list(seen.values())


def make_vectors(sentences: Sequence[Sequence[str]]) -> Vectors:
    """Positive pointwise mutual information of a word and its neighbours, cut down to few dimensions."""
    counts = Counter(token for sentence in sentences for token in sentence)
    words = sorted((word for word, seen in counts.items() if seen >= _LEAST), key=lambda word: (-counts[word], word))[
        :_MOST
    ]
    together = _count_neighbours(sentences, {word: row for row, word in enumerate(words)})
    rows = np.asarray(together.sum(1)).ravel()
    columns = rows**_FLATTEN
    cells = together.tocoo()
    gain = np.log(cells.data * columns.sum() / (rows[cells.row] * columns[cells.col]))
    kept = gain > 0
    matrix = sparse.csr_matrix((gain[kept], (cells.row[kept], cells.col[kept])), shape=together.shape)
    left, strengths, _ = randomized_svd(matrix, _SIZE, random_state=0, n_iter=4)
    vectors = left * np.sqrt(strengths)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    shares = np.array([counts[word] for word in words]) / counts.total()
    return Vectors(words, vectors * (_COMMON_SHARE / (_COMMON_SHARE + shares))[:, None])


def _count_neighbours(sentences: Iterable[Sequence[str]], rows: dict[str, int]) -> sparse.csr_matrix:
    """How often two words stand near each other, the nearer the more."""
    pairs: Counter[tuple[int, int]] = Counter()
    for sentence in sentences:
        known = [rows.get(token, -1) for token in sentence]
        for at, row in enumerate(known):
            if row >= 0:
                for other in range(max(0, at - _WINDOW), at):
                    if known[other] >= 0:
                        pairs[row, known[other]] += 1 / (at - other)  # type: ignore[assignment]
    places = np.array(list(pairs))
    one_sided = sparse.csr_matrix((list(pairs.values()), (places[:, 0], places[:, 1])), shape=(len(rows), len(rows)))
    return (one_sided + one_sided.T).tocsr()
