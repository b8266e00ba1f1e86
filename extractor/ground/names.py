"""Find instruments, quantities and agents in a text by any of their names."""

import re
from collections.abc import Iterator
from itertools import chain

from extractor.parse.drafts import Span
from extractor.schemas import Instrument, Support
from extractor.text.aliases import find_entry, find_instrument, list_names, split_version
from extractor.text.book import Entry, find_terms
from extractor.text.passage import Passage

from .places import Supported, cut, find_quote, find_quotes, span_of

_VERSION_REACH = 60  # the greatest distance between an instrument's name and its version, in characters
_SHORTEST_NAME = 3
"""The least characters of an abbreviation that stands for a full name: "LV" has too many meanings."""


def find_named_instrument(value: Instrument, passage: Passage) -> Supported | None:
    """An instrument by any of its names, with its version directly after it, as in "RECIST1.1"."""
    for mark in ("", "v") if value.version else ():  # "RECIST1.1", "SF-36v2"
        if together := find_quote(passage, f"{value.name}{mark}{value.version}"):
            return Supported(value, together, Support.LITERAL)
    name, version = split_version(value.name)
    if version and value.version in (None, version):
        value = Instrument(name=name, version=version)
    for span, support in list_mentions(value.name, passage):
        near = passage.section.between(span.end, min(passage.raw_span[1], span.end + _VERSION_REACH))
        marks = (mark + (value.version or "") for mark in ("", "v", "v.", "version"))
        if value.version is None or any(find_quote(near, mark) for mark in marks):
            return Supported(value, span, support)
    return None


def list_mentions(instrument: str, passage: Passage) -> Iterator[tuple[Span, Support]]:
    """The places of an instrument's name in the passage, those as written first, then those of its other names."""
    for span in find_quotes(passage, instrument):
        yield span, Support.LITERAL
    if entry := find_instrument(instrument):
        tokens = cut(passage)
        terms = (term for term in find_terms(tokens, "instruments") if term.value == entry.value)
        spans = (span_of(passage, tokens, term.first, term.end) for term in terms)
        yield from ((span, Support.PARSED) for span in chain(spans, find_names(entry, passage)))


def find_agent(agent: str, passage: Passage) -> Supported | None:
    """Another name of an agent in the passage, as the passage writes it: "MTX" for "methotrexate"."""
    entry = find_entry(agent, "agent_abbreviations")
    span = next(find_names(entry, passage), None) if entry else None
    return Supported(passage.section.raw[span.start : span.end], span, Support.LITERAL) if span else None


def find_names(entry: Entry, passage: Passage) -> Iterator[Span]:
    """The places of an entry's names. An abbreviation counts only in its own case, and if no letter is added to it."""
    first, end = passage.raw_span
    for name in list_names(entry):
        if " " in name or not any(map(str.isupper, name[1:])):
            yield from find_quotes(passage, name)
        elif len(name) >= _SHORTEST_NAME:
            written = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
            found = written.finditer(passage.section.raw, first, end)
            yield from (Span(passage.section.name, *each.span()) for each in found)
