"""Fit the learned scorers. The package keeps ``criteria.npz`` in ``concepts/criteria/weights`` and
the other files in ``concepts/outcomes/weights``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR] [--only NAME...]

Prints how often each scorer is right on held-out trials (five folds), how many answers are certain,
and how often these are right. ``--out`` writes the files, fitted on all labels. ``--only`` selects
among criteria, concepts, endpoint_categories and time_kinds. Trials in the gold are not used.
Requires the extra `train`. The same labels and records always give the same files.
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
from benchmarks.training.labels import (
    OTHERS,
    TrainingRows,
    group_of,
    read_training_records,
    read_training_rows,
)
from benchmarks.training.log_linear import Guess, format_calibration
from extractor.concepts.criteria.category import describe_lines
from extractor.concepts.criteria.lists import CriterionEntry, read_lists, target_words
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.read import describe_outcome, trial_words
from extractor.concepts.outcomes.split import OutcomeParts
from extractor.concepts.outcomes.times import describe_time_frame
from extractor.evidence.scorer import Features, Scorer
from extractor.language.passage import Passage, read_section
from extractor.schemas import CriterionKind, Rank, TimeKind, TrialRecord

_SCALES = {"d": 0.5, "e": 0.3, "t": 0.3, "a": 0.3, "v": 4, "u": 1.6, "m": 0.4, "s": 0.4}
CRITERIA = Plan(
    "criteria", words=("w", "^", "e"), scales={"v": 2}, freedom=0.7, most=80_000
)
CONCEPTS = Plan(
    "concepts",
    words=("w", "^", "d", "a"),
    scales=_SCALES,
    freedom=1,
    most=80_000,
    others=2,
)
CATEGORIES = CONCEPTS._replace(name="endpoint_categories")
TIME_KINDS = Plan("time_kinds", words=(), scales={}, freedom=2.3, most=4_000)
PLANS = {
    CRITERIA.name: (CRITERIA, "category"),
    CONCEPTS.name: (CONCEPTS, "concept"),
    CATEGORIES.name: (CATEGORIES, "category"),
    TIME_KINDS.name: (TIME_KINDS, "time_kind"),
}
"""The plan of each scorer, and the column of the right answers."""
_NO_CRITERION = "none"
_SPANS = (
    "From {} days to 2 years",
    "From week {} to week 52",
    "From month {} to month 24 after surgery",
)
"""Examples of a rule in the guideline that is too rare in the labels: both ends of a span are time
points.
"""


def main() -> None:
    """Print held-out figures, and write the files with ``--out``."""
    names = list(PLANS)
    chosen = parse_options(__doc__, data=..., out=Path, only=names)
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    vectors = make_vectors(read_sentences(records.values()))
    for name in chosen.only:
        plan, label = PLANS[name]
        labelled, items = describe_rows(name, rows, records)
        fitted = train(plan, items, labelled, label, vectors)
        if chosen.out:
            chosen.out.mkdir(parents=True, exist_ok=True)
            store_scorer(fitted, chosen.out / f"{name}.npz")


def describe_rows(
    name: str, rows: TrainingRows, records: Mapping[str, TrialRecord]
) -> tuple[Sequence[Row], Sequence[Features]]:
    """Return the rows on which a scorer is fitted, and the features of each row."""
    if name == CRITERIA.name:
        return rows.criteria, find_lines(rows.criteria, records)
    if name != TIME_KINDS.name:
        return rows.outcomes, describe_outcomes(rows.outcomes, records)
    frames = [*rows.time_frames, *_list_spans()]
    items = []
    for row in frames:
        section = read_section("outcomes", row["time_frame"])
        items.append(describe_time_frame(read_time_frame(section.tokens)))
    return frames, items


def _list_spans() -> Iterator[Row]:
    """Yield rows of ``_SPANS`` with each number from 3 to 14."""
    known = {"time_kind": TimeKind.FROM_TO, "area": OTHERS, "fold": FOLDS}
    for text in _SPANS:
        for day in range(3, 15):
            yield known | {"time_frame": text.format(day)}


def train(
    plan: Plan,
    items: Sequence[Features],
    rows: Sequence[Row],
    label: str,
    vectors: WordVectors,
) -> Scorer:
    """Print the figures of a scorer on held-out trials, and return the scorer fitted on all rows.
    ``label`` is the column of the right answers.

    Lines that are not criteria are used for fitting, but are omitted from the figures, because they
    have no category.
    """
    labels = [str(row[label]) for row in rows]
    counts = [plan.others if group_of(row) == OTHERS else 1.0 for row in rows]
    folds = [row["fold"] for row in rows]
    classes, chances = hold_out(plan, items, labels, folds, vectors, counts)
    names = np.array(classes)
    answers = chances * (names != _NO_CRITERION)
    answers /= answers.sum(axis=1, keepdims=True)
    likeliest = names[answers.argmax(axis=1)]
    sure = answers.max(axis=1)
    guesses = [
        Guess(bool(likeliest[at] == right), float(sure[at]))
        for at, right in enumerate(labels)
        if right != _NO_CRITERION
    ]
    print(f"{plan.name}: {format_calibration(guesses)}", flush=True)
    return fit(plan, items, labels, vectors, counts)


def find_lines(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> list[Features]:
    """Return the features of each labelled line. If the line is not in its record, it is treated as
    the first line of the record's list.
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
    """The criteria of a record; empty if there is no record."""

    def __init__(self, record: TrialRecord | None) -> None:
        context = _read_sections(record, "title", "official_title", "conditions")
        self._target = target_words(*context)
        self._lines: list[CriterionEntry] = []
        for passage in _read_sections(record, "eligibility"):
            self._lines += read_lists(passage.section).entries
        self._features = describe_lines(self._lines, self._target)

    def find(self, row: Row) -> Features:
        """Return the features of a labelled line in the record's list. If the list does not contain
        the line, it is treated as the first line of the list.
        """
        alone = read_section("eligibility", row["text"]).whole
        kind = CriterionKind(row["list"])
        wanted = _list_words(alone.text)
        for line, features in zip(self._lines, self._features, strict=True):
            if line.sense is kind and _list_words(line.passage.text) == wanted:
                return features
        lead_in = None
        if row.get("lead_in"):
            lead_in = read_section("eligibility", row["lead_in"]).whole
        entry = CriterionEntry(alone, kind, parent=lead_in)
        return describe_lines([entry, *self._lines], self._target)[0]


def _read_sections(record: TrialRecord | None, *names: str) -> Iterator[Passage]:
    """Yield those of the given sections that a record has; nothing if there is no record."""
    found = [record.section(name) for name in names] if record else []
    for section in found:
        if section:
            yield read_section(section.name, section.text).whole


def _list_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def describe_outcomes(
    rows: Sequence[Row], records: Mapping[str, TrialRecord]
) -> list[Features]:
    """Return the features of each labelled outcome, and of its trial if the record is available."""
    about: dict[str, Sequence[str]] = {}
    features = []
    for row in rows:
        trial = row["record"]
        if trial not in about:
            passages = _read_sections(records.get(trial), "title", "conditions")
            sections = {passage.section.name: passage.section for passage in passages}
            about[trial] = trial_words(sections) if trial in records else ()
        features.append(_describe_outcome(row, about[trial]))
    return features


def _describe_outcome(row: Row, about: Sequence[str]) -> Features:
    """Return the features of a labelled outcome. ``about`` are the words of its trial."""
    measure, description, time_frame = (
        read_section("outcomes", row[name] or "").whole
        for name in ("measure", "description", "time_frame")
    )
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
