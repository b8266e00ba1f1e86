"""Fit the learned scorers: makes the files ``extractor/concepts/outcomes/weights/*.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR] [--only NAME...]

Prints how often each scorer is right on held-out trials (five folds) with a 95 % interval
(bootstrap over trials), how many answers are certain and how often these are right, and how often
it is right on its training data; by group of areas, and by area. With ``--out`` fits on all labels
and writes the files. ``--only`` names some of criteria, concepts, endpoint_categories and
time_kinds. Trials of the gold are not used. Needs the extra `train`. The same labels and records
give the same files.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import FOLDS, Row, format_table, parse_options
from benchmarks.training.fitting import (
    Plan,
    WordVectors,
    fit,
    hold_out,
    make_vectors,
    read_sentences,
    store_scorer,
)
from benchmarks.training.labelled import (
    OTHERS,
    TrainingRows,
    group_of,
    read_training_records,
    read_training_rows,
)
from extractor.concepts.criteria.category import describe_lines, target_words
from extractor.concepts.criteria.lines import LineRole, OutlineEntry
from extractor.concepts.criteria.outline import read_outline
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.read import OutcomeParts, describe_outcome, trial_words
from extractor.concepts.outcomes.times import describe_time_frame
from extractor.evidence.drafts import CERTAIN
from extractor.evidence.scoring import Array, Features, Scorer
from extractor.language.passage import Passage, read_section
from extractor.schemas import CriterionKind, Rank, TimeKind, TrialRecord

_OUTCOMES = {
    "d": 0.5,
    "e": 0.3,
    "t": 0.3,
    "a": 0.3,
    "v": 4,
    "u": 1.6,
    "m": 0.4,
    "s": 0.4,
}
CRITERIA = Plan(
    "criteria", words=("w", "^", "e"), scales={"v": 2}, freedom=0.7, most=80_000
)
CONCEPTS = Plan(
    "concepts",
    words=("w", "^", "d", "a"),
    scales=_OUTCOMES,
    freedom=1,
    most=80_000,
    others=2,
)
CATEGORIES = CONCEPTS._replace(name="endpoint_categories")
TIME_KINDS = Plan("time_kinds", words=(), scales={}, freedom=2, most=4_000)
_NO_CRITERION = "none"
_DRAWS = 400
_LEAST = 50
"""Bootstrap samples for an interval, and fewest items of an area that is shown."""
_SPANS = (
    "From {} days to 2 years",
    "From week {} to week 52",
    "From month {} to month 24 after surgery",
)
"""Examples of a rule of the guideline that is too rare in the labels: both ends of a span are
points of time.
"""


def main() -> None:
    """Print held-out figures, and write the files with ``--out``."""
    names = [plan.name for plan in (CRITERIA, CONCEPTS, CATEGORIES, TIME_KINDS)]
    chosen = parse_options(__doc__, data=..., out=Path, only=names)
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    vectors = make_vectors(read_sentences(records.values()))
    for name in chosen.only:
        fitted = train_scorer(name, rows, records, vectors)
        if chosen.out:
            chosen.out.mkdir(parents=True, exist_ok=True)
            store_scorer(fitted, chosen.out / f"{name}.npz")


def train_scorer(
    name: str,
    rows: TrainingRows,
    records: Mapping[str, TrialRecord],
    vectors: WordVectors,
) -> Scorer:
    """Print the figures of one scorer, and return the scorer fitted on all rows."""
    if name == CRITERIA.name:
        return _train(
            CRITERIA,
            find_lines(rows.criteria, records),
            rows.criteria,
            "category",
            vectors,
        )
    if name == TIME_KINDS.name:
        spans = [text.format(day) for text in _SPANS for day in range(3, 15)]
        by_hand = {"time_kind": TimeKind.FROM_TO, "area": OTHERS, "fold": FOLDS}
        frames = [
            *rows.time_frames,
            *({"time_frame": span} | by_hand for span in spans),
        ]
        items = [
            describe_time_frame(
                read_time_frame(read_section("outcomes", row["time_frame"]).tokens)
            )
            for row in frames
        ]
        return _train(TIME_KINDS, items, frames, "time_kind", vectors)
    plan, label = {
        CONCEPTS.name: (CONCEPTS, "concept"),
        CATEGORIES.name: (CATEGORIES, "category"),
    }[name]
    return _train(
        plan, describe_outcomes(rows.outcomes, records), rows.outcomes, label, vectors
    )


def _train(
    plan: Plan,
    items: Sequence[Features],
    rows: Sequence[Row],
    label: str,
    vectors: WordVectors,
) -> Scorer:
    labels = np.array([str(row[label]) for row in rows])
    counts = [plan.others if group_of(row) == OTHERS else 1.0 for row in rows]
    classes, chances = hold_out(
        plan, items, list(labels), [row["fold"] for row in rows], vectors, counts
    )
    fitted = fit(plan, items, list(labels), vectors, counts)
    kept = labels != _NO_CRITERION  # only criteria have a category
    confidence, right = _judge(labels, classes, chances)
    _, seen = _judge(labels, fitted.classes, fitted.predict(items))
    shown = [row for row, keep in zip(rows, kept, strict=True) if keep]
    print(
        format_groups(plan.name, shown, right[kept], confidence[kept], seen[kept]),
        flush=True,
    )
    return fitted


def _judge(
    labels: Array, classes: Sequence[str], chances: Array
) -> tuple[Array, Array]:
    """Return the probability of each item's most likely class, and whether it is right; "none"
    is not an answer.
    """
    names = np.array(classes)
    known = chances * (names != _NO_CRITERION)
    known /= known.sum(axis=1, keepdims=True)
    return known.max(axis=1), names[known.argmax(axis=1)] == labels


def find_lines(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> list[Features]:
    """Return the features of each labelled line in its record, or of the line alone if it is not
    found there.
    """
    lists = {
        trial: _List(records.get(trial))
        for trial in sorted({row["record"] for row in rows})
    }
    return [lists[row["record"]].find(row) for row in rows]


class _List:
    """The criteria of a record."""

    def __init__(self, record: TrialRecord | None) -> None:
        self._target = target_words(
            *_read_sections(record, "title", "official_title", "conditions")
        )
        section = record.section("eligibility") if record else None
        entries = (
            read_outline(read_section("eligibility", section.text)).entries
            if section
            else []
        )
        self._lines = [entry for entry in entries if entry.role is not LineRole.REMARK]
        self._features = describe_lines(self._lines, self._target)
        self._keys = [_key(line.passage.text) for line in self._lines]

    def find(self, row: Row) -> Features:
        alone = read_section("eligibility", row["text"]).whole
        kind = CriterionKind(row["list"])
        wanted = _key(alone.text)
        for line, features, key in zip(
            self._lines, self._features, self._keys, strict=True
        ):
            if key == wanted and line.sense is kind:
                return features
        lead_in = (
            read_section("eligibility", row["lead_in"]).whole
            if row.get("lead_in")
            else None
        )
        return describe_lines(
            [OutlineEntry(alone, kind, parent=lead_in), *self._lines], self._target
        )[0]


def _read_sections(record: TrialRecord | None, *names: str) -> Iterator[Passage]:
    found = (record.section(name) for name in names) if record else ()
    return (
        read_section(section.name, section.text).whole for section in found if section
    )


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def describe_outcomes(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> Sequence[Features]:
    """Return the features of each labelled outcome, with those of its trial if its record is
    given.
    """
    about = {
        trial: trial_words(
            {
                each.section.name: each.section
                for each in _read_sections(records[trial], "title", "conditions")
            }
        )
        for trial in {row["record"] for row in rows} & records.keys()
    }
    return [_describe_outcome(row, about.get(row["record"], ())) for row in rows]


def _describe_outcome(row: Row, about: Sequence[str]) -> Features:
    parts = ("measure", "description", "time_frame")
    measure, *others = (
        read_section("outcomes", row[part] or "").whole for part in parts
    )
    description, time_frame = (part if part.end else None for part in others)
    outcome = OutcomeParts(
        measure, measure, description, time_frame, rank=Rank(row["rank"])
    )
    return describe_outcome(outcome, about)


def format_groups(
    name: str, rows: Sequence[Row], right: Array, confidence: Array, seen: Array
) -> str:
    """Format a table of all items, of each group, and of each area with enough items.

    ``right`` and ``confidence`` are for scorers that have not seen the item; ``seen`` is whether
    one that has is right.
    """
    # a text stands for a trial
    trials = np.array([row.get("record") or row["time_frame"].lower() for row in rows])
    groups = np.array([group_of(row) for row in rows])
    areas = np.array([row["area"] for row in rows])
    parts = {"all": np.ones(len(rows), bool)}
    for group in sorted(set(groups)):
        parts[group] = groups == group
    for area, items in sorted(Counter(areas).items()):
        if items >= _LEAST and area not in parts:
            parts[area] = areas == area
    table = []
    for part, kept in parts.items():
        hits = right[kept]
        certain = confidence[kept] >= CERTAIN
        low, high = _draw_interval(hits, trials[kept])
        among = float(hits[certain].mean()) if certain.any() else None
        table.append(
            (
                f"  {part}",
                len(hits),
                float(hits.mean()),
                f"{low:.3f}-{high:.3f}",
                float(certain.mean()),
                among,
                float(seen[kept].mean()),
            )
        )
    return format_table(
        (name, "items", "right", "95 % interval", "certain", "right", "seen"), table
    )


def _draw_interval(hits: Array, trials: Array) -> tuple[float, float]:
    """Return the middle 95 % of the share over bootstrap samples of trials."""
    names, places = np.unique(trials, return_inverse=True)
    items = np.bincount(places)
    right = np.bincount(places, weights=hits)
    drawn = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    low, high = np.quantile(
        right[drawn].sum(axis=1) / items[drawn].sum(axis=1), (0.025, 0.975)
    )
    return float(low), float(high)


if __name__ == "__main__":
    main()
