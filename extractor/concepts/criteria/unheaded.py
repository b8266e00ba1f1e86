"""Doubts about a text without any heading: it is read as a description, and may be a list of
criteria.
"""

from collections.abc import Mapping, Sequence

from extractor.concepts.criteria.prose import list_sentences
from extractor.concepts.limits.read import find_limits
from extractor.evidence.drafts import Draft, Span, StructureDoubt
from extractor.language.book import rule
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import CriterionKind

UNHEADED = "the text has no heading"
"""How the finding of such a text begins."""
_REMEDY = (
    'if it is a list of criteria, write "Inclusion criteria:" above it, or say that its section is '
    "eligibility"
)
_DESCRIPTION = "detailed_description"
_ONLY_CRITERIA = frozenset({"title", "eligibility"})
_DESCRIBING = frozenset({"title", _DESCRIPTION})
"""The sections of a text without headings."""


def doubt_unheaded(
    sections: Mapping[str, LexedSection],
    criteria: Sequence[Draft],
    *,
    has_doses: bool,
) -> tuple[StructureDoubt, ...]:
    """Return at most one doubt about a text without any heading.

    A title followed only by exclusions may be the only inclusion. A description without criteria
    and without doses is doubted as a whole; otherwise, the first sentence that reads like a
    criterion but is not one is doubted. An empty tuple means that the text has other sections, or
    nothing is in doubt.

    ``criteria`` are those that were read. ``has_doses`` indicates whether the text states
    doses: it is then a description of treatments that needs no criterion.

    >>> from extractor.language.passage import read_section
    >>> text = read_section("detailed_description", "Age 18 years or older")
    >>> [doubt] = doubt_unheaded({"detailed_description": text}, (), has_doses=False)
    >>> doubt.span
    Span(section='detailed_description', start=0, end=21)
    """
    if sections.keys() == _ONLY_CRITERIA:
        return _doubt_title(sections["title"], criteria)
    if _DESCRIPTION not in sections or not sections.keys() <= _DESCRIBING:
        return ()
    described = sections[_DESCRIPTION]
    stated = [
        criterion.span for criterion in criteria if criterion.rules["stands"].value
    ]
    if not stated and not has_doses:
        reason = (
            f"{UNHEADED}, was read as a description, and has no criterion; {_REMEDY}"
        )
        whole = Span(_DESCRIPTION, 0, len(described.raw))
        return (StructureDoubt(whole, reason),)
    for place in list_sentences(described.whole):
        sentence = place.alone()
        span = Span(_DESCRIPTION, *sentence.raw_span)
        if any(map(span.overlaps, stated)):
            continue
        if not _reads_like_criterion(sentence):
            continue
        reason = f"{UNHEADED}, and these words read like a criterion, too; {_REMEDY}"
        return (StructureDoubt(span, reason),)
    return ()


def _doubt_title(
    title: LexedSection, criteria: Sequence[Draft]
) -> tuple[StructureDoubt, ...]:
    """Return a doubt about the title of a text if all criteria below it are exclusions: the title
    may be the inclusion. Return an empty tuple if there is an inclusion, or no criterion.
    """
    kinds: set[CriterionKind] = set()
    for criterion in criteria:
        if criterion.rules["stands"].value is True:
            kinds.add(criterion.rules["kind"].value)
    if kinds != {CriterionKind.EXCLUSION}:
        return ()
    reason = (
        "this line was read as the title, and no inclusion follows it; if it is an "
        'inclusion, write "Inclusion criteria:" above it'
    )
    return (StructureDoubt(Span("title", 0, len(title.raw)), reason),)


def _reads_like_criterion(sentence: Passage) -> bool:
    """Return whether a sentence states a limit, denies something, or begins as exclusions do."""
    tokens = sentence.tokens
    if find_limits(tokens, None):
        return True
    # as in "No history of stroke"
    if rule("negated_statement").starts(tokens, 0, len(tokens)):
        return True
    # as in "Known hypersensitivity to milk"
    return rule("reads_like_exclusion").starts(tokens, 0) is not None
