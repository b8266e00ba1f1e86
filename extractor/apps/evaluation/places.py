"""Name the places of a record in which an item can stand: its sections, outcomes, and items of
lists in one cell.
"""

import re
from typing import Any

from extractor.concepts.outcomes.read import place_outcomes
from extractor.evidence.drafts import Span
from extractor.language.passage import read_section
from extractor.schemas import Endpoint, Rank, TrialRecord

_LISTS = ("arms", "interventions")
"""Sections that some formats keep as one cell of items joined by bars."""
_ITEM = re.compile(r"(?:^|(?<=\|))[^|]*")


def name_outcome(rank: Rank | str, index: int) -> str:
    """Return the name of an outcome's place, such as ``primary_outcomes[0]``."""
    return f"{rank}_outcomes[{index}]"


def name_home(item: Any) -> str | None:
    """Return the place of an item: its section, or that of its outcome. Ages and sex have none."""
    if isinstance(item, Endpoint):
        return name_outcome(item.rank, item.index)
    section: str | None = getattr(item, "section", None)
    return section


def find_places(record: TrialRecord) -> dict[str, Span]:
    """Return all places of a record by name: sections, outcomes, and items of a list in one cell.

    >>> from extractor.schemas import Section, Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(
    ...     record_id="A", source=Source(path="a", format="flat"), sections=(cell,)
    ... )
    >>> find_places(record)["arms[1]"]
    Span(section='arms', start=11, end=18)
    """
    spans: dict[str, Span] = {}
    for section in record.sections:
        # Flat formats keep all arms in one cell, with bars between.
        items = _ITEM.finditer(section.text if section.name in _LISTS else "")
        for number, item in enumerate(items):
            spans[f"{section.name}[{number}]"] = Span(section.name, *item.span())
    cells = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
        if "_outcomes" in section.name
    }
    for outcome in place_outcomes(record, cells):
        name = name_outcome(outcome.rank, outcome.index)
        whole = outcome.whole
        spans[name] = Span(whole.section.name, *whole.raw_span)
    # A section that a register keeps for an item, such as arms[0], is the place of that item.
    for section in record.sections:
        spans[section.name] = Span(section.name, 0, len(section.text))
    return spans
