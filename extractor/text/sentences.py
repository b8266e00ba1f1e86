"""Sentences of cleaned text, as half-open spans."""

import re

__all__ = ["split_sentences"]

# Full stops that end no sentence: abbreviations, initials, list numbers.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|approx|vs|dr|prof|fig|no|nos|cf|incl|resp|st|inc|ltd|co|max|min|ver|wk|hr|i\.v|s\.c|i\.m|p\.o"
    r"|et al|spp)|\b[A-Za-z]|(?:^|\n)\s*\d{1,2})\.$",
    re.IGNORECASE,
)
# Each run of stops is tried once, from its first one: long rows of dots cost what their length costs.
_END = re.compile(
    r"[.!?\n](?:(?<=[.!?])(?<![.!?]{2})[.!?]*+[\"')\]]*+(?:(?=\s+[\"'(\[]?[A-Z0-9])|(?=\s*$))"
    r"|(?<=\n)(?:[ \t]*\n|(?=\s*(?:[-*•]|\d{1,2}[.)])\s)))"
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences in ``text``, without the white space around them.

    Blank lines and list bullets end a sentence too.

    >>> text = "Response (e.g. CR) by NCCN v. 2.0. Survival at 2.5 years."
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['Response (e.g. CR) by NCCN v. 2.0.', 'Survival at 2.5 years.']
    """
    spans = []
    start = 0
    for end in _END.finditer(text):
        stop = end.end()
        if end[0].startswith(".") and _ABBREVIATION.search(text, max(start, stop - 12), stop):
            continue
        spans.append(_strip(text, start, stop))
        start = stop
    spans.append(_strip(text, start, len(text)))
    return [(first, last) for first, last in spans if first < last]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
