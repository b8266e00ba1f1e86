"""Where quotes stand in the passages of a record."""

from collections.abc import Mapping

from extractor.parse.parsed import ParsedRecord, Span
from extractor.parse.passage import Passage

from .quotes import locate_quote

__all__ = ["find_parts", "find_quote", "find_quotes", "passage_at", "passages"]


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


def find_quotes(passage: Passage, quote: str) -> list[Span]:
    """The raw spans of every place of a quote within the passage, left to right."""
    places = _find_all(passage, quote, passage.start)
    return [passage.span(start - passage.start, end - passage.start) for start, end in places]


def find_parts(passage: Passage, parts: Mapping[str, str | None]) -> dict[str, Span | None]:
    """The raw spans of an outcome's parts, each behind the one before: the same words may stand in several.

    The time frame is the last part, so its last occurrence counts.
    """
    spans: dict[str, Span | None] = {}
    position = passage.start
    for name, quote in parts.items():
        places = _find_all(passage, quote, position) if quote else []
        place = (places[-1] if name == "time_frame" else places[0]) if places else None
        spans[name] = passage.span(place[0] - passage.start, place[1] - passage.start) if place else None
        position = place[1] if place else position
    return spans


def _find_all(passage: Passage, quote: str, position: int) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    while found := locate_quote(quote, passage.cleaned, places[-1][1] if places else position, passage.end):
        places.append(found)
    return places
