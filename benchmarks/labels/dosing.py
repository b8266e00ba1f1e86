"""Arms and interventions with labelled doses, read as whole records and scored as an evaluation scores them."""

import re
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.label_files import Row, third_of
from extractor.assemble import assemble_extraction
from extractor.assemble.inquiry import Inquiry
from extractor.evaluation import ScoreReport, evaluate
from extractor.parse import parse_record
from extractor.schemas import Part, Section, Source, Task, TrialExtraction, TrialRecord

__all__ = [
    "PARTS",
    "build_record",
    "choose_rows",
    "extract_dosing",
    "format_report",
    "is_held_out",
    "list_errors",
    "score_dosing",
]

PARTS = ("development", "held-out", "all")
"""Which trials can be judged."""

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


def choose_rows(rows: Iterable[Row], part: str) -> list[Row]:
    """The rows of one of the ``PARTS``: ``development`` is two thirds of the trials, ``held-out`` the last third."""
    return [row for row in rows if part == "all" or is_held_out(row["record"]) == (part == "held-out")]


def build_record(row: Row) -> TrialRecord:
    r"""The labelled sections as a record: an arm's label, type and description, an intervention's type and name.

    >>> record = build_record({"id": "d1", "sections": {"arms[0]": "Arm A (EXPERIMENTAL)\nFictumab 5 mg"}})
    >>> [record.sections[0].part(name) for name in ("label", "type", "description")]
    ['Arm A', 'EXPERIMENTAL', 'Fictumab 5 mg']
    """
    sections = tuple(_read_section(name, text) for name, text in row["sections"].items())
    return TrialRecord(record_id=row["id"], source=Source(path="labels", format="flat"), sections=sections)


def _read_section(name: str, text: str) -> Section:
    found = (_ARM if name.startswith("arms") else _INTERVENTION).match(text)
    groups = found.re.groupindex if found else ()
    spans = ((group, *found.span(group)) for group in groups if found and found[group])
    parts = tuple(Part(name=group, start=start, end=end) for group, start, end in spans)
    return Section(name=name, text=text, parts=tuple(sorted(parts, key=lambda part: part.start)))


def extract_dosing(rows: Iterable[Row]) -> Iterator[TrialExtraction]:
    """What the rules alone extract from each row."""
    for row in rows:
        yield assemble_extraction(parse_record(build_record(row)), Inquiry(), frozenset({Task.DOSING}))


def score_dosing(rows: Sequence[Row], *, examples: int = 0) -> ScoreReport:
    """The evaluation of the rules' dosing against the labels; ``examples`` errors of each kind are kept."""
    gold = [{"record_id": row["id"], "eligibility": {}, "dosing": row["dosing"]} for row in rows]
    return evaluate(gold, extract_dosing(rows), examples=examples)


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
