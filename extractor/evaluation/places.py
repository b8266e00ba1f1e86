"""The places of a record that annotations name: sections, registered outcomes, and items of a list in one cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from extractor.parse.outcomes import read_outcomes
from extractor.parse.parsed import Span
from extractor.schemas import Rank, Section, TrialRecord
from extractor.text.clean import CleanText

__all__ = ["Places", "find_places", "name_outcome"]

_LISTS = ("arms", "interventions")
"""Sections that some formats keep as one cell, its items joined by a bar."""


@dataclass(frozen=True, slots=True)
class Places:
    """Raw spans by name, such as "arms[0]", and the registered outcomes in the record's order."""

    spans: Mapping[str, Span]
    outcomes: tuple[tuple[Rank, int], ...]


def name_outcome(rank: Rank, index: int) -> str:
    """The name of an outcome's place: ``primary_outcomes[0]``."""
    return f"{rank}_outcomes[{index}]"


def find_places(record: TrialRecord, cleaned: Mapping[str, CleanText]) -> Places:
    """All places of a record. ``cleaned`` is the text of each section by its name.

    >>> from extractor.text.clean import clean_text
    >>> from extractor.schemas import Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(record_id="A", source=Source(path="a", format="flat"), sections=(cell,))
    >>> find_places(record, {"arms": clean_text(cell.text)}).spans["arms[1]"]
    Span(section='arms', start=11, end=18)
    """
    sections = {section.name: Span(section.name, 0, len(section.text)) for section in record.sections}
    items = {
        f"{section.name}[{number}]": span
        for section in record.sections
        if section.name in _LISTS
        for number, span in enumerate(_cut_cell(section))
    }
    found = read_outcomes(record, cleaned, count(1))
    outcomes = {name_outcome(outcome.rank, outcome.index): outcome.chunk.span for outcome in found}
    return Places({**items, **outcomes, **sections}, tuple((outcome.rank, outcome.index) for outcome in found))


def _cut_cell(section: Section) -> Iterator[Span]:
    start = 0
    for item in section.text.split("|"):
        yield Span(section.name, start, start + len(item))
        start += len(item) + 1
