"""Display an extraction or a run in a notebook, without scripts or network access."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from extractor.apps.pages import read_assets, render_template
from extractor.apps.pages.view import is_free_text, name_record, view
from extractor.apps.values import list_all_rows
from extractor.errors import ArgumentError
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord
from extractor.schemas.base import JsonObject
from extractor.schemas.values import find_misplaced, list_absences

_SHOWN = 20
"""Maximum number of records, and maximum number of failures, that a notebook shows for a run."""


@dataclass(frozen=True, slots=True, repr=False)
class ShownExtraction:
    """The result of ``show``, which notebooks can display."""

    extraction: TrialExtraction
    record: TrialRecord | None = None

    def __repr__(self) -> str:
        return f"<ShownExtraction of {self.extraction.record_id}>"

    def _repr_html_(self) -> str:
        """Return the values with their quotes, the findings and, if there is a record, its title
        and its sections with the evidence marked.
        """
        extraction = self.extraction
        record = self.record
        shown = view(record, extraction.list_items(), as_given=is_free_text(record))
        title = ""
        sections: Sequence[object] = ()
        if record:
            title = name_record(record)
            sections = list(_mark_evidence(shown))
        card = {
            "id": extraction.record_id,
            "title": title,
            "sections": sections,
            "items": shown["items"],
            "quotes": {row.path: row.quote for row in list_all_rows(extraction)},
            "findings": [finding.message for finding in extraction.findings],
            "absences": Counter(
                str(absence.reason) for absence in list_absences(extraction)
            ),
            "style": read_assets("extractor.apps.pages", "card.css"),
        }
        return render_template("card.html", card)


def show(
    extraction: TrialExtraction, record: TrialRecord | None = None
) -> ShownExtraction:
    """Return an object that notebooks display as values, quotes and, with ``record``, the text with
    the evidence marked.

    Args:
        extraction: The extraction to display.
        record: The record from which it was extracted. An extraction does not contain the text.

    Raises:
        ArgumentError: ``record`` is not the extraction's record, or its text has changed.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> shown = show(Extractor().extract(record), record)
    >>> shown, "<mark" in shown._repr_html_()
    (<ShownExtraction of 000_071fc1b3f362aea9>, True)
    """
    if record is None:
        return ShownExtraction(extraction)
    if record.record_id != extraction.record_id:
        raise ArgumentError(
            f"the extraction belongs to {extraction.record_id}, the record is {record.record_id}"
        )
    misplaced = find_misplaced(extraction, record)
    if misplaced:
        raise ArgumentError(
            f"the {misplaced.section} of {record.record_id} has changed; extract the record again"
        )
    return ShownExtraction(extraction, record)


def show_results(
    extractions: Sequence[TrialExtraction],
    failures: Sequence[Mapping[str, object]],
    summary: str,
) -> str:
    """Return the display of a run in a notebook: its ``summary``, the number of items in each of
    the first 20 records, and the first 20 failures.
    """
    values = {
        "summary": summary,
        "extractions": extractions[:_SHOWN],
        "left": max(len(extractions) - _SHOWN, 0),
        "failures": [str(failure["message"]) for failure in failures[:_SHOWN]],
        "failures_left": max(len(failures) - _SHOWN, 0),
        "style": read_assets("extractor.apps.pages", "card.css"),
    }
    return render_template("results.html", values)


def _mark_evidence(shown: JsonObject) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield a (title, pieces) pair for each section with evidence. A piece is a (text, task) pair,
    where the task is that of the values that the text supports, or "" if it supports no value.
    """
    task_by_span: dict[int, str] = {}
    for item in shown["items"]:
        # a custom value may belong to another item
        task = FieldRef(item["of"] or item["path"]).names[0]
        for value in item["values"]:
            for span in value["spans"]:
                task_by_span[span] = task
    marked: dict[int, list[_Marked]] = defaultdict(list)
    for span, task in task_by_span.items():
        number, start, end = shown["spans"][span][:3]
        marked[number].append(_Marked(start, end, task))
    for number, section in enumerate(shown["sections"]):
        if number in marked:
            yield section["title"], _cut_pieces(section["text"], marked[number])


class _Marked(NamedTuple):
    """A range of a section that supports a value of a task. Its offsets, as all in a view, count
    UTF-16 code units.
    """

    start: int
    end: int
    task: str


def _cut_pieces(text: str, marked: Sequence[_Marked]) -> list[tuple[str, str]]:
    """Return the pieces of a section, each with the task of the range that it is in, or ""."""
    # each code unit has two bytes
    units = text.encode("utf-16-le", "surrogatepass")
    # a piece ends where a range starts or ends, so it is inside or outside each range
    cuts = {0, len(units) // 2}
    for one in marked:
        cuts |= {one.start, one.end}
    pieces = []
    for start, end in pairwise(sorted(cuts)):
        words = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        task = ""
        for one in marked:
            # ranges rarely overlap; if they do, the first one counts
            if one.start < end and one.end > start:
                task = one.task
                break
        pieces.append((words, task))
    return pieces
