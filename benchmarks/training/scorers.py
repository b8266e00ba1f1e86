"""Weights of the learned scorers: makes the files ``extractor/rulebook/weights/*.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR] [--only NAME...]

Prints how often each scorer is right on trials that it has not seen (five folds) with a 95 % interval (trials drawn
anew), how many answers are certain and how often these are right, and how often it is right on what it has learned;
by group of areas, and by area. With ``--out`` fits on all labels and writes the files. No trial of the gold is learned
from. Needs the extra `train`. The same labels and records give the same files.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.data import FOLDS, Row, format_table, option_parser
from benchmarks.training.fitting import Plan, WordVectors, fit, hold_out, make_vectors, read_sentences, store_scorer
from benchmarks.training.labelled import OTHERS, TrainingRows, group_of, read_training_records, read_training_rows
from extractor.parse.eligibility.category import describe_lines, target_words
from extractor.parse.eligibility.outline import Entry, Role, read_outline
from extractor.parse.endpoints import OutcomeParts, describe_outcome, trial_words
from extractor.parse.endpoints.times import describe_time_frame, read_time_frame
from extractor.parse.parsed import CERTAIN
from extractor.parse.scoring import Array, Features, Scorer
from extractor.schemas import CriterionKind, Rank, TimeKind, TrialRecord
from extractor.text.passage import Passage, read_section

_OUTCOMES = {"d": 0.5, "e": 0.3, "t": 0.3, "a": 0.3, "v": 4, "u": 1.6, "m": 0.4, "s": 0.4}
CRITERIA = Plan("criteria", words=("w", "^", "e"), scales={"v": 2}, freedom=0.7, most=80_000)
CONCEPTS = Plan("concepts", words=("w", "^", "d", "a"), scales=_OUTCOMES, freedom=1, most=80_000, others=2)
CATEGORIES = replace(CONCEPTS, name="endpoint_categories")
TIME_KINDS = Plan("time_kinds", words=(), scales={}, freedom=2, most=4_000)
_NO_CRITERION = "none"
_EVEN = 0.5
_DRAWS, _LEAST = 400, 50
"""How often trials are drawn anew for an interval, and how many items an area must have to be shown."""
_SPANS = ("From {} days to 2 years", "From week {} to week 52", "From month {} to month 24 after surgery")
"""What the guideline says outright, and the labels have too seldom: both ends of a span are points of time."""


@dataclass(frozen=True)
class _Task:
    """What one scorer learns from: the features of labelled items, each with its row."""

    plan: Plan
    items: Sequence[Features]
    labels: Sequence[str]
    rows: Sequence[Row]

    def train(self, vectors: WordVectors) -> tuple[tuple[str, ...], Array, Scorer]:
        """The classes, their probabilities for each item by a scorer of the other folds, and the scorer of all rows."""
        counts = [self.plan.others if group_of(row) == OTHERS else 1.0 for row in self.rows]
        folds = [row["fold"] for row in self.rows]
        classes, chances = hold_out(self.plan, self.items, self.labels, folds, vectors, counts)
        return classes, chances, fit(self.plan, self.items, self.labels, vectors, counts)


def main() -> None:
    """Print held-out figures; write the files if asked to."""
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the weights")
    names = [plan.name for plan in (CRITERIA, CONCEPTS, CATEGORIES, TIME_KINDS)]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help="only these scorers")
    chosen = parser.parse_args()
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    vectors = make_vectors(read_sentences(records.values()))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.only:
        if name == CRITERIA.name:
            fitted = _train_criteria(find_lines(rows.criteria, records), vectors)
        else:
            fitted = _train_task(_collect_task(name, rows, records), vectors)
        if chosen.out:
            store_scorer(fitted, chosen.out / f"{name}.npz")


def _collect_task(name: str, rows: TrainingRows, records: Mapping[str, TrialRecord]) -> _Task:
    if name == TIME_KINDS.name:
        taught = [
            {"time_frame": text.format(day), "time_kind": TimeKind.FROM_TO, "area": OTHERS, "fold": FOLDS}
            for text in _SPANS
            for day in range(3, 15)
        ]
        frames = [*rows.time_frames, *taught]
        items = [
            describe_time_frame(read_time_frame(read_section("outcomes", row["time_frame"]).tokens)) for row in frames
        ]
        return _Task(TIME_KINDS, items, [str(row["time_kind"]) for row in frames], frames)
    plan, label = (CONCEPTS, "concept") if name == CONCEPTS.name else (CATEGORIES, "category")
    return _Task(plan, describe_outcomes(rows.outcomes, records), [row[label] for row in rows.outcomes], rows.outcomes)


def _train_task(task: _Task, vectors: WordVectors) -> Scorer:
    classes, chances, fitted = task.train(vectors)
    labels = np.array(task.labels)
    seen = np.array(fitted.classes)[fitted.predict(task.items).argmax(axis=1)] == labels
    right = np.array(classes)[chances.argmax(axis=1)] == labels
    print(format_groups(task.plan.name, task.rows, right, chances.max(axis=1), seen), flush=True)
    return fitted


def _train_criteria(lines: Sequence["LabelledLine"], vectors: WordVectors) -> Scorer:
    """The category of a criterion; and whether a line is one, judged on lines that the package takes for such."""
    rows = [line.row for line in lines]
    labels = np.array([row["category"] for row in rows])
    classes, chances, fitted = _Task(CRITERIA, [line.features for line in lines], list(labels), rows).train(vectors)
    stated, right, refused = _judge_lines(labels, classes, chances)
    _, seen, seen_refused = _judge_lines(labels, fitted.classes, fitted.predict([line.features for line in lines]))
    is_none = labels == _NO_CRITERION
    judged, judged_seen = (is_none == (doubts > _EVEN) for doubts in (refused, seen_refused))
    split, certain = np.array([line.split for line in lines]), np.maximum(refused, 1 - refused)
    for name, kept, *found in (
        ("criterion category", ~is_none, right, stated, seen),
        ("line is a criterion", split, judged, certain, judged_seen),
    ):
        shown = [row for row, keep in zip(rows, kept, strict=True) if keep]
        print(format_groups(name, shown, *(one[kept] for one in found)), flush=True)
    return fitted


def _judge_lines(labels: Array, classes: Sequence[str], chances: Array) -> tuple[Array, Array, Array]:
    """Of each line how probable its likeliest category is and whether it is right; and how probable it is that it is
    no criterion.
    """
    none = classes.index(_NO_CRITERION)
    refused = chances[:, none].copy()
    kept = chances.copy()
    kept[:, none] = 0
    kept /= kept.sum(axis=1, keepdims=True)
    return kept.max(axis=1), np.array(classes)[kept.argmax(axis=1)] == labels, refused


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """``split`` is true if the package finds the line in its record, and takes it for a criterion."""

    features: Features
    row: Row
    split: bool


def find_lines(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[LabelledLine]:
    """Each labelled line with its features, as the package sees it in its record; alone if it is not found there."""
    lists = {trial: _List(records.get(trial)) for trial in sorted({row["record"] for row in rows})}
    return [lists[row["record"]].find(row) for row in rows]


class _List:
    """The criteria of a record."""

    def __init__(self, record: TrialRecord | None) -> None:
        titles = _read_sections(record, "title", "official_title", "conditions") if record else ()
        self._target = target_words(*titles)
        section = record.section("eligibility") if record else None
        entries = read_outline(read_section("eligibility", section.text)) if section else []
        self._lines = [entry for entry in entries if entry.role is not Role.REMARK]
        self._features = describe_lines(self._lines, self._target)
        self._keys = [_key(line.passage.text) for line in self._lines]

    def find(self, row: Row) -> LabelledLine:
        alone, kind = read_section("eligibility", row["text"]).whole, CriterionKind(row["list"])
        same = [at for at, other in enumerate(self._keys) if other == _key(alone.text)]
        if places := [at for at in same if self._lines[at].sense is kind]:
            return LabelledLine(self._features[places[0]], row, self._lines[places[0]].role is Role.CRITERION)
        lead_in = read_section("eligibility", row["lead_in"]).whole if row.get("lead_in") else None
        line = Entry(alone, kind, parent=lead_in)
        return LabelledLine(describe_lines([line, *self._lines], self._target)[0], row, split=False)


def _read_sections(record: TrialRecord, *names: str) -> Iterator[Passage]:
    return (read_section(name, section.text).whole for name in names if (section := record.section(name)))


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def describe_outcomes(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[Features]:
    """The features of each labelled outcome, with those of its trial where its record is at hand."""
    about = {
        trial: trial_words(
            {passage.section.name: passage.section for passage in _read_sections(records[trial], "title", "conditions")}
        )
        for trial in {row["record"] for row in rows} & records.keys()
    }
    return [_describe_outcome(row, about.get(row["record"], ())) for row in rows]


def _describe_outcome(row: Row, about: Sequence[str]) -> Features:
    parts = ("measure", "description", "time_frame")
    measure, *others = (read_section("outcomes", row[part] or "").whole for part in parts)
    description, time_frame = (part if part.end else None for part in others)
    outcome = OutcomeParts(measure, measure, description, time_frame, rank=Rank(row["rank"]))
    return describe_outcome(outcome, about)


def format_groups(name: str, rows: Sequence[Row], right: Array, confidence: Array, seen: Array) -> str:
    """A table of all items, of each group, and of each area that has enough of them.

    ``right`` and ``confidence`` are of scorers that have not seen the item, ``seen`` is whether one is right that has.
    """
    trials = np.array([row.get("record") or row["time_frame"].lower() for row in rows])  # a text stands for a trial
    groups, areas = np.array([group_of(row) for row in rows]), np.array([row["area"] for row in rows])
    parts = {"all": np.ones(len(rows), bool)} | {group: groups == group for group in sorted(set(groups))}
    common = sorted(area for area, items in Counter(areas).items() if items >= _LEAST and area not in parts)
    parts |= {area: areas == area for area in common}
    table = []
    for part, kept in parts.items():
        hits, sure = right[kept], confidence[kept] >= CERTAIN
        low, high = _draw_interval(hits, trials[kept])
        among = float(hits[sure].mean()) if sure.any() else None
        shares = (float(hits.mean()), f"{low:.3f}-{high:.3f}", float(sure.mean()), among)
        table.append((f"  {part}", len(hits), *shares, float(seen[kept].mean())))
    return format_table((name, "items", "right", "95 % interval", "certain", "right", "seen"), table)


def _draw_interval(hits: Array, trials: Array) -> tuple[float, float]:
    """The middle 95 % of the share when as many trials are drawn with replacement."""
    names, places = np.unique(trials, return_inverse=True)
    items, right = np.bincount(places), np.bincount(places, weights=hits)
    drawn = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    low, high = np.quantile(right[drawn].sum(axis=1) / items[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
