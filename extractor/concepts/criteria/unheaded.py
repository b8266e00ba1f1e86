"""Doubts about a text without any heading: it is read as a description, and may be a list of
criteria.
"""

from collections.abc import Mapping, Sequence

from extractor.concepts.criteria.prose import list_sentences
from extractor.concepts.limits.read import find_limits
from extractor.evidence.drafts import Draft, Span, StructureDoubt
from extractor.language.book import rule
from extractor.language.passage import LexedSection, Passage

UNHEADED = "the text has no heading"
"""How the finding of such a text begins."""
_REMEDY = (
    'if it is a list of criteria, write "Inclusion criteria:" above it, or say that its section is '
    "eligibility"
)
_DESCRIPTION = "detailed_description"
_DESCRIBING = frozenset({"title", _DESCRIPTION})
"""The sections of a text without headings."""


def doubt_unheaded(
    sections: Mapping[str, LexedSection],
    criteria: Sequence[Draft],
    *,
    has_doses: bool,
) -> tuple[StructureDoubt, ...]:
    """Return a doubt about a text without headings in which no criterion was found, or not all
    that reads like a criterion.

    ``has_doses`` says whether the text states doses: it then is a description, in which only what
    reads like a criterion is doubted.

    >>> from extractor.language.passage import read_section
    >>> text = read_section("detailed_description", "Age 18 years or older")
    >>> [doubt] = doubt_unheaded({"detailed_description": text}, (), has_doses=False)
    >>> doubt.span
    Span(section='detailed_description', start=0, end=21)
    """
    if _DESCRIPTION not in sections or not sections.keys() <= _DESCRIBING:
        return ()
    described = sections[_DESCRIPTION]
    stated = [one.span for one in criteria if one.rules["stands"].value]
    if not stated and not has_doses:
        reason = (
            f"{UNHEADED}, was read as a description, and has no criterion; {_REMEDY}"
        )
        whole = Span(_DESCRIPTION, 0, len(described.raw))
        return (StructureDoubt(whole, reason),)
    for sentence in list_sentences(described.whole):
        place = Span(_DESCRIPTION, *sentence.raw_span)
        if any(map(place.overlaps, stated)) or not _reads_like_criterion(sentence):
            continue
        reason = f"{UNHEADED}, and these words read like a criterion, too; {_REMEDY}"
        return (StructureDoubt(place, reason),)
    return ()


def _reads_like_criterion(sentence: Passage) -> bool:
    """Return whether a sentence states a limit, or bars somebody."""
    tokens = sentence.tokens
    if find_limits(tokens, None):
        return True
    if rule("negated_statement").starts(tokens, 0, len(tokens)):
        return True
    return rule("reads_like_exclusion").starts(tokens, 0) is not None
