"""Fit a scorer on labelled items.

A word is described by the word itself, its first and last letters, and its vector, which is similar
for words with similar neighbours. Because the model is linear, the weights of these parts are
summed here: the file has one row per word, and also covers words that no label contains.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.extmath import randomized_svd

from extractor.evidence.scorer import Array, Features, Scorer
from extractor.evidence.scoring import list_scored_words
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
"""Minimum number of items with a feature, and with the first or last letters of a word."""


class WordVectors(NamedTuple):
    """The row of each word in ``vectors``. Common words have shorter vectors; row 0 is zeros."""

    rows: dict[str, int]
    vectors: Array


def read_sentences(records: Iterable[TrialRecord]) -> list[list[str]]:
    """Return the distinct lines of all sections, as lists of words."""
    distinct: dict[str, list[str]] = {}
    for record in records:
        for section in record.sections:
            cleaned = clean_text(section.text)
            tokens = lex(cleaned.text)
            lexed = LexedSection(section.name, section.text, cleaned, tokens)
            for line in lexed.lines():
                words = list_scored_words(line)
                distinct.setdefault(" ".join(words), words)
    return list(distinct.values())


def make_vectors(sentences: Sequence[Sequence[str]]) -> WordVectors:
    """Compute the positive pointwise mutual information of words and neighbours, reduced to 100
    dimensions. Words that occur fewer than three times have no vector; the more common a word is,
    the shorter its vector.
    """
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(sentence)
    frequent = [word for word, count in counts.items() if count >= _LEAST_SEEN]
    frequent.sort(key=lambda word: (-counts[word], word))
    words = frequent[:_MOST]
    together = _count_neighbours(sentences, words)
    rows = np.asarray(together.sum(1)).ravel()
    columns = rows**_FLATTEN
    cells = together.tocoo()
    expected = rows[cells.row] * columns[cells.col]
    gain = np.log(cells.data * columns.sum() / expected)
    kept = gain > 0
    places = (cells.row[kept], cells.col[kept])
    matrix = sparse.csr_matrix((gain[kept], places), shape=together.shape)
    left, strengths, _ = randomized_svd(matrix, _SIZE, random_state=0, n_iter=4)
    vectors = left * np.sqrt(strengths)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    shares = np.array([counts[word] for word in words]) / counts.total()
    vectors *= (_COMMON_SHARE / (_COMMON_SHARE + shares))[:, None]
    # row 0 is that of words without a vector
    no_vector = np.zeros((1, vectors.shape[1]))
    stacked = np.vstack([no_vector, vectors]).astype(np.float32)
    return WordVectors({word: row for row, word in enumerate(words, 1)}, stacked)


def _count_neighbours(
    sentences: Iterable[Sequence[str]], words: Sequence[str]
) -> sparse.csr_matrix:
    """Count how often two words occur within four words of each other; nearer words count more."""
    rows = {word: row for row, word in enumerate(words)}
    # -1 for other words, and between sentences
    gap = [-1] * _WINDOW
    listed: list[int] = []
    for sentence in sentences:
        listed += [rows.get(word, -1) for word in sentence]
        listed += gap
    text = np.array(listed)
    counted = sparse.csr_matrix((len(rows), len(rows)))
    for distance in range(1, _WINDOW + 1):
        before = text[:-distance]
        behind = text[distance:]
        are_words = (before >= 0) & (behind >= 0)
        places = (before[are_words], behind[are_words])
        weights = np.full(len(places[0]), 1 / distance)
        counted += sparse.csr_matrix((weights, places), shape=counted.shape)
    return (counted + counted.T).tocsr()


class Plan(NamedTuple):
    """The settings for training a scorer.

    ``words`` are the kinds of features that are words ("w" in "w asthma"), and ``scales`` the
    initial factors of kinds. ``freedom`` is the parameter C of the logistic regression, ``most`` is
    the maximum number of features, and ``others`` is the weight of an item outside the home areas.
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
    """Fit a scorer on labelled items with the weights ``counts``. The result is deterministic.

    The features are those that at least two items have, and all words that have a vector. Only the
    ``plan.most`` features that affect scores the most are kept, because the others hardly ever
    decide.
    """
    seen: Counter[str] = Counter()
    for item in items:
        seen.update(set(item))
    named = {feature for feature, times in seen.items() if times >= _LEAST}
    for kind in plan.words:
        named.update(f"{kind} {word}" for word in vectors.rows)
    features = sorted(named)
    meanings = _describe_features(plan, features, seen, vectors, len(items))
    inputs = (_count(items, features) @ meanings).tocsr()
    with warnings.catch_warnings():
        # early stopping is intended
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=plan.freedom, max_iter=_STEPS, tol=1e-3).fit(
            inputs, labels, counts
        )
    weights = np.asarray(meanings @ model.coef_.T.astype(np.float32)) * _SCALE
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
    """Return the classes, and their probabilities according to scorers fitted on other folds."""
    classes = tuple(sorted(set(labels)))
    chances = np.zeros((len(items), len(classes)), np.float32)
    for fold in sorted(set(folds)):
        unseen = [number for number, its in enumerate(folds) if its == fold]
        seen = [number for number, its in enumerate(folds) if its != fold]
        seen_items = [items[number] for number in seen]
        seen_labels = [labels[number] for number in seen]
        seen_counts = [counts[number] for number in seen]
        scorer = fit(plan, seen_items, seen_labels, vectors, seen_counts)
        columns = [classes.index(name) for name in scorer.classes]
        unseen_items = [items[number] for number in unseen]
        chances[np.ix_(unseen, columns)] = scorer.predict(unseen_items)
    return classes, chances


def store_scorer(scorer: Scorer, path: Path) -> None:
    """Write a file for ``read_scorer``, with one byte per weight and the step size."""
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
    """Count each feature in each item, damped as in ``Scorer.score`` and times ``_SCALE``."""
    counter = CountVectorizer(analyzer=list, vocabulary=features, dtype=np.float32)
    damping = [_SCALE / np.sqrt(len(item) + 1) for item in items]
    scales = sparse.diags(np.array(damping, np.float32))
    return (scales @ counter.transform(items)).tocsr()


def _describe_features(
    plan: Plan,
    features: Sequence[str],
    seen: Counter[str],
    vectors: WordVectors,
    total: int,
) -> sparse.csr_matrix:
    """Describe each feature (row) by itself and, for a word, by its ends and its vector. Rare
    features have a higher weight. ``seen`` is the number of items with each feature, and ``total``
    is the number of all items.
    """
    names = _describe_by_names(plan, features, seen, total)
    blocks = [names]
    kinds = []
    words = []
    for feature in features:
        kind, _, word = feature.partition(" ")
        kinds.append(kind)
        words.append(word)
    for word_kind in plan.words:
        rows = []
        for kind, word in zip(kinds, words, strict=True):
            # row 0 is zeros
            rows.append(vectors.rows.get(word, 0) if kind == word_kind else 0)
        blocks.append(sparse.csr_matrix(vectors.vectors[rows]))
    scales = np.array([plan.scales.get(kind, 1.0) for kind in kinds], np.float32)
    return (sparse.diags(scales) @ sparse.hstack(blocks)).tocsr()


def _describe_by_names(
    plan: Plan, features: Sequence[str], seen: Counter[str], total: int
) -> sparse.csr_matrix:
    """Describe each feature (row) by its name and, for a word, by its first and last letters. Each
    has a column, whose entries are its rarity, unless too few items have it.
    """
    parts: list[list[str]] = []
    times: Counter[str] = Counter()
    for feature in features:
        kind, _, word = feature.partition(" ")
        names = [feature]
        if kind in plan.words:
            names += _cut_ends(kind, word)
        parts.append(names)
        for name in dict.fromkeys(names):
            times[name] += seen[feature]
    rarity = {}
    for name, items in times.items():
        least = _LEAST if name in seen else _LEAST_ENDS
        if items >= least:
            rarity[name] = (np.log(total / items) + 1) / _TYPICAL_RARITY
    counter = CountVectorizer(analyzer=list, vocabulary=list(rarity), dtype=np.float32)
    scales = sparse.diags(np.array(list(rarity.values()), np.float32))
    return (counter.transform(parts) @ scales).tocsr()


def _cut_ends(kind: str, word: str) -> Iterator[str]:
    """Yield the ends of a word, which words with the same stem and drugs of a class share."""
    if len(word) > 4:
        yield from (
            f"{kind} {word[:4]}-",
            f"{kind} {word[:6]}-",
            f"{kind} -{word[-4:]}",
        )
