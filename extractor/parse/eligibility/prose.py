"""Criteria in running text: sentences of a summary or description that state who may take part."""

import re
from collections.abc import Iterator

from extractor.parse.passage import Passage
from extractor.parse.sentences import split_sentences
from extractor.parse.values import value
from extractor.schemas import CriterionKind

from .alternatives import any_of

__all__ = ["Suspect", "find_suspects", "refuses"]

_PEOPLE = any_of(
    """
    patients? participants? subjects? individuals? volunteers? people persons? children adults? women men candidates?
    cases donors? infants eyes they those
    """
)
_BE = r"(?:will\s+be|are|were|is|be)"
_STATED = re.compile(
    rf"""
      \b{_BE}\s+(?:considered\s+|deemed\s+)?(?:eligible|ineligible|not\s+eligible)\b(?:\s+(?:if|when|for|to)\b|[.,;:])
    | \beligible\s+{_PEOPLE}\b.{{0,30}}\b(?:must|will|have|are|had|were|should)\b
    | \b(?:inclusion|exclusion|eligibility|enrol?lment|entry|selection)\s+criteri(?:a|on)\s+
        (?:are|is|were|was|include[sd]?|will|for|:)
    | \b{_BE}\s+(?:included|enrolled|recruited|excluded|admitted|accepted)\s+
        (?:in\s+the\s+(?:study|trial)\s+)?(?:only\s+)?(?:if|when|provided|unless|who|because)\b
    | \b{_PEOPLE}\b.{{0,60}}\b(?:must|have\s+to|need\s+to|are\s+required\s+to)\s+
        (?:have|be\s+(?!given|treated|taken|stopped|discontinued)|meet|fulfil|fulfill|satisfy)\b
    | \b{_PEOPLE}\b.{{0,80}}\b(?:match(?:ed)?|meet|met|fulfil|fulfilled|satisfy)\b.{{0,25}}
        \b(?:diagnostic|inclusion|eligibility|enrol?lment)\s+criteria\b
    | \b{_PEOPLE}\b.{{0,120}}\b(?:will\s+be|are|were)\s+excluded\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SUSPECTED = re.compile(
    rf"""
      \b{_PEOPLE}\b.{{0,150}}\b(?:will\s+be|are|were|are\s+being|is)\s+
        (?:included|enrolled|recruited|selected|admitted|entered|eligible)\b
    | \b(?:enrol?l(?:s|ed|ing)?|recruit(?:s|ed|ing)?|include[sd]?)\b.{{0,40}}\b{_PEOPLE}\b.{{0,20}}
        \b(?:with|aged|who|between|diagnosed)\b
    | \b{_PEOPLE}\s+(?:with|who|aged)\b.{{0,120}}\b(?:may|can|will)\s+(?:participate|take\s+part|join|enter)\b
    | \b(?:eligib|inclusion|exclusion|exclude)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COURSE = re.compile(
    r"""\b(?:
      randomi[sz]ed\s+(?:to|in|into|\d) | assigned | informed\s+consent | sample\s+size | approximately\s+\d+
    | a\s+total\s+of
    | will\s+(?:receive|undergo|be\s+(?:followed|treated|given|asked|randomi|monitored|assessed|evaluated))
    | will\s+be\s+(?:enrolled|included|recruited)\s+(?:in|into|at|from|over|and)\b | cohort | dose | safety
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words of a sentence that tells how the trial runs, not who may take part."""

_REFUSES = re.compile(
    r"\b(?:exclu(?:ded?|ding|sion)|ineligible|not\s+(?:be\s+)?(?:eligible|enrolled|included|permitted"
    r"|allowed\s+to\s+participate))\b",
    re.IGNORECASE,
)

_HEADING = re.compile(r"\W*[A-Za-z][\w /-]{2,40}:\W*")
_ELIGIBILITY = re.compile(r"\b(?:eligibility|(?:inclusion|exclusion)(?:\s+criteria)?)\W*$", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+")


@value(frozen=True, slots=True)
class Suspect:
    """A sentence, as cleaned offsets of its section, that states (or may state) a criterion."""

    passage: Passage
    kind: CriterionKind
    stands: bool
    confidence: float


def refuses(text: str) -> bool:
    """Whether a sentence says who may not take part.

    >>> refuses("Pregnant women will be excluded"), refuses("Adults are eligible")
    (True, False)
    """
    return bool(_REFUSES.search(text))


def find_suspects(passage: Passage) -> Iterator[Suspect]:
    """Sentences of running text that state who may take part, in order.

    >>> from extractor.parse.passage import passage_of
    >>> text = "Asthma is common. Patients are eligible if they are over 12. The dose is raised weekly."
    >>> [(s.passage.text, s.stands) for s in find_suspects(passage_of(text))]
    [('Patients are eligible if they are over 12.', True)]
    """
    under: CriterionKind | None = None
    for sentence in _sentences(passage):
        text = sentence.text
        if heading := _HEADING.fullmatch(text):
            under = _section_kind(heading[0])
        elif under:
            yield Suspect(sentence, under, stands=True, confidence=0.8)
        elif _STATED.search(text):
            course = _COURSE.search(text)
            yield Suspect(sentence, _kind(text), not course, 0.5 if course else 0.85)
        elif _SUSPECTED.search(text):
            yield Suspect(sentence, _kind(text), stands=False, confidence=0.7 if _COURSE.search(text) else 0.55)


def _sentences(passage: Passage) -> Iterator[Passage]:
    """The sentences of a passage, without the bullets in front of them."""
    text = passage.cleaned.text
    for start, end in split_sentences(text[passage.start : passage.end]):
        bullet = _BULLET.match(text, passage.start + start, passage.start + end)
        first = bullet.end() if bullet else passage.start + start
        if first < passage.start + end:
            yield Passage(passage.section, passage.raw, passage.cleaned, first, passage.start + end)


def _kind(text: str) -> CriterionKind:
    return CriterionKind.EXCLUSION if refuses(text) else CriterionKind.INCLUSION


def _section_kind(heading: str) -> CriterionKind | None:
    """The list that a heading within a summary opens, None if it opens something else ("Design:")."""
    if not _ELIGIBILITY.search(heading):
        return None
    return CriterionKind.EXCLUSION if "exclu" in heading.lower() else CriterionKind.INCLUSION
