"""The places of a record that annotations name: sections, registered outcomes, and items of a list in one cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from extractor.parse.endpoints import place_outcomes
from extractor.parse.parsed import Span
from extractor.schemas import Rank, Section, TrialRecord
from extractor.text.passage import read_section

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


def find_places(record: TrialRecord) -> Places:
    """All places of a record.

    >>> from extractor.schemas import Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(record_id="A", source=Source(path="a", format="flat"), sections=(cell,))
    >>> find_places(record).spans["arms[1]"]
    Span(section='arms', start=11, end=18)
    """
    sections = {section.name: Span(section.name, 0, len(section.text)) for section in record.sections}
    items = {
        f"{section.name}[{number}]": span
        for section in record.sections
        if section.name in _LISTS
        for number, span in enumerate(_cut_cell(section))
    }
    cells = {each.name: read_section(each.name, each.text) for each in record.sections if "_outcomes" in each.name}
    found = place_outcomes(record, cells)
    outcomes = {
        name_outcome(one.rank, one.index): Span(one.parts.whole.section.name, *one.parts.whole.raw_span)
        for one in found
    }
    return Places({**items, **outcomes, **sections}, tuple((outcome.rank, outcome.index) for outcome in found))


def _cut_cell(section: Section) -> Iterator[Span]:
    start = 0
    for item in section.text.split("|"):
        yield Span(section.name, start, start + len(item))
        start += len(item) + 1
