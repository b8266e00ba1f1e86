"""Vectors of words from the text of all records, labelled or not: words with like neighbours get like vectors."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.utils.extmath import randomized_svd

from extractor.parse.scoring import Array, list_words
from extractor.schemas import TrialRecord
from extractor.text.clean import clean_text
from extractor.text.lexer import lex
from extractor.text.passage import Section

__all__ = ["WordVectors", "make_vectors", "read_sentences"]

_WINDOW = 4
_SIZE = 100
_LEAST, _MOST = 3, 20_000
_COMMON_SHARE = 1e-3
_FLATTEN = 0.75


@dataclass(frozen=True)
class WordVectors:
    """The row of each word in ``vectors``, which are the shorter the commoner a word is; row 0 is zeros."""

    rows: dict[str, int]
    vectors: Array


def read_sentences(records: Iterable[TrialRecord]) -> list[list[str]]:
    """The different lines of all sections, as words."""
    seen: dict[str, list[str]] = {}
    for record in records:
        for section in record.sections:
            cleaned = clean_text(section.text)
            for line in Section(section.name, section.text, cleaned, lex(cleaned.text)).lines():
                words = list_words(line)
                seen.setdefault(" ".join(words), words)
    return list(seen.values())


def make_vectors(sentences: Sequence[Sequence[str]]) -> WordVectors:
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
    vectors *= (_COMMON_SHARE / (_COMMON_SHARE + shares))[:, None]
    return WordVectors(
        {word: row for row, word in enumerate(words, 1)},
        np.vstack([np.zeros((1, vectors.shape[1])), vectors]).astype(np.float32),
    )


def _count_neighbours(sentences: Iterable[Sequence[str]], rows: dict[str, int]) -> sparse.csr_matrix:
    """How often two words stand near each other, the nearer the more."""
    known = [rows.get(word, -1) for sentence in sentences for word in (*sentence, *[""] * _WINDOW)]
    words = np.array(known)
    counted = sparse.csr_matrix((len(rows), len(rows)))
    for distance in range(1, _WINDOW + 1):
        pairs = (words[:-distance], words[distance:])
        near = (pairs[0] >= 0) & (pairs[1] >= 0)
        places = (pairs[0][near], pairs[1][near])
        counted += sparse.csr_matrix((np.full(len(places[0]), 1 / distance), places), shape=counted.shape)
    return (counted + counted.T).tocsr()
