"""The words that name what a limit limits."""

import re

from .alternatives import any_of

__all__ = ["find_counted", "find_quantity", "find_substance"]

_STOP_AT = re.compile(r"[;:•]\s|[.!?]\s|,\s(?=\w+\s\w+\s\w+\s)|\s-\s")
_LEADING = any_of(
    r"""
    with have has having had who whose that where if unless when than least by defined_as a an the i\.?e\.?
    e\.?g\.? documented presence_of evidence_of include including requires? following patients? subjects?
    participants? must should for from in achieve maintain demonstrate known but any other
    """
)
_LEAD = re.compile(rf"^.*\b{_LEADING}[\s,]+(?=\S)", re.IGNORECASE | re.DOTALL)
_TRAILING = any_of(
    """
    is are was were be been being of must should shall has have at a an the to with and or not must_be should_be
    level_of defined_as as in by on than from for that which will can may score_is
    """
)
_TAIL = re.compile(rf"[\s,:(\-]*\b{_TRAILING}[\s,:(]*$|[\s,:;(=\-]+$", re.IGNORECASE)
_BOTH = re.compile(r"^\W*(?!and\b|or\b)\w[\w\s()/-]{0,40}\b(?:and|or|and/or)\b[\w\s()/-]{1,40}$", re.IGNORECASE)
_SPLIT = re.compile(r"[,，]\s*|\s(?:and|or|and/or|but)\s+", re.IGNORECASE)

_NO_NOUN = any_of(
    """
    of per in within at on and or for to by as prior_to before after from with according if is are the a years?
    months? weeks? days? hours? during who that unless except when using without despite not but while obtained
    measured documented regardless following through upon under over both be had has have should must will can
    may grade inclusive
    """
)
_AFTER_NOUN = any_of(
    """
    per within at on and or for to by as before after from with in is are if that who which during according
    defined prior assessed due requiring were was the measured using than since
    """
)
_COUNTED = re.compile(
    rf"\s+(?!{_NO_NOUN}\b)((?:different\s|or more\s|additional\s)?[A-Za-z][\w/-]*"
    rf"(?:\s(?!{_AFTER_NOUN}\b)[A-Za-z][\w/-]*){{0,4}})",
    re.IGNORECASE,
)
_NO_SUBSTANCE = any_of(
    """
    per within for at daily or and in by to of prior before the is are if on with during every once twice dose
    """
)
_SUBSTANCE = re.compile(
    rf"\s+(?:daily\s+)?(?:of\s+)?((?:oral\s+|inhaled\s+|systemic\s+)?(?!{_NO_SUBSTANCE})[a-z]{{5,}}"
    r"(?:\s(?:or|and|or an|\()\s?(?:its\s+)?(?:equivalents?|[a-z]+(?:solone|asone|sone))\)?"
    r"|\s(?:dose\s+)?equivalents?)*)",
    re.IGNORECASE,
)
_REACH = 160
"""How many characters in front of a limit are searched for its quantity."""


def find_quantity(text: str, floor: int, end: int) -> tuple[int, int] | None:
    """Where, in ``text[floor:end]``, the quantity of a limit at ``end`` is named; None if nowhere.

    >>> text = "Patients must have adequate function: ANC (absolute) of at least 1,500"
    >>> text[slice(*find_quantity(text, 0, text.index("at least")))]
    'ANC (absolute)'
    """
    start, stop = _open_phrase(text, floor, end)
    closed = text.rfind(")", start, stop)
    if closed >= 0 and "(" not in text[start:closed] and text[closed:stop].strip(" ),"):
        start = closed + 1
    if not text[start:stop].strip(" ,:;()-"):
        return None
    stops = (found.end() for found in _STOP_AT.finditer(text, start, stop) if text[found.end() : stop].strip(" (,"))
    start = max([start, *stops])
    phrase = text[start:stop]
    if not _BOTH.match(phrase):
        cuts = (found.end() for found in _SPLIT.finditer(_open_part(phrase)) if _has_words(phrase[found.end() :]))
        start += max(cuts, default=0)
    return _trim(text, start, stop)


def find_counted(text: str, end: int) -> tuple[int, int] | None:
    """The counted noun behind a bare number ("at least one measurable lesion").

    >>> text = "at least 2 prior regimens for metastatic disease"
    >>> text[slice(*find_counted(text, 10))]
    'prior regimens'
    """
    found = _COUNTED.match(text, end)
    return found.span(1) if found else None


def find_substance(text: str, end: int) -> tuple[int, int] | None:
    """The substance behind a dose ("> 10 mg/day of prednisone").

    >>> text = "more than 10 mg/day of prednisone or equivalent at entry"
    >>> text[slice(*find_substance(text, 19))]
    'prednisone or equivalent'
    """
    found = _SUBSTANCE.match(text, end)
    return found.span(1) if found else None


def _open_phrase(text: str, floor: int, end: int) -> tuple[int, int]:
    """The stretch before ``end``; out of a bracket that holds the limit alone, the words in front of the bracket."""
    start, depth = max(floor, end - _REACH), 0
    for at in range(end - 1, start - 1, -1):
        if text[at] in ")]）":
            depth += 1
        elif text[at] in "([（":
            if depth == 0:
                return (at + 1, end) if _has_words(text[at + 1 : end]) else _open_phrase(text, floor, at)
            depth -= 1
    return start, end


def _has_words(text: str) -> bool:
    return bool(re.search(r"[A-Za-z]{2}", _TAIL.sub("", text)))


def _open_part(phrase: str) -> str:
    """The phrase up to its last bracket, one character of which is kept ("LVEF (" of "LVEF (by echo)")."""
    opened = phrase.find("(")
    return phrase[: opened + 1] if opened > 0 and phrase.rstrip().endswith(")") else phrase


def _trim(text: str, start: int, stop: int) -> tuple[int, int] | None:
    for _ in range(4):
        before, stop = stop, start + len(_TAIL.sub("", text[start:stop]))
        if stop == before:
            break
    lead = _LEAD.match(_open_part(text[start:stop]))
    start += lead.end() if lead else 0
    while start < stop and text[start] in " ,:;([\n\t-)]<>≤≥=":
        start += 1
    return (start, stop) if stop - start > 1 and re.search(r"[A-Za-z]", text[start:stop]) else None
