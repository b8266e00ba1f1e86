"""Passages of a record, and where quotes stand in them."""

from collections.abc import Mapping

from extractor.parse.parsed import Span
from extractor.text.clean import CleanText
from extractor.text.lexer import Tokens
from extractor.text.passage import Passage, Section

from .quotes import locate_quote

__all__ = [
    "clean_span",
    "cut_lines",
    "find_parts",
    "find_quote",
    "find_quotes",
    "passage_at",
    "read_tokens",
    "span_of",
    "whole",
]


def passage_at(sections: Mapping[str, Section], span: Span) -> Passage:
    """The passage that a raw span covers. Raises ``KeyError`` if there is no such section."""
    return sections[span.section].between(span.start, span.end)


def whole(passage: Passage) -> Span:
    """The raw span of a passage."""
    return Span(passage.section.name, *passage.raw_span)


def read_tokens(passage: Passage) -> Tokens:
    """The tokens of a passage in one line, and none around them."""
    return passage.tokens.cut(passage.first, passage.end)


def span_of(passage: Passage, tokens: Tokens, first: int, end: int) -> Span:
    """The raw span of some tokens that were read from a passage."""
    return Span(passage.section.name, *passage.section.cleaned.raw_span(tokens.starts[first], tokens.ends[end - 1]))


def clean_span(passage: Passage) -> tuple[int, int]:
    """The offsets of a passage in the cleaned text of its section."""
    tokens = passage.tokens
    return (tokens.starts[passage.first], tokens.ends[passage.end - 1]) if passage.end > passage.first else (0, 0)


def find_quote(passage: Passage, quote: str) -> Span | None:
    """The raw span of a quote within the passage, or None."""
    return next(iter(_find_all(passage, quote, clean_span(passage)[0], most=1)), None)


def find_quotes(passage: Passage, quote: str) -> list[Span]:
    """The raw spans of every place of a quote within the passage, left to right."""
    return _find_all(passage, quote, clean_span(passage)[0])


def find_parts(passage: Passage, parts: Mapping[str, str | None]) -> dict[str, Span | None]:
    """The raw spans of an outcome's parts, each behind the one before: the same words may stand in several.

    The time frame is the last part, so its last occurrence counts.
    """
    spans: dict[str, Span | None] = {}
    position = clean_span(passage)[0]
    for name, quote in parts.items():
        places = _find_all(passage, quote, position) if quote else []
        spans[name] = (places[-1] if name == "time_frame" else places[0]) if places else None
        if found := spans[name]:
            position = passage.section.cleaned.clean_position(found.end)
    return spans


def _find_all(passage: Passage, quote: str, position: int, most: int | None = None) -> list[Span]:
    spans: list[Span] = []
    lines, begin = cut_lines(passage)
    end = clean_span(passage)[1] - begin
    while len(spans) != most and (found := locate_quote(quote, lines, position - begin, end)):
        spans.append(Span(passage.section.name, *passage.section.cleaned.raw_span(found[0] + begin, found[1] + begin)))
        position = found[1] + begin
    return spans


def cut_lines(passage: Passage) -> tuple[CleanText, int]:
    """The lines in which a passage stands, as a text of their own, and where they begin in the section's cleaned text.

    A line is folded for all that is looked for in it; its section would be folded for each of them.
    """
    (start, end), text = clean_span(passage), passage.tokens.text
    begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return CleanText(text[begin : stop if stop >= 0 else len(text)]), begin
