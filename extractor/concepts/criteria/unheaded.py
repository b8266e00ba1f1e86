"""Read criteria in the sentences of descriptions, and report a doubt about a text without headings,
which is read as a description but may be a list of criteria.
"""

from collections.abc import Iterator, Sequence

from extractor.concepts.criteria.lists import CriterionEntry
from extractor.evidence.drafts import Span, StructureDoubt
from extractor.evidence.items import CriterionDraft
from extractor.language.book import rule
from extractor.language.passage import LexedSections, Passage, split_sentences
from extractor.outline.roles import read_roles
from extractor.schemas import CriterionKind


def list_sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage, or nothing if the passage is empty."""
    if passage.first == passage.end:
        return
    tokens = passage.tokens
    start, end = passage.clean_span
    for first, stop in split_sentences(tokens.text[start:end]):
        part = passage.part(tokens.at(start + first), tokens.before(start + stop))
        if part.end > part.first:
            yield part


def find_suspects(descriptions: Sequence[Passage]) -> Iterator[CriterionEntry]:
    """Yield those sentences of the descriptions that are or may be criteria, in order. A sentence
    that is repeated, as in a summary and a detailed description, is yielded once.
    """
    seen: set[str] = set()
    for description in descriptions:
        for sentence in list_sentences(description):
            # on its own, so that no rule matches words of a neighbouring sentence
            entry = _read_sentence(sentence.alone())
            if entry is None or entry.passage.text in seen:
                continue
            seen.add(entry.passage.text)
            yield entry


_STATING = ("stating sentence", "stating sentence of the trial's course")
_SUSPECT = ("suspect sentence", "suspect sentence of the trial's course")
"""The features of a sentence, and of one about the course of the trial."""


def _read_sentence(sentence: Passage) -> CriterionEntry | None:
    """Read a sentence as a criterion; return None if its words do not suggest one. An entry that is
    only suspected is not a criterion (``is_criterion`` is False). Words about the course of the
    trial ("will be randomised to ...") lower the confidence.
    """
    tokens = sentence.tokens
    states_criterion = rule("states_criterion").occurs(tokens)
    if not states_criterion and not rule("suspects_criterion").occurs(tokens):
        return None
    case, case_of_course = _SUSPECT
    if states_criterion:
        case, case_of_course = _STATING
    # "Patients will be randomised to ..."
    if rule("trial_course").occurs(tokens):
        case = case_of_course
    kind = CriterionKind.INCLUSION
    if rule("refusal").occurs(tokens):
        kind = CriterionKind.EXCLUSION
    return CriterionEntry(
        sentence, kind, is_criterion=states_criterion, listed=False, case=case
    )


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
    sections: LexedSections,
    criteria: Sequence[CriterionDraft],
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
    # labels such as "METHODS:" are the headings of an abstract
    if any(sentence.label for sentence in read_roles(described.whole)):
        return ()
    stated = [criterion.span for criterion in criteria if criterion.rules.stands.value]
    # a text about doses describes the treatment
    if has_doses and not stated:
        return ()
    reason = f"{UNHEADED}, and was read as a description; {_REMEDY}"
    doubt = StructureDoubt(Span(_DESCRIPTION, 0, len(described.raw)), reason)
    for sentence in list_sentences(described.whole):
        place = Span(_DESCRIPTION, *sentence.raw_span)
        if not any(map(place.overlaps, stated)):
            return (doubt,)
    return ()
