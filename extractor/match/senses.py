"""Read the words above a list: what they turn round, and what they permit."""

import re
from typing import NamedTuple

_FLIPS = re.compile(
    r"\b(?:failure|failing|fails?|unable|inability) to"
    r" (?:meet|fulfil\w*|satisfy|have|achieve|demonstrate)\b"
    r"|\b(?:do|does|did)(?: not|n't) (?:have|meet|fulfil\w*|satisfy)\b"
    r"|\b(?:must|may|should|can|shall|will) ?not (?:have|be|take|use|receive|meet)\b"
    r"|\bnot (?:meeting|having|fulfilling|satisfying|eligible)\b"
    r"|\b(?:absence|lack) of\b|\b(?:none|no) of\b|\bfree (?:of|from)\b|\bwithout\b"
    r"|\b(?:are|is|be) (?:excluded|ineligible|not eligible)\b"
    r"|\binadequate\b.*\badequate\b.*\bdefined as\b",
    re.IGNORECASE,
)
_PERMITS = re.compile(
    r"\b(?:acceptable|permitted|permissible|allowed|allowable|tolerated|eligible)\b"
    r"|\b(?:may|can) (?:be|take|use|receive|have|enrol\w*|participate|still)\b",
    re.IGNORECASE,
)
_NOT_PERMITS = re.compile(
    r"\b(?:not|un|non)[- ]?(?:acceptable|permitted|allowed|eligible|tolerated)\b"
    r"|\b(?:may|can) ?not\b|\bprohibited\b|\bmust\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(
    r"\bcombination of\b|\bboth\b|\ball of\b|\ball the\b|\bhy[’']?s law\b",
    re.IGNORECASE,
)
_ANY = re.compile(
    r"\bat least one\b|\bone or more\b|\bany (?:one )?of\b|\beither of\b|\b(?:one|a) of\b"
    r"|\brisk factors?\b.*\b(?:include|such as|including)\b|\bincreased\b.*\brisk\b",
    re.IGNORECASE,
)


class Sense(NamedTuple):
    """What the line above a list does to the items below it.

    Attributes:
        turns: Whether the items below must not be true where the list says that they must.
        permits: Whether it lists what is permitted.
        need: ``all`` or ``any`` of them; empty if it does not say.
        rest: Its other words.
    """

    turns: bool = False
    permits: bool = False
    need: str = ""
    rest: str = ""


def read_sense(lead_in: str | None, *, included: bool) -> Sense:
    """Return what the line above a list does to the items below it.

    >>> read_sense("Failure to meet any of the following:", included=False).turns
    True
    >>> read_sense("Acceptable conditions:", included=False).permits
    True
    """
    text = lead_in or ""
    turns = bool(_FLIPS.search(text))
    permits = (
        not included
        and not turns
        and bool(_PERMITS.search(text))
        and not _NOT_PERMITS.search(text)
    )
    need = ""
    rest = text
    if _TOGETHER.search(text):
        need = "all"
        rest = _TOGETHER.sub(" ", rest)
    elif _ANY.search(text) and included:
        need = "any"
        rest = _ANY.sub(" ", rest)
    if turns:
        rest = _FLIPS.sub(" ", rest)
    if permits:
        rest = _PERMITS.sub(" ", rest)
    return Sense(turns, permits, need, rest)
