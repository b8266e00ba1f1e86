"""List the passages of a record in which a model should look for regimens: those that may state
what participants receive. Arms and interventions come first, since all arms together show which
treatments are compared; running text follows.
"""

import re
from collections.abc import Iterator

from extractor.evidence.drafts import Chunk, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.clean import clean_text
from extractor.schemas import Section

GROUPS = ("arms", "interventions")
"""Sections whose text begins with the name of an arm or intervention."""
_PROSE = ("title", "official_title", "brief_summary", "detailed_description")
_SENTENCE_END = re.compile(r"[.;!?]\s|\n\s*(?=\n|[-*•]|\d+[.)])")
_LONGEST = 1200
"""Maximum number of characters in a passage."""
_MOST = 40_000
"""Once the passages contain this many characters in total, no further passage is added."""
_BODY = 40
"""Minimum length, in characters, of a repeated text that is shown only once."""


def list_dose_passages(
    parsed: ParsedRecord, free_numbers: Iterator[int]
) -> tuple[Chunk, ...]:
    """Split a record into passages at sentence ends, up to 40,000 characters in total. Repeated
    text is shown only once. Arms and interventions come first, followed by titles and summaries;
    other sections are omitted. ``free_numbers`` supplies unused chunk numbers.
    """
    sections = parsed.record.sections
    groups = [section for section in sections if section.name.startswith(GROUPS)]
    prose = [section for section in sections if section.name in _PROSE]
    passages: list[Chunk] = []
    listed = ""
    for section in (*groups, *prose):
        for span in _cut(section):
            text = clean_text(parsed.raw(span)).text
            if not text:
                continue
            if len(listed) >= _MOST:
                continue
            if len(text) >= _BODY and _contains(listed, text):
                continue
            listed += f"\n{_fold(text)}"
            passages.append(Chunk(next(free_numbers), span, text))
    return tuple(passages)


def _cut(section: Section) -> Iterator[Span]:
    """Split a section into pieces of whole sentences, without surrounding spaces, each no longer
    than a passage. A sentence that is longer than a passage is split.
    """
    text = section.text
    start = 0
    ends = [*(stop.end() for stop in _SENTENCE_END.finditer(text)), len(text)]
    while start < len(text):
        longest = start + _LONGEST
        within = (end for end in ends if start < end <= longest)
        end = max(within, default=longest)
        piece = text[start:end]
        first = end - len(piece.lstrip())
        last = start + len(piece.rstrip())
        yield Span(section.name, first, last)
        start = end


def _contains(listed: str, text: str) -> bool:
    """Return whether a text occurs anywhere other than at the end of a longer word: "50 mg" does
    not count as occurring in "750 mg".
    """
    return re.search(rf"(?<!\w){re.escape(_fold(text))}", listed) is not None


def _fold(text: str) -> str:
    """Return a case-folded text without repeated spaces."""
    return " ".join(text.casefold().split())
