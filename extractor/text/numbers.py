"""Numbers as trial records write them: digits, thousands, powers of ten, words."""

import re
from functools import lru_cache
from math import isfinite

__all__ = ["read_number"]

_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty"
)
_WORDS: dict[str, int | float] = {word: value for value, word in enumerate(_COUNTED.split())}
_WORDS |= {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "hundred": 100,
    "half": 0.5,
}
_SCALES = {"thousand": 3, "million": 6, "billion": 9}
_NUMBER = re.compile(
    r"(?P<digits>[\d.,]+)(?:e\+?(?P<short>\d{1,2}))?"
    r"(?:\s?[x*×·]\s?10\s?(?:(?:\^|\*{1,2}|\(|e)?\s?\(?(?P<exponent>-?\d{1,2})\)?)|\s(?P<scale>[a-z]+))?"
    r"|10\s?\^\s?(?P<bare>-?\d{1,2})",
    re.IGNORECASE,
)
_TENS = re.compile(
    r"(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[\s-](?P<ones>[a-z]+)", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(r"0,\d{1,3}|\d{1,3},\d{1,2}")


@lru_cache(maxsize=4096)
def read_number(text: str) -> int | float | None:
    """The number that the text of the rule ``number`` stands for; None if it is none, or too large to be held.

    >>> [read_number(t) for t in ("1,500", "1.0 x 10^9", "10^6", "two", "2 million", "0.5", "0,7", "forty-eight")]
    [1500, 1000000000, 1000000, 2, 2000000, 0.5, 0.7, 48]
    """
    text = text.strip()
    folded = text.lower()
    if folded in _WORDS:
        return _WORDS[folded]
    if tens := _TENS.fullmatch(folded):
        ones = _WORDS.get(tens["ones"])
        return None if ones is None else _WORDS[tens["tens"]] + ones
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    if found["bare"]:
        return _to_value("1", found["bare"])
    digits = found["digits"]
    digits = digits.replace(",", "." if _DECIMAL_COMMA.fullmatch(digits) else "")
    scale = found["scale"].lower() if found["scale"] else ""
    if scale and scale not in _SCALES:
        return None
    return _to_value(digits, found["exponent"] or found["short"] or str(_SCALES.get(scale, 0)))


def _to_value(digits: str, exponent: str) -> int | float | None:
    """Through the decimal notation, so that 2.3 x 10^9 is exactly 2300000000."""
    try:
        value = float(f"{digits}e{exponent}")
    except ValueError:
        return None
    if exponent == "0" and digits.isdecimal():
        return int(digits) if isfinite(value) else None
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() else value
