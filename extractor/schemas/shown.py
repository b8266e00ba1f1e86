"""An extraction in a notebook, with the text of its record."""

from dataclasses import dataclass

from .card import render_card
from .extraction import TrialExtraction
from .record import TrialRecord


@dataclass(frozen=True, slots=True, repr=False)
class ShownExtraction:
    """What ``show`` returns. A notebook displays it."""

    extraction: TrialExtraction
    record: TrialRecord | None

    def __repr__(self) -> str:
        return f"<ShownExtraction of {self.extraction.record_id}>"

    def _repr_html_(self) -> str:
        one = self.extraction
        return render_card(one.record_id, one.list_items(), one.findings, one.absences, self.record)


def show(extraction: TrialExtraction, record: TrialRecord | None = None) -> ShownExtraction:
    """Return what a notebook displays as values, quotes and, with ``record``, the text with the evidence marked.

    Args:
        extraction: The extraction to display.
        record: The record that it was extracted from; an extraction does not hold its text.

    Raises:
        ValueError: ``record`` is not the extraction's record, or its text has changed since.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> "<mark" in show(Extractor().extract(record), record)._repr_html_()
    True
    """
    if record and record.record_id != extraction.record_id:
        raise ValueError(f"the extraction is of {extraction.record_id}, the record is {record.record_id}")
    for _, item in extraction.list_items() if record else ():
        for one in item.evidence:
            if record and (record.raw_text(one.section) or "")[one.start : one.end] != one.quote:
                place = f"{one.section}[{one.start}:{one.end}]"
                raise ValueError(f"the text of {record.record_id} has changed at {place}; extract the record again")
    return ShownExtraction(extraction, record)
