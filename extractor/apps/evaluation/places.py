"""Find an item's location in its record, its words and its text."""

from typing import Any

from extractor.schemas import Endpoint, FieldRef, TrialRecord


def name_home(item: Any) -> Any:
    """Return an item's location: its section or, for an endpoint, its outcome's section, such as
    ``primary_outcomes[0]``. Ages and sex have no location.
    """
    if isinstance(item, Endpoint):
        return f"{item.rank}_outcomes[{item.index}]"
    return getattr(item, "section", None)


def find_words(item: Any) -> str | None:
    """Return an item's words: its quote, or an outcome's measure."""
    return getattr(item, "quote", None) or getattr(item, "measure", None)


def find_section(record: TrialRecord, place: str | None) -> str | None:
    """Return the section that contains the text of a location; None if the record has none. Flat
    formats keep all arms, and all outcomes of a rank, in one section.

    >>> from extractor.schemas import Section, Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(
    ...     record_id="A", source=Source(path="a", format="flat"), sections=(cell,)
    ... )
    >>> find_section(record, "arms[1]"), find_section(record, "title")
    ('arms', None)
    """
    names = (place, FieldRef(place or "").path)
    known = (name for name in names if name and record.raw_text(name) is not None)
    return next(known, None)
