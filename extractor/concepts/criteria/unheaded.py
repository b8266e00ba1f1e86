"""Report a doubt about a text without headings, which is read as a description but may be a list of
criteria.
"""

from collections.abc import Mapping, Sequence

from extractor.concepts.criteria.prose import list_sentences
from extractor.evidence.drafts import Draft, Span, StructureDoubt
from extractor.language.passage import LexedSection

UNHEADED = "the text has no heading"
"""The beginning of the finding about a text without headings."""
_REMEDY = (
    'if it is a list of criteria, write "Inclusion criteria:" above it, or say that its section is '
    "eligibility"
)
_DESCRIPTION = "detailed_description"
_DESCRIBING = frozenset({"title", _DESCRIPTION})
"""The sections of a text that does not contain headings."""


def doubt_unheaded(
    sections: Mapping[str, LexedSection],
    criteria: Sequence[Draft],
    *,
    has_doses: bool,
) -> tuple[StructureDoubt, ...]:
    """Return a doubt about the whole text if it does not contain headings but does contain a
    sentence that was not read as a criterion; otherwise, return an empty tuple. ``criteria``
    contains the criteria that were read. ``has_doses`` means that the text states doses; if such a
    text does not contain any criteria, it is treated as a description of treatments.

    >>> from extractor.language.passage import read_section
    >>> text = read_section("detailed_description", "Age 18 years or older")
    >>> [doubt] = doubt_unheaded({"detailed_description": text}, (), has_doses=False)
    >>> doubt.span
    Span(section='detailed_description', start=0, end=21)
    """
    if _DESCRIPTION not in sections or not sections.keys() <= _DESCRIBING:
        return ()
    described = sections[_DESCRIPTION]
    stated = [
        criterion.span for criterion in criteria if criterion.rules["stands"].value
    ]
    unread = [
        sentence
        for sentence in list_sentences(described.whole)
        if not any(map(Span(_DESCRIPTION, *sentence.raw_span).overlaps, stated))
    ]
    if not unread or (has_doses and not stated):
        return ()
    reason = f"{UNHEADED}, and was read as a description; {_REMEDY}"
    return (StructureDoubt(Span(_DESCRIPTION, 0, len(described.raw)), reason),)
