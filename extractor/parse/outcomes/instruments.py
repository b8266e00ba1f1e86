"""The instrument of an outcome: a named grading system, guideline, scale or set of criteria, and its version."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from extractor.parse.requirements import Guarded
from extractor.parse.values import value
from extractor.parse.vocabulary import Match, load_vocabulary
from extractor.parse.words import find_words
from extractor.schemas import Instrument

__all__ = ["InstrumentFound", "find_instrument", "may_name_instrument"]

_PLAIN_NUMBER = r"(?:(?:19|20)\d\d|\d{1,2}(?:\.\d{1,4}){0,2})(?!\.?\d)"
# A bare whole number may be a limit or a count ("CTC 3 or higher", "RECIST 2 weeks").
_NUMBER = rf"(?:\d\.\d(?!\.?\d)(?!\s*%)|{_PLAIN_NUMBER}(?!\s*(?:%|-|(?:months?|weeks?|days?|years?|points?|to|or)\b)))"
_NO_SCALE = (
    "QOL|HRQL|HRQOL|PRO|CR|CT|GVHD|DLT|AD|PSA|BMI|BSA|AE|AES|AESI|MRI|PET|CRS|II|III|IV|RD|SPT|IGE|FEV|COPD|PRN|HDM"
)
_BODIES = frozenset({"NCCN", "IWCLL"})
"""Guidelines that go by the letters of the body that issues them: its full name is not theirs."""
_ANSWER_FORMATS = frozenset({"Likert"})
"""How questions are answered: another instrument that is named beside it says which questions."""
_NO_TITLE = (
    "Total|Mean|Median|Average|Daily|Changes?|Baseline|From|Quality|Symptoms?|Severity|The|This|Each|And|Scores?|A"
)
_BETWEEN = (
    r"\W{0,3}(?:\([A-Za-z -]{2,12}\)\W{0,3})?(?:(?:guidelines?|criteria|classification|grading scale|scale)\W{0,3})?"
)
# "CTCAE v5.0", "CTCAE, Version 5.0", "(RECIST) (version 1.1)"; without a word: "RECIST 1.1", "Lugano 2014".
_STATED_VERSION = re.compile(rf"{_BETWEEN}(?:version|vers?\.?|v\.?)\s*(?P<version>{_PLAIN_NUMBER})", re.IGNORECASE)
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
# What the vocabulary does not know: "Cough Diary Scale (CDS)", "CDS score", "Miller Cough Scale".
_KINDS = "questionnaire|scale|index|inventory|checklist|survey"
_OTHER_KINDS = "profile|evaluation|battery|schedule|interview|instrument"
_COMPUTED = "BMI|LVMI|HOMA|HOMA-IR|CPET|MMTT|OGTT|ABI|AHI"
"""Indexes and tests of the body that grade nothing."""
_NAMED_SCALE = Guarded(
    rf"\b(?:{_KINDS}|{_OTHER_KINDS}|score|assessment|criteria|improvement|severity|test)s?\s*"
    rf"\((?P<name>(?!(?-i:{_COMPUTED})\b)(?-i:[A-Z][A-Za-z]{{0,4}}[A-Z0-9][\w-]{{0,8}}))\)"
)
_ABBREVIATED_SCALE = Guarded(
    rf"\b(?!{_NO_SCALE}\b)(?P<name>[A-Z]{{2}}[A-Za-z]*\d*(?:-[A-Z0-9][A-Za-z0-9]*)*)\s+(?:total\s+)?(?:score"
    rf"|{_KINDS})s?\b",
    flags=0,
)
_TITLED_SCALE = Guarded(
    rf"\b(?P<name>(?!(?:{_NO_TITLE})\b)[A-Z][a-z’'-]+(?:[^\S\n]+(?:[A-Z][a-z’'-]+|of|and|for|in)){{0,5}}"
    rf"(?<!\bof Life)(?<!Body Mass)[^\S\n]+(?i:{_KINDS}))\b",
    flags=0,
)
# "Food Allergy Quality of Life Questionnaire, Adult Form (FAQLQ-AF)": the letters in brackets name it most closely.
_BRACKETED_NAME = re.compile(r"[\w ,-]{0,24}\((?P<name>[A-Za-z0-9][\w-]{1,12})\)")
_INSTRUMENT_WORD = re.compile(
    r"questionnaires?|scales?|criteria|index|inventory|scor(?:es?|ing)|grading|guidelines?|classification|according"
    r"|checklist|survey"
)

# How often labelled outcomes agree, by how the instrument is named.
_VERSIONED_SURE, _ABBREVIATED, _LONG_NAME, _SEVERAL = 0.97, 0.86, 0.5, 0.75
_UNKNOWN = ((_NAMED_SCALE, 0.7), (_ABBREVIATED_SCALE, 0.6), (_TITLED_SCALE, 0.5))


@value(frozen=True, slots=True)
class InstrumentFound:
    """An instrument, the probability that it is right, and the words that name it."""

    instrument: Instrument
    confidence: float
    start: int
    end: int


def find_instrument(text: str, record: Iterable[str] = ()) -> InstrumentFound | None:
    """The first instrument that a cleaned text names, by its usual short form if the ``record`` states that anywhere.

    >>> find_instrument("graded by the Common Terminology Criteria for Adverse Events (CTCAE, Version 5.0)").instrument
    Instrument(name='CTCAE', version='5.0')
    """
    matches = list(load_vocabulary("instruments").find(text))
    named = [match for match in matches if match.value not in _ANSWER_FORMATS]
    if not named and (unknown := _find_unknown(text)):
        return unknown
    if not matches:
        return None
    first = (named or matches)[0]
    # A long name and its abbreviation say the same; the version follows one of them.
    same = [match for match in matches if match.value == first.value]
    version = next((found for match in same if (found := _read_version(text, match))), None)
    name = _read_bracketed(text, first) or _read_name(text, first, same, record)
    sure = min(first.entry.confidence, _rate(text, first.value, same, alone=len(same) == len(matches)))
    return InstrumentFound(Instrument(name=name, version=version), sure, first.start, first.end)


def _rate(text: str, name: str, same: Sequence[Match], *, alone: bool) -> float:
    abbreviated = any(text[match.start : match.end].lower() == name.lower() for match in same)
    if not alone:
        return _SEVERAL
    return _VERSIONED_SURE if name in _VERSIONED and abbreviated else _ABBREVIATED if abbreviated else _LONG_NAME


def _read_name(text: str, first: Match, same: Sequence[Match], record: Iterable[str]) -> str:
    """The usual short form if it stands anywhere, else the name as it is written."""
    if first.value in _BODIES or any(_letters(text[m.start : m.end]) == _letters(first.value) for m in same):
        return first.value
    short = re.compile(rf"(?<!\w){re.escape(first.value)}(?!\w)")
    return first.value if any(map(short.search, (text, *record))) else text[first.start : first.end]


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _read_bracketed(text: str, match: Match) -> str | None:
    """The closer name in brackets behind a long one, if it holds the letters of the usual short form."""
    found = _BRACKETED_NAME.match(text, match.end)
    if not found or found["name"].lower() == match.value.lower() or match.value.lower() not in found["name"].lower():
        return None
    return found["name"]


def _read_version(text: str, match: Match) -> str | None:
    found = _STATED_VERSION.match(text, match.end)
    if not found and match.value in _VERSIONED:
        found = _BARE_VERSION.match(text, match.end)
    return found["version"] if found else None


def _find_unknown(text: str) -> InstrumentFound | None:
    if "(" not in text and not may_name_instrument(text):
        return None
    for pattern, confidence in _UNKNOWN:
        found = pattern.search(text)
        if found:
            name = Instrument(name=found["name"])
            return InstrumentFound(name, confidence, found.start("name"), found.end("name"))
    return None


def may_name_instrument(text: str) -> bool:
    """Whether the words hint at an instrument that the vocabulary does not know."""
    return any(map(_is_instrument_word, find_words(text)))


@lru_cache(maxsize=8192)
def _is_instrument_word(word: str) -> bool:
    return _INSTRUMENT_WORD.fullmatch(word) is not None
