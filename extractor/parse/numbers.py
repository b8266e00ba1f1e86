"""Numbers as trial records write them: digits, thousands, powers of ten, words."""

import re
from collections.abc import Sequence
from math import isfinite

from .memory import remember
from .words import PlainTwin, find_words

__all__ = ["NUMBER", "number_places", "read_number"]

_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four"
)
_WORDS: dict[str, int | float] = {word: value for value, word in enumerate(_COUNTED.split())}
_WORDS |= {"twenty-eight": 28, "thirty": 30, "thirty-six": 36, "forty": 40, "forty-eight": 48, "fifty": 50}
_WORDS |= {"sixty": 60, "seventy-two": 72, "ninety": 90, "hundred": 100, "half": 0.5}


def _ungrouped(expression: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", expression)


# "0,7" with a decimal comma; not two moments ("weeks 0,4", "0,12 months"), nor a longer list ("0,4,8").
_DECIMAL_COMMA = (
    "(?=0,)"  # asked first, for it is rare
    + "".join(
        rf"(?<!{unit} )" for unit in ("day", "days", "week", "weeks", "month", "months", "hour", "hours", "visits")
    )
    + r"0,\d{1,3}(?![,\d])(?!\s?(?:days?|weeks?|months?|years?|hours?|min))"
)
# "1,5 x ULN", "8,5 g/dl": one digit behind the comma, and a unit that is no unit of time.
_UNIT_COMMA = r"(?<!,)\d{1,3},\d(?![\d,])(?=\s?(?:x\s|x\d|\*|×|%|m?mol|[uμ]mol|[kmnp]?g\s?/|[cm]m\b|kg\b|IU\b|U/|°))"
_DIGITS = rf"{_DECIMAL_COMMA}|{_UNIT_COMMA}|\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
# Without a sign of a power ("x109/L") only the exponents of cell counts and doses are believed.
_POWER = (
    r"(?:\s?(?:x|\*|·)\s?10\s?(?:(?:\^|\*{1,2}|\(|e)\s?\(?(?P<exponent>-?\d{1,2})\)?|(?P<plain>[3-9]|1[0-2])(?!\d))"
    r"|e\+?(?P<short>\d{1,2})(?!\d))"
)
_SCALE = r"(?:\s?(?P<scale>million|billion|thousand))"

NUMBER = (
    rf"(?:(?<![A-Za-z\d.^])(?:(?:{_DIGITS})(?:{_ungrouped(_POWER)}|{_ungrouped(_SCALE)})?(?![\d^])|10\^-?\d{{1,2}})"
    rf"|\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b)"
)
"""Expression for one number in cleaned text, without groups. Use with ``re.IGNORECASE``."""

_FULL = re.compile(
    rf"(?P<digits>\d{{1,3}},\d(?!\d)|{_DIGITS})(?:{_POWER}|{_SCALE})?"
    rf"|10\^(?P<bare>-?\d{{1,2}})|(?P<word>[a-z-]+)",
    re.IGNORECASE,
)
_DIGIT_RUN = PlainTwin(r"\d+", "[0-9]+")
_EXACT = 15
"""So many digits are a whole number that a float holds exactly."""
_FIRST_WORDS = frozenset(word.partition("-")[0] for word in _WORDS)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}


def read_number(text: str) -> int | float | None:
    """The number that ``text`` (a match of ``NUMBER``) stands for, or None, as for one too large to be held.

    >>> [read_number(t) for t in ("1,500", "1.0 x 10^9", "10^6", "two", "2 million", "0.5")]
    [1500, 1000000000, 1000000, 2, 2000000, 0.5]
    """
    text = text.strip()
    if text.isdecimal() and len(text) <= _EXACT:
        return int(text)
    found = _FULL.fullmatch(text)
    if not found:
        return None
    if found["word"]:
        return _WORDS.get(found["word"].lower())
    if found["bare"]:
        return _whole(float(f"1e{found['bare']}"))
    digits = re.sub(r"^0,|,(?=\d$)", lambda comma: comma[0].replace(",", "."), found["digits"]).replace(",", "")
    value = float(digits)
    if exponent := found["exponent"] or found["plain"] or found["short"]:
        # Through the decimal notation, so that 2.3 x 10^9 is exactly 2300000000.
        value = float(f"{digits}e{exponent}")
    elif found["scale"]:
        value *= _SCALES[found["scale"].lower()]
    return _whole(value)


@remember
def number_places(text: str) -> Sequence[int]:
    """Where ``NUMBER`` can match in cleaned text, in order: there only, but not everywhere there.

    >>> number_places("two of 1.5 mg")
    (0, 7, 8, 9)
    """
    digits = [found.start() for found in _DIGIT_RUN.of(text).finditer(text)]
    table = find_words(text)
    words = [place for word in _FIRST_WORDS & table.keys() for place in table[word]]
    dots = [place - 1 for place in digits if text[place - 1 : place] == "."]
    return tuple(sorted({*digits, *words, *dots})) if words or dots else tuple(digits)


def _whole(value: float) -> int | float | None:
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() else value
