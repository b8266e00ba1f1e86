"""Arms and interventions with labelled doses, read as whole records and scored as an evaluation scores them.

The labels are those of ``labels/dosing.jsonl``, ``labels/all_areas_dosing.jsonl`` and ``benchmarks/gold/labels.jsonl``.
No trial of the gold is among them.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gold.__main__ import LABELS, read_gold
from benchmarks.gold.figures import GROUPS, name_group
from benchmarks.label_files import Row, read_labels, third_of
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation import ScoreReport, evaluate
from extractor.evaluation.standoff import find_changed_sections, from_standoff
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import Part, Section, Source, Task, TimeUnit, TrialExtraction, TrialRecord

__all__ = [
    "PARTS",
    "LabelledDoses",
    "build_record",
    "choose_labelled",
    "format_report",
    "is_held_out",
    "list_errors",
    "read_dose_labels",
    "score_dosing",
]

PARTS = ("development", "held-out", "all")
"""Which trials can be judged."""

_SEEN = ("title", "official_title", "arms[", "interventions[")
"""What the annotators of the doses saw of a record."""
_RECORDS = ("ctgov_v2.jsonl.gz", "ctgov_xml")

_ARM = re.compile(r"(?P<label>[^\n]*) \((?P<type>[A-Za-z_ ]*)\)(?:\n(?P<description>.+))?\Z", re.DOTALL)
_INTERVENTION = re.compile(r"(?P<type>[A-Za-z_ ]+): (?P<name>[^\n]*)(?:\n(?P<description>.+))?", re.DOTALL)
_FIELDS = (
    *("regimens", "agent", "quote", "section", "role", "amounts"),
    *("route", "frequency", "cycle", "duration", "timing"),
)


def is_held_out(trial: str) -> bool:
    """Whether a trial belongs to the third on which nothing is developed, the same on every machine.

    >>> is_held_out("NCT00000001") == is_held_out("NCT00000001")
    True
    """
    return third_of(trial) == 0


@dataclass(frozen=True, slots=True)
class LabelledDoses:
    """The titles, arms and interventions of a trial, its labelled regimens, and its group of areas."""

    record: TrialRecord
    doses: list[Row]
    group: str

    @property
    def trial(self) -> str:
        """The trial's number, by which it is put into a fold."""
        return self.record.record_id


def choose_labelled(labelled: Sequence[LabelledDoses], part: str) -> list[LabelledDoses]:
    """The trials of one of the ``PARTS``: ``development`` is two thirds of them, ``held-out`` the last third."""
    return [one for one in labelled if part == "all" or is_held_out(one.trial) == (part == "held-out")]


def read_dose_labels(data: Path) -> list[LabelledDoses]:
    """All trials with labelled doses. The labels of this repository need the text that ``data`` holds.

    A trial of the gold is left out, since what is learnt on labels is measured on the gold.
    """
    gold = read_gold()
    return [one for one in (*_read_files(data), *_read_standoff(data)) if one.trial not in gold]


def _read_files(data: Path) -> Iterator[LabelledDoses]:
    """The labels that come with their text."""
    rows = read_labels(data, "dosing")
    titles = _read_titles(data, {row["record"] for row in rows})
    for row in rows:
        yield LabelledDoses(build_record(row, titles.get(row["record"], ())), row["dosing"], GROUPS[0])
    if (data / "labels" / "all_areas_dosing.jsonl").exists():
        areas = _read_areas(data)
        for row in read_labels(data, "all_areas_dosing"):
            record = build_record(row, (Section(name="title", text=row["title"]),))
            doses = [dose | {"duration": _keep_period(dose["duration"])} for dose in row["dosing"]]
            yield LabelledDoses(record, doses, name_group(areas.get(row["record"], "")))


def _keep_period(period: Row | None) -> Row | None:
    """A period whose unit the schema knows; a label counts "sessions"."""
    return period if period and period["unit"] in set(TimeUnit) else None


def _read_standoff(data: Path) -> Iterator[LabelledDoses]:
    """The labels that are kept as places in records of which ``data`` holds the text."""
    lines = {name: line for name, line in read_gold(LABELS).items() if "dosing" in line.get("labelled", ())}
    path = data / "records" / "all_areas_more.jsonl.gz"
    for record in read_records(path) if path.exists() else ():
        line = lines.get(record.record_id)
        if line and not find_changed_sections(line, record):
            seen = tuple(section for section in record.sections if section.name.startswith(_SEEN))
            doses = from_standoff(line, record)["dosing"]
            yield LabelledDoses(record.model_copy(update={"sections": seen}), doses, name_group(line["area"]))


def _read_titles(data: Path, trials: Collection[str]) -> dict[str, tuple[Section, ...]]:
    """The titles of trials, from the records that the folder holds."""
    records = (
        record for name in _RECORDS if (path := data / "records" / name).exists() for record in read_records(path)
    )
    return {
        record.record_id: tuple(section for section in record.sections if section.name in _SEEN[:2])
        for record in records
        if record.record_id in trials
    }


def _read_areas(data: Path) -> dict[str, str]:
    path = data / "records" / "all_areas_more.tsv"
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    return {row[0]: row[2] for row in rows}


def build_record(row: Row, titles: tuple[Section, ...] = ()) -> TrialRecord:
    r"""The labelled sections as a record, behind ``titles``.

    An arm has a label, a type and a description, an intervention a type and a name.

    >>> record = build_record({"record": "T1", "sections": {"arms[0]": "Arm A (EXPERIMENTAL)\nFictumab 5 mg"}})
    >>> [record.sections[0].part(name) for name in ("label", "type", "description")]
    ['Arm A', 'EXPERIMENTAL', 'Fictumab 5 mg']
    """
    sections = (*titles, *(_read_section(name, text) for name, text in row["sections"].items()))
    return TrialRecord(record_id=row["record"], source=Source(path="labels", format="flat"), sections=sections)


def _read_section(name: str, text: str) -> Section:
    found = (_ARM if name.startswith("arms") else _INTERVENTION).match(text)
    groups = found.re.groupindex if found else ()
    spans = ((group, *found.span(group)) for group in groups if found and found[group])
    parts = tuple(Part(name=group, start=start, end=end) for group, start, end in spans)
    return Section(name=name, text=text, parts=tuple(sorted(parts, key=lambda part: part.start)))


def score_dosing(labelled: Sequence[LabelledDoses], *, examples: int = 0) -> ScoreReport:
    """The evaluation of the rules' dosing against the labels; ``examples`` errors of each kind are kept."""
    gold = [{"record_id": one.trial, "eligibility": {}, "dosing": one.doses} for one in labelled]
    return evaluate(gold, map(_extract, labelled), examples=examples)


def _extract(one: LabelledDoses) -> TrialExtraction:
    return assemble_extraction(parse_record(one.record), ModelResult(), frozenset({Task.DOSING}))


def format_report(report: ScoreReport) -> str:
    """A table: for each field its values, precision, recall, F1 and the interval of F1."""
    lines = [f"{'field':24}{'values':>7}{'P':>8}{'R':>8}{'F1':>8}   95 %"]
    scores = {score.name: score for score in report.fields}
    for name in _FIELDS:
        score = scores[f"dosing.{name}"]
        level = score.normalised
        figures = "".join(f"{_show(figure):>8}" for figure in (level.precision, level.recall, level.f1))
        interval = f"{level.interval.low:.3f} to {level.interval.high:.3f}" if level.interval else ""
        lines.append(f"{score.name:24}{score.stated:>7}{figures}   {interval}")
    return "\n".join(lines)


def list_errors(report: ScoreReport) -> Iterator[str]:
    """Each kept error on a line: kind, row, field, what is labelled, what was read."""
    for errors in report.errors:
        for error in errors.examples:
            if error.field.startswith("dosing"):
                place = error.gold_path or error.predicted_path
                yield f"{error.kind.value}\t{error.record_id}\t{place}\t{error.gold!r}\t{error.predicted!r}"


def _show(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"
