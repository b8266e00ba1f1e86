"""Find an item's location in its record, and the section that contains its text."""

from extractor.schemas import Endpoint, FieldRef, TrialRecord


def name_home(item: object) -> str | None:
    """Return the location of an item: its section or, for an endpoint, the section of its outcome,
    such as ``primary_outcomes[0]``. Ages and sex do not have a location.
    """
    if isinstance(item, Endpoint):
        return f"{item.rank}_outcomes[{item.index}]"
    return getattr(item, "section", None)


def find_section(record: TrialRecord, place: str | None) -> str | None:
    """Return the section that contains the text of a location, or None if the record has no such
    section. In flat formats, one section contains all arms, or all outcomes of a rank.

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
