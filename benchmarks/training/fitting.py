"""Fit a scorer on labelled items.

The features of a word are the word itself, its first and last letters, and its vector, which is
similar for words with similar neighbours. The model is linear, so these parts are summed here: the
file holds one row per word, and covers words without labels, too.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.extmath import randomized_svd

from extractor.evidence.scoring import Array, Features, Scorer, list_words
from extractor.language.clean import clean_text
from extractor.language.lexer import lex
from extractor.language.passage import LexedSection
from extractor.schemas import TrialRecord

_WINDOW = 4
_SIZE = 100
_LEAST_SEEN = 3
_MOST = 20_000
_COMMON_SHARE = 1e-3
_FLATTEN = 0.75
_STEPS = 60
_SCALE = 3
"""Scales inputs to about 1, for logistic regression."""
_HIGHEST = 127
_TYPICAL_RARITY = 6.0
_LEAST = 2
_LEAST_ENDS = 4
"""Fewest items with a feature, and with first or last letters of words."""


class WordVectors(NamedTuple):
    """The row of each word in ``vectors``. Common words have shorter vectors; row 0 is zeros."""

    rows: dict[str, int]
    vectors: Array


def read_sentences(records: Iterable[TrialRecord]) -> list[list[str]]:
    """Return the distinct lines of all sections, as words."""
    seen: dict[str, list[str]] = {}
    for record in records:
        for section in record.sections:
            cleaned = clean_text(section.text)
            for line in LexedSection(
                section.name, section.text, cleaned, lex(cleaned.text)
            ).lines():
                words = list_words(line)
                seen.setdefault(" ".join(words), words)
    return list(seen.values())


def make_vectors(sentences: Sequence[Sequence[str]]) -> WordVectors:
    """Compute the positive pointwise mutual information of words and neighbours, reduced to few
    dimensions.
    """
    counts = Counter(token for sentence in sentences for token in sentence)
    common = (word for word, seen in counts.items() if seen >= _LEAST_SEEN)
    words = sorted(common, key=lambda word: (-counts[word], word))[:_MOST]
    together = _count_neighbours(
        sentences, {word: row for row, word in enumerate(words)}
    )
    rows = np.asarray(together.sum(1)).ravel()
    columns = rows**_FLATTEN
    cells = together.tocoo()
    gain = np.log(cells.data * columns.sum() / (rows[cells.row] * columns[cells.col]))
    kept = gain > 0
    matrix = sparse.csr_matrix(
        (gain[kept], (cells.row[kept], cells.col[kept])), shape=together.shape
    )
    left, strengths, _ = randomized_svd(matrix, _SIZE, random_state=0, n_iter=4)
    vectors = left * np.sqrt(strengths)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    shares = np.array([counts[word] for word in words]) / counts.total()
    vectors *= (_COMMON_SHARE / (_COMMON_SHARE + shares))[:, None]
    vectors = np.vstack([np.zeros((1, vectors.shape[1])), vectors]).astype(np.float32)
    return WordVectors({word: row for row, word in enumerate(words, 1)}, vectors)


def _count_neighbours(
    sentences: Iterable[Sequence[str]], rows: dict[str, int]
) -> sparse.csr_matrix:
    """Count how often two words occur near each other, with more weight for nearer words."""
    known = [
        rows.get(word, -1)
        for sentence in sentences
        for word in (*sentence, *[""] * _WINDOW)
    ]
    words = np.array(known)
    counted = sparse.csr_matrix((len(rows), len(rows)))
    for distance in range(1, _WINDOW + 1):
        pairs = (words[:-distance], words[distance:])
        near = (pairs[0] >= 0) & (pairs[1] >= 0)
        places = (pairs[0][near], pairs[1][near])
        counted += sparse.csr_matrix(
            (np.full(len(places[0]), 1 / distance), places), shape=counted.shape
        )
    return (counted + counted.T).tocsr()


class Plan(NamedTuple):
    """The settings for training a scorer.

    ``words`` are the kinds of features that are words ("w" in "w asthma"), ``scales`` the initial
    factors of kinds; ``freedom`` is the C of logistic regression, ``most`` the number of features
    that are kept, ``others`` the weight of an item outside the home areas.
    """

    name: str
    words: tuple[str, ...]
    scales: Mapping[str, float]
    freedom: float
    most: int
    others: float = 1.0


def fit(
    plan: Plan,
    items: Sequence[Features],
    labels: Sequence[str],
    vectors: WordVectors,
    counts: Sequence[float],
) -> Scorer:
    """Fit a scorer on labelled items with weights ``counts``. Deterministic."""
    seen = Counter(feature for item in items for feature in set(item))
    features = sorted(
        {feature for feature, times in seen.items() if times >= _LEAST}
        | {f"{kind} {word}" for kind in plan.words for word in vectors.rows}
    )
    meanings = _describe_features(plan, features, seen, vectors, len(items))
    inputs = (_count(items, features) @ meanings).tocsr()
    with warnings.catch_warnings():
        # early stopping is intended
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=plan.freedom, max_iter=_STEPS, tol=1e-3).fit(
            inputs, labels, counts
        )
    weights = np.asarray(meanings @ model.coef_.T.astype(np.float32)) * _SCALE
    # Keep the features that change scores most; the rest hardly ever decide.
    spread = weights.max(axis=1) - weights.min(axis=1)
    kept = np.sort(np.argsort(-spread, kind="stable")[: plan.most])
    rows = np.vstack([np.zeros((1, weights.shape[1]), np.float32), weights[kept]])
    names = {features[row]: place for place, row in enumerate(kept, 1)}
    return Scorer(
        tuple(map(str, model.classes_)),
        names,
        rows,
        model.intercept_.astype(np.float32),
        damped=True,
    )


def hold_out(
    plan: Plan,
    items: Sequence[Features],
    labels: Sequence[str],
    folds: Sequence[int],
    vectors: WordVectors,
    counts: Sequence[float],
) -> tuple[tuple[str, ...], Array]:
    """Return the classes, and their probabilities for each item by a scorer fitted on the other
    folds.
    """
    classes = tuple(sorted(set(labels)))
    chances = np.zeros((len(items), len(classes)), np.float32)
    for fold in sorted(set(folds)):
        seen = [at for at, other in enumerate(folds) if other != fold]
        unseen = [at for at, other in enumerate(folds) if other == fold]
        scorer = fit(
            plan,
            [items[at] for at in seen],
            [labels[at] for at in seen],
            vectors,
            [counts[at] for at in seen],
        )
        columns = [classes.index(name) for name in scorer.classes]
        chances[np.ix_(unseen, columns)] = scorer.predict([items[at] for at in unseen])
    return classes, chances


def store_scorer(scorer: Scorer, path: Path) -> None:
    """Write the file for ``read_scorer``: one byte per weight, and the step size."""
    known = scorer.weights[1:]
    step = np.abs(known).max() / _HIGHEST
    np.savez_compressed(
        path,
        classes=np.array("\n".join(scorer.classes)),
        features=np.array("\n".join(scorer.rows)),
        weights=np.rint(known / step).astype(np.int8),
        step=step,
        bias=scorer.bias,
    )


def _count(items: Sequence[Features], features: Sequence[str]) -> sparse.csr_matrix:
    """Count each feature in each item, damped as the package damps scores, times ``_SCALE``."""
    columns = {feature: column for column, feature in enumerate(features)}
    known = [
        [columns[feature] for feature in item if feature in columns] for item in items
    ]
    values = np.repeat(
        [_SCALE / np.sqrt(len(item) + 1) for item in items], list(map(len, known))
    ).astype(np.float32)
    starts = np.cumsum([0, *map(len, known)])
    return sparse.csr_matrix(
        (values, np.concatenate(known).astype(int), starts),
        shape=(len(items), len(features)),
    )


def _describe_features(
    plan: Plan,
    features: Sequence[str],
    seen: Counter[str],
    vectors: WordVectors,
    total: int,
) -> sparse.csr_matrix:
    """Describe each feature (row) by itself and, for a word, by its ends and its vector. Rare
    features weigh more.
    """
    parted = [feature.partition(" ") for feature in features]
    parts: list[list[str]] = []
    times: Counter[str] = Counter()
    for feature, (kind, _, word) in zip(features, parted, strict=True):
        ends = list(_cut_ends(kind, word)) if kind in plan.words else []
        parts.append([feature, *ends])
        times.update(dict.fromkeys([feature, *ends], seen[feature]))
    columns = []
    for name, items in times.items():
        least = _LEAST if name in seen else _LEAST_ENDS
        if items >= least:
            columns.append(name)
    numbers = {name: at for at, name in enumerate(columns)}
    known = [[numbers[name] for name in names if name in numbers] for names in parts]
    places = np.concatenate(known).astype(int)
    starts = np.cumsum([0, *map(len, known)])
    rarity = np.array(
        [(np.log(total / times[name]) + 1) / _TYPICAL_RARITY for name in columns],
        np.float32,
    )
    shape = (len(features), len(columns))
    blocks = [sparse.csr_matrix((rarity[places], places, starts), shape)]
    for kind in plan.words:
        rows = []
        for its_kind, _, word in parted:
            rows.append(vectors.rows.get(word, 0) if its_kind == kind else 0)
        blocks.append(sparse.csr_matrix(vectors.vectors[rows]))
    scales = np.array([plan.scales.get(kind, 1.0) for kind, _, _ in parted], np.float32)
    return (sparse.diags(scales) @ sparse.hstack(blocks)).tocsr()


def _cut_ends(kind: str, word: str) -> Iterator[str]:
    """Yield the first and last letters of a word: words with one stem, and drugs of one class,
    share them.
    """
    if len(word) > 4:
        yield from (
            f"{kind} {word[:4]}-",
            f"{kind} {word[:6]}-",
            f"{kind} -{word[-4:]}",
        )
