"""Find the registry number of the trial that a text is about."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from extractor.formats.found import find_trial_id

_NUMBERS = (
    re.compile(r"\bNCT[ :#-]{0,3}(\d{8})(?!\d)", re.IGNORECASE | re.ASCII),
    re.compile(r"\bISRCTN[ :#-]{0,3}(\d{8})(?!\d)", re.IGNORECASE | re.ASCII),
    re.compile(r"(?<![\d-])(\d{4}-5\d{5}-\d{2}-\d{2})(?![\d-])", re.ASCII),
)
"""The numbers of ClinicalTrials.gov, ISRCTN and CTIS. If a text states numbers of several
registries, those of the first one count.
"""
_PREFIXES = ("NCT", "ISRCTN", "")
_REGISTRATION = re.compile(
    r"regist|clinical ?trials\.gov|clinicaltrial|identifi|isrctn"
    r"|\b(?:trial|study|protocol|NCT) (?:number|no\b|id\b)",
    re.IGNORECASE,
)
"""Words before a number that show that it is the trial's own."""
_BEFORE = 120
"""Number of characters before a number that are searched for these words."""
_FIRST_LINE = re.compile(r"\S[^\n]*")
_SENTENCE_END = re.compile(r"[.;?!]\s+(?=[A-Z]|\Z)|\n\s*\n")
_LONGEST_TITLE = 300
_MOST_NAMED = 5
GUESSED = "was taken as the number of the trial"
"""The part of a note which says that a number may be that of another trial."""


class RegistryNumber(NamedTuple):
    """The number of the trial that a text is about.

    Attributes:
        number: The number, or None if the text states none, or several.
        is_own: Whether the text says that the number is that of its trial, rather than only
            mentioning it.
        note: What was guessed, as a sentence, or None.
    """

    number: str | None = None
    is_own: bool = False
    note: str | None = None


NO_NUMBER = RegistryNumber()


def find_registry_number(text: str, listed: Sequence[str] = ()) -> RegistryNumber:
    r"""Return the number of the trial that a text is about.

    A number is the trial's own if the source lists it as such, if it is in the first line of the
    text, or if it follows words such as "ClinicalTrials.gov". If there is no such number, the only
    number in the text is used, with a note. Of several numbers, none is used.

    Args:
        text: The text.
        listed: Numbers that the source lists as those of the trial.

    >>> find_registry_number("Fictumab in gout (NCT 90000001)\n\nAdults").number
    'NCT90000001'
    >>> find_registry_number("Asthma\n\nSee NCT90000001 and NCT90000002.").note
    'several trial numbers are stated (NCT90000001, NCT90000002): none was used'
    """
    listed_numbers = dict.fromkeys(filter(None, map(find_trial_id, listed)))
    if len(listed_numbers) == 1:
        [number] = listed_numbers
        return RegistryNumber(number, is_own=True)
    if listed_numbers:
        return RegistryNumber(note=_name_several(list(listed_numbers)))
    for prefix, pattern in zip(_PREFIXES, _NUMBERS, strict=True):
        stated = _list_stated(text, prefix, pattern)
        if stated:
            return _choose(stated)
    return NO_NUMBER


def list_registry_numbers(text: str) -> list[str]:
    """Return all registry numbers in a text, without duplicates.

    >>> list_registry_numbers("Unlike NCT90000002, ISRCTN 90000001 is small.")
    ['NCT90000002', 'ISRCTN90000001']
    """
    numbers = [
        f"{prefix}{found[1]}"
        for prefix, pattern in zip(_PREFIXES, _NUMBERS, strict=True)
        for found in pattern.finditer(text)
    ]
    return list(dict.fromkeys(numbers))


def _list_stated(text: str, prefix: str, pattern: re.Pattern[str]) -> dict[str, bool]:
    """Return the numbers in a text, each with whether the text says that it is the trial's own."""
    first_line = _FIRST_LINE.search(text)
    end_of_first = 0
    if first_line:
        end_of_first = min(first_line.end(), _LONGEST_TITLE)
    stated: dict[str, bool] = {}
    for match in pattern.finditer(text):
        number = f"{prefix}{match[1]}"
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        is_own = bool(_REGISTRATION.search(_take_sentence(before)))
        is_own = is_own or match.end() <= end_of_first
        stated[number] = stated.get(number, False) or is_own
    return stated


def _take_sentence(before: str) -> str:
    """Return the part of the text before a number that belongs to its sentence. A number that
    begins a sentence, as in "Trial registration. NCT90000001", also belongs to the one before.
    """
    parts = _SENTENCE_END.split(before)
    if len(parts) > 1 and not any(map(str.isalpha, parts[-1])):
        return parts[-2]
    return parts[-1]


def _choose(stated: dict[str, bool]) -> RegistryNumber:
    own = [number for number, is_own in stated.items() if is_own]
    if len(own) == 1:
        return RegistryNumber(own[0], is_own=True)
    if len(own) > 1:
        return RegistryNumber(note=_name_several(own))
    if len(stated) == 1:
        [number] = stated
        return RegistryNumber(
            number,
            note=f"{number} {GUESSED}, because the text states no other; the text does not say "
            "that it is",
        )
    return RegistryNumber(note=_name_several(list(stated)))


def _name_several(numbers: list[str]) -> str:
    named = ", ".join(numbers[:_MOST_NAMED])
    if len(numbers) > _MOST_NAMED:
        named += ", ..."
    return f"several trial numbers are stated ({named}): none was used"
