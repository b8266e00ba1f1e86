"""Whether a number in a text has a unit: as written, in another spelling, or in words."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from extractor.parse.dosing.units import COUNTED
from extractor.parse.vocabulary import load_vocabulary
from extractor.text.clean import clean_text

__all__ = ["has_unit", "is_unit_word", "stands_bare"]

_BEFORE, _BEHIND = 40, 70
_REACH = 7
"""How many words may stand between a number and its unit: "3 x 10^6 CAR-positive viable T cells/kg"."""

# "10, 20 or 40 mg/kg": the unit stands behind the last number of a list or range.
_LISTED = re.compile(
    r"(?:\s*(?:[,;/&+-]|or|and|to|,\s?(?:or|and))\s*(?:[<>≤≥]=?\s?)?\d[\d.,]*(?:\s?[x*]\s?10\s?\^?\d{1,2})?)*",
    re.IGNORECASE,
)
# The area to which a filtration rate is related is part of its unit, not a number of its own: "mL/min/1.73 m2".
_AREA = re.compile(r"\s?/\s?1[.,]73\s?m(?:m?2|\^2)", re.IGNORECASE)
_NEXT_NUMBER = re.compile(r"(?<![A-Za-z^\d.])\d")
_TOKEN = re.compile(r"[^\W\d_]+(?:\^?[23](?!\d))?|%|/|°")
_LIMIT = r"\s+(?:normal\s+)?(?:limits?|level|end|bound)\s+(?:of\s+)?(?:the\s+)?(?:normal|reference)(?:\s+range)?"
_PHRASES = (
    (re.compile("upper" + _LIMIT), "uln"),
    (re.compile("lower" + _LIMIT), "lln"),
    (re.compile(r"\bper\s+cent\b|\bpercent\b"), "%"),
    (re.compile(r"\binternational\s+units?\b|\bi\.u\."), "iu"),
    (re.compile(r"(?<!\w)per(?!\w)"), "/"),
    (re.compile(r"\bsquare\s+met(?:er|re)s?\b|\bm\s2\b"), "m2"),
)
_FILLERS = frozenset(
    (
        "x",
        "×",
        "times",
        "time",
        "fold",
        "the",
        "of",
        "institutional",
        "institution",
        "local",
        "laboratory",
        "a",
        "an",
        "body",
        "weight",
        "old",
    )
)
_SAME = {"gm": "g", "kgs": "kg", "kilogram": "kg", "kilograms": "kg", "unl": "uln", "iuln": "uln", "hg": "mmhg"}
_SAME |= {
    "liter": "l",
    "litre": "l",
    "liters": "l",
    "litres": "l",
    "points": "point",
    "lbs": "lb",
    "pounds": "lb",
    "yo": "year",
    "y": "year",
}
_SAME |= {"millimeters": "mm", "millimeter": "mm", "millimetres": "mm", "centimeters": "cm", "centimetres": "cm"}


def _list_spellings() -> Iterator[tuple[str, str]]:
    # The last one counts: "d" is a day rather than a dioptre.
    for entry in load_vocabulary("limit_units").entries:
        yield from ((term.lower(), term.lower().replace("μ", "u")) for term in entry.terms if term.isalpha())
    for name in ("dose_units", "time_units"):
        for entry in load_vocabulary(name).entries:
            yield from ((term.lower().replace("μ", "u"), entry.value.lower()) for term in entry.terms if term.isalpha())


_SPELLINGS = dict(_list_spellings()) | _SAME
_UNITS = frozenset(_SPELLINGS.values()) | {"%", "uln", "lln", "m2", "mm3", "mmhg", "kpa", "°"}
_TOO_SHORT = frozenset("admcfu")
"""Letters that are a unit right behind a number only."""


def has_unit(text: str, place: tuple[int, int], unit: str) -> bool:
    """Whether the number at ``place`` has that unit: the first unit behind it, or where none follows, one before it.

    >>> text = "5 mg/kg or 10 g daily, creatinine (mg/dL): 1.5"
    >>> [has_unit(text, (0, 1), u) for u in ("mg/kg", "mg", "g")], has_unit(text, (43, 46), "mg/dL")
    ([True, False, False], True)
    >>> [has_unit("eGFR < 60 mL/min/1.73 m2", (7, 9), unit) for unit in ("mL/min/1.73 m2", "mL/min")]
    [True, False]
    """
    wanted = _tokens(_AREA.sub("/m2", unit))
    if not wanted:
        return unit.strip() in text[place[1] : place[1] + _BEHIND]
    behind = _tokens(_words_behind(text, place[1]))
    for position, token in enumerate(behind[:_REACH]):
        if (end := _match(wanted, behind, position)) is not None:
            return behind[end : end + 1] != ["/"]
        if token in _UNITS and (position == 0 or token not in _TOO_SHORT):
            return False
    before = _tokens(_words_before(text, place[0]))
    return any(_match(wanted, before, position) is not None for position in range(len(before)))


def stands_bare(text: str, place: tuple[int, int]) -> bool:
    """Whether the number at ``place`` has no unit directly behind it: it is a count or a grade.

    >>> stands_bare("ECOG 0-2 for 3 weeks", (7, 8)), stands_bare("ECOG 0-2 for 3 weeks", (13, 14))
    (True, False)
    """
    behind = _tokens(_words_behind(text, place[1]))
    return (
        not behind or behind[0] not in _UNITS - COUNTED or not re.match(r"[\s-]?[^\W_]|\s?[%°]", text[place[1] :][:3])
    )


def is_unit_word(word: str) -> bool:
    """Whether a single word is a unit.

    >>> is_unit_word("milligrams"), is_unit_word("platelets")
    (True, False)
    """
    return _SPELLINGS.get(word.lower(), word.lower()) in _UNITS


def _words_behind(text: str, end: int) -> str:
    """What stands behind a number, or behind the list that it is in, up to the next number or statement."""
    listed = _LISTED.match(text, end)
    rest = _AREA.sub("/m2", text[listed.end() if listed else end :][:_BEHIND])
    number = _NEXT_NUMBER.search(rest)
    return re.split(r"[;:]|\.\s", rest[: number.start()] if number else rest, maxsplit=1)[0]


def _words_before(text: str, start: int) -> str:
    """What stands in front of a number; behind another number, only what is set apart: "creatinine (mg/dL): 1.5"."""
    before = text[max(0, start - _BEFORE) : start]
    numbers = list(_NEXT_NUMBER.finditer(before))
    return before[numbers[-1].start() :].partition("(")[2] if numbers else before


def _match(wanted: Sequence[str], tokens: Sequence[str], position: int) -> int | None:
    """Where a unit ends that begins at a position; the substance may stand inside it: "mg prednisone per day"."""
    for word in wanted:
        if word == "/":
            near = [p for p in range(position, min(position + 3, len(tokens))) if tokens[p] == "/"]
            position = near[0] if near else position
        if tokens[position : position + 1] != [word]:
            return None
        position += 1
    return position


def _tokens(text: str) -> list[str]:
    folded = clean_text(text).text.lower().replace("μ", "u")
    for phrase, unit in _PHRASES:
        folded = phrase.sub(f" {unit} ", folded)
    tokens = [_SPELLINGS.get(t, t.replace("^", "")) for t in _TOKEN.findall(folded) if t not in _FILLERS]
    return [token for token, _ in groupby(tokens)]  # "kilogram (kg)"
