"""Fit the weights of the boundaries between items. The output is
``extractor/outline/weights/boundaries.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.boundaries --data DIR [--out FILE]

The truth is free: lists of registry records that kept their form, written without it in many ways
(``benchmarks.structure.flatten``), and the blocks of the gold in folds 0 to 2. Lists in fold 0 are
held out; the first stage learns from folds 1 to 3, the second one from fold 4. Prints precision and
recall of the boundaries on the lists that are held out.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from benchmarks.data import Row, fold_of, format_table, parse_options
from benchmarks.gold import GOLD, read_annotated, read_gold
from benchmarks.structure.flatten import FILES, WAYS, Written, present, read_lists
from extractor.concepts.criteria.lists import LISTS
from extractor.formats import read_records
from extractor.language.passage import read_section
from extractor.outline.blocks import read_pieces
from extractor.outline.boundaries import (
    SCALE,
    Around,
    Stretch,
    describe_block,
    describe_gaps,
    find_boundaries,
    hash_feature,
    read_mark,
)
from extractor.outline.cutting import list_stretches, look_around
from extractor.schemas import TrialRecord

_WORDS, _BLOCKS, _HELD_OUT = (1, 2, 3), (4,), (0,)
"""The folds of the lists for the two stages, and those that measure."""
_GOLD_FOLDS = (0, 1, 2)
_TIMES = 4
"""How often each list is written."""
_REAL = 3
"""How often each real block counts."""
_LEAST = 12
"""Features that fewer gaps have get no weight."""
_OUT = Path("extractor/outline/weights/boundaries.npz")


Lists = list[tuple[str, list[list[str]]]]
"""The clean lists of each trial."""


class Example(NamedTuple):
    """A stretch of text, what is around it, and the offsets at which its inner items begin."""

    stretch: Stretch
    around: Around
    starts: frozenset[int]


class Fitted(NamedTuple):
    """The weights of a stage by feature, and its log-odds without features."""

    weights: Mapping[str, float]
    start: float


def main() -> None:
    """Fit both stages, write them, and measure them on the lists that are held out."""
    chosen = parse_options(__doc__, data=..., out=Path)
    lists = list(read_lists(chosen.data / "records"))
    real = list(read_real(chosen.data / "records"))
    small = find_small_words(pick(lists, _WORDS))
    rng = random.Random(5)
    first = [*write_examples(pick(lists, _WORDS), rng), *real * _REAL]
    words = fit_words(first, small)
    second = [*write_examples(pick(lists, _BLOCKS), rng), *real * _REAL]
    block = fit_blocks(second, words, small)
    if chosen.out:
        write(chosen.out, words, block, small)
        print(measure(pick(lists, _HELD_OUT)))


def pick(lists: Lists, folds: Sequence[int]) -> Lists:
    """Return the lists of the trials in some folds."""
    return [each for each in lists if fold_of(each[0]) in folds]


def find_small_words(lists: Lists) -> frozenset[str]:
    """Return the words that are nearly always written with a small first letter within items."""
    counts: Counter[tuple[str, bool]] = Counter()
    for _, of_trial in lists:
        for item in (item for items in of_trial for item in items):
            for word in re.findall(r"[^\W\d_]{2,}", item)[1:]:
                counts[word.lower(), word[0].isupper()] += 1
    return frozenset(
        word
        for (word, is_capital), count in counts.items()
        if not is_capital and count >= 3 and counts[word, True] <= 0.1 * count
    )


def write_examples(lists: Lists, rng: random.Random) -> Iterator[Example]:
    """Yield the blocks of lists that are written in random ways."""
    for _, of_trial in [*lists] * _TIMES:
        shown = [block for items in of_trial for block in present(items, rng)]
        yield from to_examples(shown)


def to_examples(blocks: Sequence[Written]) -> Iterator[Example]:
    """Yield the blocks of one text as examples."""
    around = Around.of([block.text for block in blocks])
    for block, below in zip_longest(blocks, blocks[1:]):
        mark_below = read_mark(below.mark if below else "")
        has_mark = bool(block.mark)
        stretch = Stretch(block.text, has_mark, read_mark(block.mark), mark_below)
        yield Example(stretch, around, block.starts)


def read_real(records: Path) -> Iterator[Example]:
    """Yield the blocks of the gold in folds 0 to 2, with the boundaries of its criteria."""
    gold = {
        name: line
        for name, line in read_gold(GOLD).items()
        if line["fold"] in _GOLD_FOLDS
    }
    for record, line, _ in read_annotated(gold, _read_records(records)):
        yield from read_blocks(record, line)


def _read_records(records: Path) -> Iterator[TrialRecord]:
    for name in (*FILES, "ctgov_xml"):
        yield from read_records(records / name)


def read_blocks(record: TrialRecord, line: Row) -> Iterator[Example]:
    """Yield the pieces of a record's eligibility section, before they are cut."""
    section = record.section("eligibility")
    if section is None:
        return
    lexed = read_section("eligibility", section.text)
    quotes = [
        criterion["quote"]
        for criterion in line["eligibility"]["criteria"]
        if criterion["section"] == "eligibility"
    ]
    begins = {
        lexed.cleaned.clean_position(quote[0]) for quote in quotes if len(quote) == 2
    }
    pieces = read_pieces(lexed, LISTS)
    around = look_around(pieces)
    for piece, stretch in list_stretches(pieces):
        if not piece.may_be_cut:
            continue
        begin, end = piece.line.span
        starts = {place - begin for place in begins if begin < place < end}
        yield Example(stretch, around, frozenset(starts))


def fit_words(examples: Sequence[Example], small: frozenset[str]) -> Fitted:
    """Fit the first stage."""
    counts: Counter[str] = Counter()
    rows: list[list[str]] = []
    truth: list[bool] = []
    for example in examples:
        for gap, names in describe_gaps(example.stretch, example.around, small):
            rows.append(names)
            truth.append(gap.start in example.starts)
            counts.update(set(names))
    known = sorted(name for name, count in counts.items() if count >= _LEAST)
    index = {name: row for row, name in enumerate(known)}
    columns: list[int] = []
    pointers = [0]
    for names in rows:
        columns += sorted({index[name] for name in names if name in index})
        pointers.append(len(columns))
    ones = np.ones(len(columns), np.float32)
    matrix = csr_matrix((ones, columns, pointers), shape=(len(rows), len(known)))
    print(
        f"{len(rows)} gaps, {sum(truth)} boundaries, {len(known)} features", flush=True
    )
    model = LogisticRegression(C=0.15, solver="liblinear", max_iter=200, random_state=0)
    model.fit(matrix, truth)
    weights = dict(zip(known, model.coef_[0].tolist(), strict=True))
    return Fitted(weights, float(model.intercept_[0]))


def fit_blocks(
    examples: Sequence[Example], words: Fitted, small: frozenset[str]
) -> Fitted:
    """Fit the second stage on the totals of the first one."""
    rows: list[dict[str, float]] = []
    truth: list[bool] = []
    for example in examples:
        described = list(describe_gaps(example.stretch, example.around, small))
        gaps = [gap for gap, _ in described]
        totals = [
            words.start
            + sum(words.weights.get(name, 0.0) for name in dict.fromkeys(names))
            for _, names in described
        ]
        rows += describe_block(gaps, totals, len(example.stretch.text))
        truth += [gap.start in example.starts for gap in gaps]
    known = sorted({name for row in rows for name in row})
    index = {name: column for column, name in enumerate(known)}
    matrix = np.zeros((len(rows), len(known)), np.float32)
    for number, row in enumerate(rows):
        for name, value in row.items():
            matrix[number, index[name]] = value
    model = LogisticRegression(C=1.0, max_iter=500).fit(matrix, truth)
    weights = dict(zip(known, model.coef_[0].tolist(), strict=True))
    return Fitted(weights, float(model.intercept_[0]))


def write(path: Path, words: Fitted, block: Fitted, small: frozenset[str]) -> None:
    """Write both stages."""
    stored: dict[str, Any] = {}
    for name, stage in (("words", words), ("block", block)):
        rounded = {
            hash_feature(feature): round(weight * SCALE)
            for feature, weight in stage.weights.items()
        }
        kept = sorted((key, weight) for key, weight in rounded.items() if weight)
        keys, weights = zip(*kept, strict=True)
        stored[f"{name}_keys"] = np.array(keys, np.uint32)
        stored[name] = np.array(weights, np.int16)
    text = " ".join(sorted(small)).encode()
    starts = np.array([round(words.start, 3), round(block.start, 3)])
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        path, **stored, starts=starts, small=np.frombuffer(text, np.uint8)
    )


def measure(lists: Lists) -> str:
    """Return precision, recall and F1 of boundaries by the way in which whole lists are written."""
    rows = []
    for way in WAYS:
        rng = random.Random(9)
        counts: Counter[str] = Counter()
        for _, of_trial in lists:
            shown = [
                each for items in of_trial for each in present(items, rng, "whole", way)
            ]
            for example in to_examples(shown):
                found = find_boundaries(example.stretch, example.around)
                cut = {each.gap.start for each in found if each.probability > 0.5}
                counts["right"] += len(cut & example.starts)
                counts["cut"] += len(cut)
                counts["true"] += len(example.starts)
        precision = counts["right"] / max(counts["cut"], 1)
        recall = counts["right"] / max(counts["true"], 1)
        rows.append((way, f"{precision:.3f}", f"{recall:.3f}"))
    return format_table(("way", "precision", "recall"), rows)


if __name__ == "__main__":
    main()
