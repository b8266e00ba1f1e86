"""Weights of the learned scorers: makes the files ``extractor/rulebook/weights/*.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR [--leave-out FOLD]] [--only NAME...]

Prints how often each scorer is right on trials that it has not seen (five folds), how many answers are certain and
how often these are right, and how often it is right on what it has learned; by group of areas, and by area.
With ``--out`` fits on all labels and writes the files; with ``--leave-out`` on all but those of one fold of the trials,
so that it can be counted on that fold whom to believe, these scorers or a model. No trial of the gold is learned from.
Needs the extra `train`. The same labels and records give the same files.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.data import FOLDS, Row, fold_of, format_table, option_parser
from benchmarks.training.fitting import Plan, WordVectors, fit, hold_out, make_vectors, read_sentences, store_scorer
from benchmarks.training.labelled import OTHERS, TrainingRows, group_of, read_training_records, read_training_rows
from extractor.parse.eligibility.category import CriterionLine, describe_lines, target_words
from extractor.parse.eligibility.outline import Role, read_outline
from extractor.parse.endpoints import OutcomeWords, describe_outcome, trial_words
from extractor.parse.endpoints.times import describe_kind, guess_kind, read_time_frame
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
_SPANS = ("From {} days to 2 years", "From week {} to week 52", "From month {} to month 24 after surgery")
"""What the guideline says outright, and the labels have too seldom: both ends of a span are points of time."""


@dataclass(frozen=True)
class _Task:
    """What one scorer learns from: the features of labelled items, each with its row."""

    plan: Plan
    items: Sequence[Features]
    labels: Sequence[str]
    rows: Sequence[Row]
    vectors: WordVectors

    @cached_property
    def counts(self) -> list[float]:
        return [self.plan.others if group_of(row) == OTHERS else 1.0 for row in self.rows]

    def hold_out(self) -> tuple[tuple[str, ...], Array]:
        folds = [row["fold"] for row in self.rows]
        return hold_out(self.plan, self.items, self.labels, folds, self.vectors, self.counts)

    def fit(self, left_out: int | None) -> Scorer:
        """Fit on all rows, or on those of trials that neither their file nor ``fold_of`` puts into one fold."""
        kept = [at for at, row in enumerate(self.rows) if left_out not in (row["fold"], fold_of(_trial(row)))]
        items, labels = [self.items[at] for at in kept], [self.labels[at] for at in kept]
        return fit(self.plan, items, labels, self.vectors, [self.counts[at] for at in kept])


def _trial(row: Row) -> str:
    """Labelled time frames name no trial: the text stands for it."""
    trial: str = row.get("record") or row["time_frame"].lower()
    return trial


def main() -> None:
    """Print held-out figures; write the files if asked to."""
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the weights")
    parser.add_argument("--leave-out", type=int, choices=range(FOLDS), metavar="FOLD", help="fit without this fold")
    names = [plan.name for plan in (CRITERIA, CONCEPTS, CATEGORIES, TIME_KINDS)]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help="only these scorers")
    chosen = parser.parse_args()
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    vectors = make_vectors(read_sentences(records.values()))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
    if CRITERIA.name in chosen.only:
        _train_criteria(rows, records, vectors, chosen)
    for task, name in _list_tasks(rows, records, vectors, chosen.only):
        classes, chances = task.hold_out()
        fitted = task.fit(chosen.leave_out)
        seen = np.array(fitted.classes)[fitted.predict(task.items).argmax(axis=1)] == np.array(task.labels)
        right = np.array(classes)[chances.argmax(axis=1)] == np.array(task.labels)
        _report(name, task, np.ones(len(right), bool), right, chances.max(axis=1), seen)
        _store(fitted, chosen, task.plan)


def _list_tasks(
    rows: TrainingRows, records: dict[str, TrialRecord], vectors: WordVectors, names: Sequence[str]
) -> Iterable[tuple[_Task, str]]:
    outcomes = [(CONCEPTS, "concept"), (CATEGORIES, "category")]
    if any(plan.name in names for plan, _ in outcomes):
        items = describe_outcomes(rows.outcomes, records)
        for plan, label in outcomes:
            if plan.name in names:
                labels = [row[label] for row in rows.outcomes]
                yield _Task(plan, items, labels, rows.outcomes, vectors), f"outcome {label}"
    if TIME_KINDS.name in names:
        taught = [
            {"time_frame": text.format(day), "time_kind": TimeKind.FROM_TO, "area": OTHERS, "fold": FOLDS}
            for text in _SPANS
            for day in range(3, 15)
        ]
        frames = [*rows.time_frames, *taught]
        items = [describe_time_frame(row["time_frame"]) for row in frames]
        yield _Task(TIME_KINDS, items, [str(row["time_kind"]) for row in frames], frames, vectors), "kind of time frame"


def _train_criteria(
    rows: TrainingRows, records: dict[str, TrialRecord], vectors: WordVectors, chosen: argparse.Namespace
) -> None:
    """The category of a criterion; and whether a line is one, judged on lines that the package takes for such."""
    lines = find_lines(rows.criteria, records)
    found = [line.row for line in lines]
    task = _Task(CRITERIA, [line.features for line in lines], [row["category"] for row in found], found, vectors)
    fitted = task.fit(chosen.leave_out)
    is_none = np.array([label == _NO_CRITERION for label in task.labels])
    stated, right, refused = _judge_lines(task, *task.hold_out())
    _, seen, seen_refused = _judge_lines(task, fitted.classes, fitted.predict(task.items))
    _report("criterion category", task, ~is_none, right, stated, seen)
    split, certain = np.array([line.split for line in lines]), np.maximum(refused, 1 - refused)
    judged = (is_none == (doubts > _EVEN) for doubts in (refused, seen_refused))
    _report("line is a criterion", task, split, next(judged), certain, next(judged))
    _store(fitted, chosen, CRITERIA)


def _judge_lines(task: _Task, classes: Sequence[str], chances: Array) -> tuple[Array, Array, Array]:
    """Of each line how probable its likeliest category is and whether it is right; and how probable it is that it is
    no criterion.
    """
    none = classes.index(_NO_CRITERION)
    refused = chances[:, none].copy()
    kept = chances.copy()
    kept[:, none] = 0
    kept /= kept.sum(axis=1, keepdims=True)
    return kept.max(axis=1), np.array(classes)[kept.argmax(axis=1)] == np.array(task.labels), refused


def _report(name: str, task: _Task, kept: Array, right: Array, confidence: Array, seen: Array) -> None:
    rows = [row for row, keep in zip(task.rows, kept, strict=True) if keep]
    trials, groups, areas = (list(map(of, rows)) for of in (_trial, group_of, lambda row: row["area"]))
    print(format_groups(name, Judgement(right[kept], confidence[kept], seen[kept], trials, groups, areas)), flush=True)


def _store(fitted: Scorer, chosen: argparse.Namespace, plan: Plan) -> None:
    if chosen.out:
        store_scorer(fitted, chosen.out / f"{plan.name}.npz")


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
        entries = list(_read_lines(record)) if record else []
        self._lines = [line for line, _ in entries]
        self._roles = [role for _, role in entries]
        self._features = describe_lines(self._lines, self._target)
        self._keys = [_key(line.passage.text) for line in self._lines]

    def find(self, row: Row) -> LabelledLine:
        alone, kind = read_section("eligibility", row["text"]).whole, CriterionKind(row["list"])
        same = [at for at, other in enumerate(self._keys) if other == _key(alone.text)]
        if places := [at for at in same if self._lines[at].kind is kind]:
            return LabelledLine(self._features[places[0]], row, self._roles[places[0]] is Role.CRITERION)
        lead_in = read_section("eligibility", row["lead_in"]).whole if row.get("lead_in") else None
        line = CriterionLine(alone, kind, parent=lead_in)
        return LabelledLine(describe_lines([line, *self._lines], self._target)[0], row, split=False)


def _read_lines(record: TrialRecord) -> Iterator[tuple[CriterionLine, Role]]:
    section = record.section("eligibility")
    if not section:
        return
    read = read_section("eligibility", section.text)
    for entry in read_outline(read):
        if entry.role is not Role.REMARK:
            intros = (read.between(*span) if span else None for span in (entry.heading, entry.parent))
            line = CriterionLine(read.between(entry.start, entry.end), entry.kind or CriterionKind.INCLUSION, *intros)
            yield line, entry.role


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
    return describe_outcome(OutcomeWords(measure, description, time_frame, Rank(row["rank"]), about))


def describe_time_frame(text: str) -> Features:
    """The features of a time frame."""
    frame = read_time_frame(read_section("outcomes", text).tokens)
    return describe_kind(frame, guess_kind(frame))


_DRAWS = 400
_LEAST = 50
"""How many items an area must have to be shown."""


@dataclass(frozen=True)
class Judgement:
    """Which items were answered rightly and how surely by scorers that had not seen them (``right``,
    ``confidence``), which rightly by one that had (``seen``), and of which trial, group and area each is.
    """

    right: Array
    confidence: Array
    seen: Array
    trials: Sequence[str]
    groups: Sequence[str]
    areas: Sequence[str]

    def parts(self) -> Iterator[tuple[str, Array]]:
        """All items, then those of each group, then of each area that has enough."""
        yield "all", np.ones(len(self.right), bool)
        for group in sorted(set(self.groups)):
            yield group, np.array(self.groups) == group
        for area, items in sorted(Counter(self.areas).items()):
            if items >= _LEAST and area not in self.groups:
                yield area, np.array(self.areas) == area


def format_groups(name: str, judged: Judgement) -> str:
    """A table: share of right answers, its 95 % interval when trials are drawn anew, how the certain ones do, and the
    share of right answers on seen items.
    """
    rows = []
    for part, kept in judged.parts():
        right, sure = judged.right[kept], judged.confidence[kept] >= CERTAIN
        low, high = _interval(right, np.array(judged.trials)[kept])
        among = float(right[sure].mean()) if sure.any() else None
        shares = (float(right.mean()), f"{low:.3f}-{high:.3f}", float(sure.mean()), among)
        rows.append((f"  {part}", len(right), *shares, float(judged.seen[kept].mean())))
    return format_table((name, "items", "right", "95 % interval", "certain", "right", "seen"), rows)


def _interval(right: Array, trials: Array) -> tuple[float, float]:
    """The middle 95 % of the share when as many trials are drawn with replacement."""
    names, places = np.unique(trials, return_inverse=True)
    items = np.bincount(places)
    hits = np.bincount(places, weights=right)
    drawn = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    shares = hits[drawn].sum(axis=1) / items[drawn].sum(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
