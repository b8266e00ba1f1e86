"""Read numbers and durations as written in trial records: digits, thousands, powers of ten and
words.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite

from extractor.language.book import rule, terms_of
from extractor.language.lexer import NAME_NUMBER, NUMBER, NUMBER_WORDS, Tokens, keep
from extractor.language.patterns import RuleMatch
from extractor.language.values import value_class
from extractor.schemas import TimeUnit

Numeric = int | float
"""The value of a number; a whole number is an int."""
_VALUES: dict[str, Numeric] = dict(
    zip(NUMBER_WORDS.split(), [*range(21), *range(30, 101, 10), 0.5, 12], strict=True)
)
SCALES = {
    "thousand": 3,
    "thou": 3,
    "k": 3,
    "mln": 6,
    "mio": 6,
    "lakh": 5,
    "lakhs": 5,
    "million": 6,
    "billion": 9,
}
_NUMBER = re.compile(
    r"(?P<digits>\d[\d.,'· ]*(?<!\D)|\.\d+)(?:(?<! 10)e\+?(?P<short>\d{1,2}))?"
    r"(?:\s?[x*×·]\s?(?:1(?P<zeros>0{3}|,000)|10\s?(?:\^|\*{1,2}|[(\[]"
    r"|e\+?)?\s?\(?(?P<exponent>-?\d{1,2})[)\]]?)"
    r"|\s10\s?(?:\^|\*{1,2}|e)\s?(?P<apart>\d{1,2})|\s?(?P<scale>[a-z]+))?"
    r"|10\s?\^\s?(?P<bare>-?\d{1,2})",
    re.IGNORECASE,
)
_ORDINAL_WORDS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth "
    "eleventh twelfth"
)
ORDINALS = {word: number for number, word in enumerate(_ORDINAL_WORDS.split())}
_ROMAN_NUMBERS = "I II III IV V VI VII VIII IX X"
ROMAN = {word: number for number, word in enumerate(_ROMAN_NUMBERS.split(), 1)}
TIMES = {"once": 1, "twice": 2, "thrice": 3}
"""Words that count occurrences."""
MULTIPLES = {**TIMES, "double": 2, "triple": 3}
"""Words that state a multiple, as in "more than double the ULN"."""
_PHRASES = {
    "half a dozen": 6,
    "three quarters": 0.75,
    "three-quarters": 0.75,
    "a quarter": 0.25,
}
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_AND_HALF = re.compile(r"[ -]and[ -](?:a|one)[ -]half\Z")
_MIXED = re.compile(r"(?:(?P<whole>\d+) (?:and )?)?(?P<above>[1-3])/(?P<below>[2-5])")
_TENS = re.compile(
    rf"(?P<tens>{'|'.join(NUMBER_WORDS.split()[20:28])})[\s-](?P<ones>[a-z]+)"
)
_HUNDREDS = re.compile(
    rf"(?P<ones>{'|'.join(NUMBER_WORDS.split()[1:20])})[ -]hundred(?:[ -](?:and[ "
    r"-])?(?P<rest>[a-z -]+))?"
)
_LOST_POWER = re.compile(r"(?P<whole>\d{1,3})(?:[.,](?P<part>\d{1,2}))? 109")
"""A number whose power of ten lost its formatting: "100 109/l" looks like a number with a thousands
separator.
"""
_TWO_WAYS = re.compile(r"(?P<front>[1-9]\d{0,2})(?P<sign>[.,·])(?P<after>\d{3})")
"""A single separator before exactly three digits, which some writers use as a decimal sign and
others as a thousands separator.
"""
_GROUPS = re.compile(
    r"\d{1,3}(?P<sign>[.,' ])\d{3}(?:(?P=sign)\d{3})*(?:[.,·]\d+)?|\d{1,2}(?:,\d{2})+,\d{3}"
)
_DECIMAL = re.compile(r"\d*[.,·]?\d+")
_DIGITS = NUMBER + NAME_NUMBER
_JOINING = _DIGITS + ")]%/"
"""Codes of tokens after which a hyphen joins a range or a name, as it does after a word: "18-65",
"(low)-5".
"""
DAYS: Mapping[TimeUnit, float] = {
    TimeUnit.MINUTE: 1 / 1440,
    TimeUnit.HOUR: 1 / 24,
    TimeUnit.DAY: 1.0,
    TimeUnit.WEEK: 7.0,
    TimeUnit.MONTH: 30.4375,
    TimeUnit.YEAR: 365.25,
}
"""Days per unit, based on a year of 365.25 days and twelve equal months. Cycles are omitted,
because they have no fixed length.
"""
WHOLE_DAYS: Mapping[TimeUnit, int] = {
    unit: int(days) for unit, days in DAYS.items() if days >= 1
}
"""Days per unit in schedules: 30 days for a month and 365 days for a year."""
MONTHS_OF_YEAR = 12
_MANY: Mapping[str, tuple[int, TimeUnit]] = {
    "fortnight": (2, TimeUnit.WEEK),
    "decade": (10, TimeUnit.YEAR),
}
"""Words for a multiple of a time unit, as (number, unit) pairs."""


def read_number(text: str) -> Numeric | None:
    """Return the most likely value of a text that is matched by the rule ``number``; None if the
    text is not a number or the number is too large.

    >>> [
    ...     read_number(t)
    ...     for t in (
    ...         "1,500",
    ...         "1.0 x 10^9",
    ...         "10^6",
    ...         "two",
    ...         "2 million",
    ...         "0.5",
    ...         "0,7",
    ...         "forty-eight",
    ...     )
    ... ]
    [1500, 1000000000, 1000000, 2, 2000000, 0.5, 0.7, 48]
    >>> (
    ...     read_number("5½"),
    ...     read_number("1·5"),
    ...     read_number("1.500.000"),
    ... )
    (5.5, 1.5, 1500000)
    """
    return next(iter(list_readings(text)), None)


@lru_cache(maxsize=4096)
def list_readings(text: str) -> tuple[Numeric, ...]:
    """Return all values that the characters of a number allow, most likely first. Return an empty
    tuple if the text is not a number.

    Before exactly three digits, a full stop, raised dot or comma is a decimal sign for some writers
    and a thousands separator for others. The quantity in question may resolve the ambiguity
    (``KnownQuantity.is_usual``), but the characters cannot.

    >>> [
    ...     list_readings(t)
    ...     for t in (
    ...         "1.500",
    ...         "100.000",
    ...         "1,500",
    ...         "0.125",
    ...         "18,5",
    ...         "1.500,5",
    ...         "100 000",
    ...     )
    ... ]
    [(1.5, 1500), (100000, 100), (1500, 1.5), (0.125,), (18.5,), (1500.5,), (100000,)]
    >>> [list_readings(t) for t in ("5 mg", "1,2,3", "9" * 400)]
    [(), (), ()]
    """
    text = " ".join(text.split())
    value = _read_words(text.lower())
    if value is not None:
        return (value,)
    number = _NUMBER.fullmatch(text)
    if not number:
        return ()
    exponent = _find_exponent(number)
    if exponent is None:
        return ()
    # "10^6" is a 1 with an exponent
    decimals = ["1"] if number["bare"] else _list_plain(number["digits"])
    values = [_to_value(decimal, exponent) for decimal in decimals]
    return tuple(value for value in values if value is not None)


def _find_exponent(number: re.Match[str]) -> str | None:
    """Return the exponent of a number's power of ten or scale word, or "0" if the number has
    neither. Return None if the word after the number is not a scale word.
    """
    scale = (number["scale"] or "").lower()
    if scale and scale not in SCALES:
        return None
    if number["bare"]:  # "10^6"
        return number["bare"]
    if number["zeros"]:  # "5 x 1000"
        return "3"
    exponent = number["exponent"] or number["apart"]
    return exponent or number["short"] or str(SCALES.get(scale, 0))


def is_two_ways(word: str) -> bool:
    """Return whether a word is a number that can be read in several ways.

    >>> is_two_ways("100.000"), is_two_ways("100"), is_two_ways("two")
    (True, False, False)
    """
    return len(list_readings(word)) > 1


def _list_plain(digits: str) -> list[str]:
    """Return the possible readings of digits as decimals without thousands separators, most likely
    first. Return an empty list if the digits are not a number.
    """
    # "1.500" is more likely 1.5; "1,500" and "100.000" are more likely thousands
    two_ways = _TWO_WAYS.fullmatch(digits)
    if two_ways:
        front = two_ways["front"]
        after = two_ways["after"]
        decimal = f"{front}.{after}"
        whole = front + after
        if two_ways["sign"] == "," or after == "000":
            return [whole, decimal]
        return [decimal, whole]
    # "100 109/l" is probably 100 x 10^9, but may be 100,109; "1.5 109/l" is 1.5 x 10^9, that is,
    # "1" and "5" with eight zeros
    lost = _LOST_POWER.fullmatch(digits)
    if lost:
        count = lost["whole"] + (lost["part"] or "").ljust(9, "0")
        if lost["part"]:
            return [count]
        return [count, f"{lost['whole']}109"]
    groups = _GROUPS.fullmatch(digits)
    if groups and not digits.startswith("0"):
        # "1,50,000": Indian groups, which have no named sign
        digits = digits.replace(groups["sign"] or ",", "")
    if not _DECIMAL.fullmatch(digits):
        return []
    return [digits.replace(",", ".").replace("·", ".")]


def _read_words(text: str) -> Numeric | None:
    """Return the value of a number written in words or with a fraction: "two and a half", "fifty
    thousand", "5½", "1 1/2". Return None for any other text. The text must be in lower case.
    """
    if text in _VALUES:
        return _VALUES[text]
    # as in "forty-eight"
    tens = _TENS.fullmatch(text)
    if tens and tens["ones"] in _VALUES:
        return _VALUES[tens["tens"]] + _VALUES[tens["ones"]]
    # as in "two hundred and fifty"
    hundreds = _HUNDREDS.fullmatch(text)
    if hundreds:
        rest = _read_words(hundreds["rest"] or "zero")
        if rest is not None:
            return _VALUES[hundreds["ones"]] * 100 + rest
    front, _, scale = text.rpartition(" ")
    if scale in SCALES:
        # as in "half a million"
        value = _read_words(front.removesuffix(" a"))
        if value is not None:
            return int(value * 10 ** SCALES[scale])
    return _PHRASES.get(text) or _read_fraction(text)


def _read_fraction(text: str) -> Numeric | None:
    """Return the value of a number with a fraction: "1 1/2", "two and a half", "5½". Return None
    if the text does not contain a fraction.
    """
    mixed = _MIXED.fullmatch(text)
    if mixed:
        fraction = int(mixed["above"]) / int(mixed["below"])
        return int(mixed["whole"] or 0) + round(fraction, 4)
    if _AND_HALF.search(text):
        front = _AND_HALF.sub("", text)
        part = 0.5
    elif text[-1:] in _FRACTIONS:
        front = text[:-1]
        part = _FRACTIONS[text[-1]]
    else:
        return None
    whole: Numeric | None = 0
    if front:
        whole = read_number(front)
    if whole is None:
        return None
    return whole + part


def _to_value(digits: str, exponent: str) -> Numeric | None:
    """Return the value of digits with a power of ten; None if the value is too large. A whole
    number is returned as an int.
    """
    # the power is part of the text that is parsed: a product of floats would be rounded twice
    value = float(f"{digits}e{exponent}")
    if not isfinite(value):
        return None
    # a float above 2**53 does not have all digits
    if exponent == "0" and digits.isdecimal():
        return int(digits)
    if value.is_integer():
        return int(value)
    return value


def multiply(value: float, factor: float) -> Numeric:
    """Return the product of a value and a factor, without floating-point errors.

    >>> multiply(1.1, 10**9), multiply(0.25, 3)
    (1100000000, 0.75)
    """
    product = float(f"{value * factor:.12g}")
    if product.is_integer():
        return int(product)
    return product


def has_minus(tokens: Tokens, at: int) -> bool:
    """Return whether a number is negative: "-2.5", "minus 3", "of - 6 D", "equal to-2.5"."""
    if at > 0 and tokens.words[at - 1].lower() == "minus":
        return True
    # In "to-2.5", the hyphen joins the number to a word and is therefore not a token.
    if tokens.gap(at) == "-":
        minus = rule("before_minus").ends(tokens, at, at - 1)
    else:
        minus = rule("minus_apart").ends(tokens, at, at - 2)
    return minus is not None or is_signed(tokens, at)


def is_signed(tokens: Tokens, at: int) -> bool:
    """Return whether a minus sign immediately precedes the number at a token. A hyphen in a range,
    a name or a list is not treated as a minus sign.

    >>> from .book import read_text
    >>> [
    ...     is_signed(read_text(t), len(read_text(t)) - 1)
    ...     for t in ("T-score -5", "-5", "18-65", "IL-5", "- 5", "at 1 -5")
    ... ]
    [True, True, False, False, False, False]
    """
    sign = at - 1
    if sign < 0:
        return False
    if tokens.codes[sign] != "-":
        return False
    if not tokens.joined(at):
        return False
    before = sign - 1
    if before < 0 or tokens.codes[before] == "\n":
        return True
    # "at 1 -5" is a range
    if tokens.codes[before] in _DIGITS:
        return False
    return not (tokens.joined(sign) and joins_words(tokens, before))


def joins_words(tokens: Tokens, at: int) -> bool:
    """Return whether a hyphen directly after a token joins it to the next word or number."""
    if tokens.words[at][-1].isalnum():
        return True
    return tokens.codes[at] in _JOINING


# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LETTER_REACH = 24
"""Number of tokens before and after a "D" or "W" that are searched for evidence that the letter is
not a time unit.
"""


@value_class()
class Duration:
    """A duration of ``low`` to ``high`` units in the tokens ``first:end``. ``low`` and ``high`` are
    equal for a single number. ``is_sum`` means that the duration is stated in two units, as in
    "5 years and 10 months".
    """

    low: Numeric
    high: Numeric
    unit: TimeUnit
    first: int
    end: int
    is_sum: bool = False

    @property
    def days(self) -> float | None:
        """The upper end of the duration in days, or None if the unit is a cycle."""
        if self.unit in DAYS:
            return self.high * DAYS[self.unit]
        return None


@keep
def find_durations(tokens: Tokens) -> tuple[Duration, ...]:
    """Return every number with a time unit, in order.

    >>> text = "within 2-4 weeks, for six (6) months, a 21-day cycle"
    >>> [(d.low, d.high, d.unit.value) for d in find_durations(read_text(text))]
    [(2, 4, 'week'), (6, 6, 'month'), (21, 21, 'day')]
    >>> [
    ...     (d.low, d.unit.value)
    ...     for d in find_durations(read_text("under 5 years and 10 months"))
    ... ]
    [(70, 'month')]
    >>> find_durations(read_text(f"{'9' * 400} days"))  # a number that is too large
    ()
    """
    return tuple(filter(None, map(_read_duration, rule("duration").find(tokens))))


def _read_duration(match: RuleMatch) -> Duration | None:
    """Return the duration in a match of the rule ``duration``. Return None if the number or unit
    cannot be read, or if the match is a rate or another measure.

    A sum of years and fewer than twelve months is converted to months.
    """
    first = match.first
    end = match.end
    # as in "a year or longer"
    single = match.read("single")
    if single:
        return Duration(1, 1, TimeUnit(single.lower()), first, end)
    # as in "two decades"
    many = match.read("many")
    if many:
        units_in_one, unit_of_many = _MANY[many.lower().removesuffix("s")]
        count = _read_part(match, "count") or 1
        length = units_in_one * count
        return Duration(length, length, unit_of_many, first, end)
    low = _read_part(match, "low")
    high = low
    if match.has("high"):
        high = _read_part(match, "high")
    unit = read_time_unit(match.read("unit"))
    if low is None or high is None or unit is None:
        return None
    if _is_no_time(match):
        return None
    if _is_rate(match, low):
        return None
    months = _read_part(match, "months")
    if unit is not TimeUnit.YEAR or months is None or months >= MONTHS_OF_YEAR:
        return Duration(low, high, unit, first, end)
    # In "2-5 years and 6 months", the months belong to the upper end.
    months_of_low: Numeric = 0
    if low == high:
        months_of_low = months
    return Duration(
        low=low * MONTHS_OF_YEAR + months_of_low,
        high=high * MONTHS_OF_YEAR + months,
        unit=TimeUnit.MONTH,
        first=first,
        end=end,
        is_sum=True,
    )


def _is_rate(duration: RuleMatch, value: float) -> bool:
    """Return whether a number is a rate per time unit: "4 a day", but not "half a day"."""
    unit, _ = duration.place("unit")
    if value < 1:
        return False
    return duration.tokens.words[unit - 1].lower() in ("a", "an")


def _is_no_time(duration: RuleMatch) -> bool:
    """Return whether the letter after a number is not a time unit: "D" for dioptres ("-6 D",
    "0.75 D"), "W" for watts ("cycled at 25W"), or a rate ("5 h-1").
    """
    tokens = duration.tokens
    # "5 h-1" is a rate per hour
    if tokens.gap(duration.end) == "-" and tokens.words[duration.end] == "1":
        return True
    if duration.read("unit") not in ("D", "W"):
        return False
    number, _ = duration.place("low")
    is_decimal = not tokens.words[number].isalnum()
    # "0.75 D" and "-6 D" are always dioptres
    if is_decimal or is_signed(tokens, number):
        return True
    # "25 W" is watts near a word such as "cycled"
    first = max(0, duration.first - _LETTER_REACH)
    end = duration.end + _LETTER_REACH
    return rule("letter_of_a_measure").occurs(tokens, first, end)


def _read_part(match: RuleMatch, name: str) -> Numeric | None:
    """Return the number in a named part of a match; None if the part did not match or is not a
    number.
    """
    return read_number(match.read(name))


@lru_cache(maxsize=256)
def read_time_unit(text: str) -> TimeUnit | None:
    """Return the time unit for a word or abbreviation; None if it is not a time unit.

    >>> read_time_unit("wks"), read_time_unit("day(s)"), read_time_unit("mg")
    (<TimeUnit.WEEK: 'week'>, <TimeUnit.DAY: 'day'>, None)
    """
    word = text.lower().removesuffix("(s)").rstrip(".")
    for entry in terms_of("time_units"):
        if word in entry.terms or word in entry.also:
            return TimeUnit(entry.value)
    return None
