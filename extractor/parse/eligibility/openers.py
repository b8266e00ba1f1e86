"""Lines that open a list of parts which are not indented below them, and headings that state a condition too."""

import re

from .headings import read_list_heading
from .lead_ins import carries_condition

__all__ = ["is_part", "opens_flat_list", "opens_paragraph", "states_too"]

_COLONS = (":", "：")
_OPENING = re.compile(
    r"\b(?:eligible|ineligible|criteri\w+|exclu\w+|inclu\w+|enrol\w+|for example|defin\w+|outcome)\b"
    r"|^\W*(?:for|if|in)\b",
    re.IGNORECASE,
)
"""Words of a line that speaks of the list, or says when it holds."""

_AGED = re.compile(r"\bage[ds]?\b.{0,20}\d|\d+\s+years", re.IGNORECASE)

_LONG_CAPITALS = re.compile(r"[A-Z]{5}")
"""A word in capitals that is no abbreviation."""

_LEVELS = re.compile(
    r"\b(?:functions?|laborator\w+|cytopenias?|counts?|values|parameters|reserve|ha?ematology)\b", re.IGNORECASE
)
_LEVEL = re.compile(r"[<>≤≥=]|\b(?:greater|less|more|at\ least|within\ normal|normal)\b|\d\s?x\s?ULN", re.IGNORECASE)
_NO_LEVEL = re.compile(r"\b(?:must|prior|toxicit\w+|availab\w+|therapy|years?|age|consent|pregnan\w+)\b", re.IGNORECASE)
_KINDS = re.compile(r"\b(?:diagnos\w+|histolog\w+|malignanc\w+|diseases?|disorders?|subtypes?|types?)\b", re.IGNORECASE)
_NO_KIND = re.compile(
    r"\b(?:must|should|may|are|is|has|have|no|not|able|age|years?|patients?|prior|consent|adequate|performance|ECOG)\b",
    re.IGNORECASE,
)


def opens_paragraph(text: str, following: str) -> bool:
    """An item that introduces the unmarked text behind it ("Adequate organ function:").

    >>> opens_paragraph("Adequate organ function:", "Bilirubin < 2 mg/dL"), opens_paragraph("Asthma", "Adult")
    (True, False)
    """
    if not text.endswith(_COLONS) or carries_condition(text):
        return False
    return not read_list_heading(following, bulleted=False)[0] and not following.endswith(_COLONS)


def opens_flat_list(text: str, following: str) -> bool:
    """An item that introduces the items behind it, which stand at its own level.

    Also a title in capitals, where the next item is not in capitals too.
    """
    shouted = text.isupper() and bool(_LONG_CAPITALS.search(text)) and not following.isupper()
    title = shouted and 2 <= len(text.split()) <= 14 and not re.search(r"[<>≤≥=\d]", text)
    return title or (text.endswith(_COLONS) and not carries_condition(text))


def is_part(opening: str, text: str) -> bool:
    """Whether an item is alike enough to be a part of the list that an item at its own level opened.

    Levels under "Adequate organ function:", short names under "One of the following diagnoses:".

    >>> is_part("Adequate organ function:", "Bilirubin < 2 mg/dL"), is_part("Adequate organ function:", "Consent")
    (True, False)
    """
    if _LEVELS.search(opening):
        return bool(_LEVEL.search(text) and re.search(r"\d|normal", text) and not _NO_LEVEL.search(text))
    return bool(_KINDS.search(opening)) and len(text.split()) <= 7 and not _NO_KIND.search(text)


def states_too(heading: str) -> bool:
    """Whether a heading states a condition too.

    >>> states_too("Adults aged 18-40 years with:"), states_too("Patients who meet these inclusion criteria:")
    (True, False)
    """
    return (
        heading.endswith(_COLONS)
        and len(heading.split()) > 4
        and carries_condition(heading)
        and not read_list_heading(heading, bulleted=False)[0]
        and not (_OPENING.search(heading) and not _AGED.search(heading))
    )
