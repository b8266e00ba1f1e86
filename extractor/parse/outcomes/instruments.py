"""The instrument of an outcome: a named grading system, guideline, scale or set of criteria, and its version."""

import re
from dataclasses import dataclass

from extractor.parse.vocabulary import Match, load_vocabulary
from extractor.schemas import Instrument

__all__ = ["InstrumentFound", "find_instrument", "may_name_instrument"]

_NUMBER = (
    r"(?:(?:19|20)\d\d|\d{1,2}(?:\.\d{1,4}){0,2})(?!\.?\d)(?!\s*(?:%|months?|weeks?|days?|years?|points?|-|to|or))"
)
_BETWEEN = (
    r"\W{0,3}(?:\([A-Za-z -]{2,12}\)\W{0,3})?(?:(?:guidelines?|criteria|classification|grading scale|scale)\W{0,3})?"
)
# "CTCAE v5.0", "CTCAE, Version 5.0", "(RECIST) (version 1.1)"; without a word: "RECIST 1.1", "Lugano 2014".
_STATED_VERSION = re.compile(rf"{_BETWEEN}(?:version|vers?\.?|v\.?)\s*(?P<version>{_NUMBER})", re.IGNORECASE)
_BARE_VERSION = re.compile(rf"{_BETWEEN}(?P<version>{_NUMBER})", re.IGNORECASE)
_VERSIONED = frozenset(
    (
        "CTCAE",
        "CTC",
        "NCCN",
        "RECIST",
        "mRECIST",
        "iRECIST",
        "Lugano",
        "Cheson",
        "IWG",
        "IWCLL",
        "RANO",
        "PCWG3",
        "ELN",
        "IMWG",
    )
)
# "Leicester Itch Questionnaire (LIQ)": a scale that the vocabulary does not know.
_NAMED_SCALE = re.compile(
    r"\b(?:questionnaire|scale|score|index|inventory|assessment|checklist|criteria"
    r"|improvement|severity)s?\s*\((?P<name>[A-Z][A-Za-z]{0,4}[A-Z0-9][\w-]{0,8})\)",
    re.IGNORECASE,
)
_ANY_INSTRUMENT = re.compile(
    r"\b(?:questionnaires?|scales?|criteria|index|inventory|score|scoring|grading"
    r"|guidelines?|classification|according to|checklist|survey)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class InstrumentFound:
    """An instrument, the probability that it is right, and the words that name it."""

    instrument: Instrument
    confidence: float
    start: int
    end: int


def find_instrument(text: str) -> InstrumentFound | None:
    """The first instrument that a cleaned text names.

    >>> find_instrument("graded by the Common Terminology Criteria for Adverse Events (CTCAE, Version 5.0)").instrument
    Instrument(name='CTCAE', version='5.0')
    """
    matches = list(load_vocabulary("instruments").find(text))
    if not matches:
        return _find_unknown(text)
    first = matches[0]
    # A long name and its abbreviation say the same; the version follows one of them.
    same = [match for match in matches if match.value == first.value]
    version = next((found for match in same if (found := _read_version(text, match))), None)
    abbreviated = any(text[match.start : match.end].lower() == first.value.lower() for match in same)
    confidence = 0.96 if first.value in _VERSIONED and abbreviated else 0.75
    if len({match.value for match in matches}) > 1:
        confidence = min(confidence, 0.75)
    return InstrumentFound(
        Instrument(name=first.value, version=version), min(first.entry.confidence, confidence), first.start, first.end
    )


def _read_version(text: str, match: Match) -> str | None:
    found = _STATED_VERSION.match(text, match.end)
    if not found and match.value in _VERSIONED:
        found = _BARE_VERSION.match(text, match.end)
    return found["version"] if found else None


def _find_unknown(text: str) -> InstrumentFound | None:
    found = _NAMED_SCALE.search(text) if "(" in text else None
    if not found:
        return None
    return InstrumentFound(Instrument(name=found["name"]), 0.6, found.start("name"), found.end("name"))


def may_name_instrument(text: str) -> bool:
    """Whether the words hint at an instrument that the vocabulary does not know."""
    return bool(_ANY_INSTRUMENT.search(text))
