"""Fit the learned scorers: makes the files ``extractor/concepts/outcomes/weights/*.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR] [--only NAME...]

Prints how often each scorer is right on held-out trials (five folds), how many answers are certain
and how often these are right, of all items and by group of areas. With ``--out`` fits on all labels
and writes the files. ``--only`` names some of criteria, concepts, endpoint_categories and
time_kinds. Trials of the gold are not used. Needs the extra `train`. The same labels and records
give the same files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import FOLDS, Row, parse_options
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
    HOME,
    OTHERS,
    TrainingRows,
    group_of,
    read_training_records,
    read_training_rows,
)
from benchmarks.training.log_linear import Guess, format_calibration
from extractor.concepts.criteria.category import describe_lines, target_words
from extractor.concepts.criteria.entries import Entry
from extractor.concepts.criteria.lists import read_lists
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.read import OutcomeParts, describe_outcome, trial_words
from extractor.concepts.outcomes.times import describe_time_frame
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
TIME_KINDS = Plan("time_kinds", words=(), scales={}, freedom=2.3, most=4_000)
_NO_CRITERION = "none"
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
    """Print the figures of one scorer, and return the scorer fitted on all rows. Raises
    ``ValueError`` for another name.
    """
    if name == CRITERIA.name:
        lines = find_lines(rows.criteria, records)
        return _train(CRITERIA, lines, rows.criteria, "category", vectors)
    if name == TIME_KINDS.name:
        frames = [*rows.time_frames, *_list_spans()]
        items = []
        for row in frames:
            section = read_section("outcomes", row["time_frame"])
            items.append(describe_time_frame(read_time_frame(section.tokens)))
        return _train(TIME_KINDS, items, frames, "time_kind", vectors)
    outcomes = describe_outcomes(rows.outcomes, records)
    if name == CONCEPTS.name:
        return _train(CONCEPTS, outcomes, rows.outcomes, "concept", vectors)
    if name == CATEGORIES.name:
        return _train(CATEGORIES, outcomes, rows.outcomes, "category", vectors)
    raise ValueError(f"there is no scorer {name}")


def _list_spans() -> list[Row]:
    """Return rows of ``_SPANS`` with each number from 3 to 14, labelled by hand."""
    rows: list[Row] = []
    for text in _SPANS:
        for day in range(3, 15):
            row = {
                "time_frame": text.format(day),
                "time_kind": TimeKind.FROM_TO,
                "area": OTHERS,
                "fold": FOLDS,
            }
            rows.append(row)
    return rows


def _train(
    plan: Plan,
    items: Sequence[Features],
    rows: Sequence[Row],
    label: str,
    vectors: WordVectors,
) -> Scorer:
    """Print the figures of a scorer on held-out trials, and return the scorer fitted on all rows.
    ``label`` is the column of the right answers.

    Lines that are no criterion are learned, but have no category, and are left out of the figures.
    """
    labels = np.array([str(row[label]) for row in rows])
    counts = [plan.others if group_of(row) == OTHERS else 1.0 for row in rows]
    folds = [row["fold"] for row in rows]
    classes, chances = hold_out(plan, items, list(labels), folds, vectors, counts)
    fitted = fit(plan, items, list(labels), vectors, counts)
    guesses: dict[str, list[Guess]] = {"all": [], HOME: [], OTHERS: []}
    confidence, right = _judge(labels, classes, chances)
    for row, sure, is_right in zip(rows, confidence, right, strict=True):
        if row[label] != _NO_CRITERION:
            guess = Guess(bool(is_right), float(sure))
            guesses["all"].append(guess)
            guesses[group_of(row)].append(guess)
    for group, of_group in guesses.items():
        print(f"{plan.name}, {group}: {format_calibration(of_group)}", flush=True)
    return fitted


def _judge(
    labels: Array, classes: Sequence[str], chances: Array
) -> tuple[Array, Array]:
    """Return the probability of each item's most likely class, and whether it is right; "none"
    is not an answer.
    """
    names = np.array(classes)
    answers = chances * (names != _NO_CRITERION)
    answers /= answers.sum(axis=1, keepdims=True)
    likeliest = names[answers.argmax(axis=1)]
    return answers.max(axis=1), likeliest == labels


def find_lines(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> list[Features]:
    """Return the features of each labelled line in its record, or of the line alone if it is not
    found there.
    """
    lists: dict[str, _List] = {}
    features = []
    for row in rows:
        trial = row["record"]
        if trial not in lists:
            lists[trial] = _List(records.get(trial))
        features.append(lists[trial].find(row))
    return features


class _List:
    """The criteria of a record; none without a record."""

    def __init__(self, record: TrialRecord | None) -> None:
        context = _read_sections(record, "title", "official_title", "conditions")
        self._target = target_words(*context)
        self._lines: list[Entry] = []
        section = record.section("eligibility") if record else None
        if section:
            lists = read_lists(read_section("eligibility", section.text))
            self._lines += lists.entries
        self._features = describe_lines(self._lines, self._target)
        self._keys = [_key(line.passage.text) for line in self._lines]

    def find(self, row: Row) -> Features:
        """Return the features of a labelled line: as it stands in the record's list, or if it is
        not there as its first line.
        """
        alone = read_section("eligibility", row["text"]).whole
        kind = CriterionKind(row["list"])
        wanted = _key(alone.text)
        for line, features, key in zip(
            self._lines, self._features, self._keys, strict=True
        ):
            if key == wanted and line.sense is kind:
                return features
        lead_in = None
        if row.get("lead_in"):
            lead_in = read_section("eligibility", row["lead_in"]).whole
        entry = Entry(alone, kind, parent=lead_in)
        return describe_lines([entry, *self._lines], self._target)[0]


def _read_sections(record: TrialRecord | None, *names: str) -> Iterator[Passage]:
    """Yield the sections of a record that are there; none without a record."""
    if record is None:
        return
    for name in names:
        section = record.section(name)
        if section:
            yield read_section(section.name, section.text).whole


def _key(text: str) -> str:
    """Return the words of a text in small letters, for comparing lines."""
    return re.sub(r"\W+", " ", text.lower()).strip()


def describe_outcomes(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> Sequence[Features]:
    """Return the features of each labelled outcome, with those of its trial if its record is
    given.
    """
    about: dict[str, Sequence[str]] = {}
    features = []
    for row in rows:
        trial = row["record"]
        if trial not in about:
            sections = {}
            for passage in _read_sections(records.get(trial), "title", "conditions"):
                sections[passage.section.name] = passage.section
            about[trial] = trial_words(sections) if trial in records else ()
        features.append(_describe_outcome(row, about[trial]))
    return features


def _describe_outcome(row: Row, about: Sequence[str]) -> Features:
    """Return the features of a labelled outcome. ``about`` are the words of its trial."""
    measure = read_section("outcomes", row["measure"] or "").whole
    description = read_section("outcomes", row["description"] or "").whole
    time_frame = read_section("outcomes", row["time_frame"] or "").whole
    outcome = OutcomeParts(
        measure,
        measure,
        description if description.end else None,
        time_frame if time_frame.end else None,
        rank=Rank(row["rank"]),
    )
    return describe_outcome(outcome, about)


if __name__ == "__main__":
    main()
