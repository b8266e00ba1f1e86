"""Where quotes and numbers stand in the passages of a record."""

from extractor.parse.parsed import ParsedRecord, Span
from extractor.parse.passage import Passage

from .numerals import find_numbers
from .quotes import locate_quote

__all__ = ["find_number", "find_quote", "passage_at", "passages"]


def passage_at(parsed: ParsedRecord, span: Span) -> Passage:
    """The passage that a raw span covers. Raises ``ValueError`` if the record has no such section."""
    cleaned = parsed.cleaned.get(span.section)
    section = parsed.record.section(span.section)
    if section is None or cleaned is None:
        raise ValueError(f"the record has no section {span.section!r}")
    start, end = cleaned.clean_position(span.start), cleaned.clean_position(span.end)
    return Passage(section.name, section.text, cleaned, start, end)


def passages(parsed: ParsedRecord) -> tuple[Passage, ...]:
    """Every section of the record as a passage, in reading order."""
    return tuple(passage_at(parsed, Span(s.name, 0, len(s.text))) for s in parsed.record.sections)


def find_quote(passage: Passage, quote: str) -> Span | None:
    """The raw span of a quote within the passage, or None."""
    found = locate_quote(quote, passage.cleaned, passage.start, passage.end)
    return passage.span(found[0] - passage.start, found[1] - passage.start) if found else None


def find_number(passage: Passage, value: float, near: Span | None = None) -> Span | None:
    """The raw span of that number, the one nearest to ``near`` where it stands several times, or None."""
    spans = [passage.span(start, end) for number, start, end in find_numbers(passage.text) if number == value]
    anchor = near.end if near else passage.whole.start
    return min(spans, key=lambda span: abs(span.start - anchor), default=None)
