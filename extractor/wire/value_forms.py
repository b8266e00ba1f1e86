"""Read values that a model writes as one short string: "AST: <= 3 x ULN", "300 mg/m2", "21 day",
"CTCAE | 5.0".

Small models are good at copying words but bad at filling in nested numbers; a string also takes
only a third as many tokens. If a reader cannot read a string, it raises a ``ValueError`` that
states the allowed form; ``show_value`` writes a value in that form.
"""

import re
from typing import TypeVar

from extractor.language.book import find_terms, read_term, read_text, rule
from extractor.language.clean import clean_text
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.measures import scale_alike
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    CriterionGroup,
    GroupRule,
    Instrument,
    Maximum,
    MaximumPer,
    Period,
    Quantity,
    TimePoint,
    TimeUnit,
    TimeWindow,
)
from extractor.schemas.vocabulary import LOWER, UPPER

TimedT = TypeVar("TimedT", Age, Period, TimePoint)

_LIMIT = re.compile(r"(?P<name>.*:|[^<>=≤≥]*)(?P<stated>.*)", re.DOTALL)
"""Matches the name of a quantity (up to the last colon or, if there is no colon, up to the first
comparison sign), followed by its limit.
"""
_EXPOSURE = re.compile(r"\A\s*AUC\s*(?:of|=|:)?\s*(\d.*)", re.IGNORECASE | re.DOTALL)
"""Matches a carboplatin dose, whose unit precedes the number."""
_SECOND_PART = re.compile(
    r"\A(?:([^\W\d]+)\s?/\s?[\d.,]+\s?\1\b|/\s?[\d.,]+\s?(?=[^\W\d]))"
)
"""Matches the second amount of a fixed combination, with the unit of both amounts: "/100 mg" after
600, or "mg/100 mg".
"""
_HALF_LIFE = re.compile(r"half[ _-]?li(?:fe|ves)")
_VERSION = re.compile(
    r"(?P<name>.{1,300}?)(?:\s{0,9}\|\s*|[\s,]{1,9}v(?:ersion)?\.?\s*(?=\d))(?P<version>.*)",
    re.IGNORECASE,
)


def read_limit(text: str) -> Constraint:
    """Read a numeric limit that is written as "quantity: comparator number unit", optionally
    followed by " @ " and a condition.

    >>> limit = read_limit("neutrophils: >= 1.5 x 10^9 /L")
    >>> limit.quantity, limit.comparator.value, limit.value, limit.unit
    ('neutrophils', '>=', 1500000000, '/L')
    >>> limit = read_limit("ECOG: 0-2")
    >>> limit.comparator.value, limit.value, limit.value_high, limit.unit
    ('between', 0, 2, None)

    >>> str(read_limit("ALT: <= 5 x ULN @ with liver metastases"))
    'ALT: <= 5 x ULN (with liver metastases)'
    """
    text, _, condition = (part.strip() for part in text.partition(" @ "))
    parts = _LIMIT.fullmatch(text)
    name = clean_text(parts["name"]).text.strip(" :") if parts else ""
    limit = _read_unnamed(parts["stated"]) if parts and name else None
    if limit is None:
        raise ValueError(
            f'{text!r}: write a limit as "quantity: comparator number unit", such as "AST: <= 3 x '
            'ULN"'
        )
    return Constraint(
        quantity=name, condition=_drop_placeholder(condition), **limit.model_dump()
    )


def read_quantity(written: str) -> Quantity:
    """Read a limit without the name of its quantity: "comparator number unit".

    >>> quantity = read_quantity("<= 40 %")
    >>> quantity.comparator.value, quantity.value, quantity.unit
    ('<=', 40, '%')
    >>> (
    ...     read_quantity("at least 3").comparator.value,
    ...     read_quantity("18 or more").comparator.value,
    ... )
    ('>=', '>=')
    """
    quantity = _read_unnamed(written)
    if quantity is None:
        raise ValueError(
            f'{written!r}: write a quantity as "comparator number unit", such as ">= 40 %" or "3-5"'
        )
    return quantity


def _read_unnamed(stated: str) -> Quantity | None:
    """Read a comparator, a number or range, and a unit; return None if there is no number, or only
    one for a range. Words for a comparator may follow the number or the unit ("18 or older"). A
    power of ten after the second number also applies to the first ("1-2 x 10^6").
    """
    # "40 %" needs no sign at the start; after other words, as in "LVEF >= 40 %", it needs one
    tokens = _read_tokens(f": {stated.rstrip(' .')}")
    form = rule("answered_limit")
    match = form.starts(tokens, 0) or form.search(tokens, 1)
    if not match:
        return None
    comparator = Comparator.EQUAL.value
    unit = tokens.text[tokens.ends[match.end - 1] :].strip()
    sign = match.part("sign") or match.part("bare")
    stated_sign = sign and read_term("comparators", tokens, *sign)
    if stated_sign:
        comparator = stated_sign.value
    for suffix in find_terms(tokens, "comparator_suffixes", match.end):
        is_at_number = suffix.first == match.end
        # unlike that of another number, as in "5 mg, then 10 mg or more in week 2"
        if not sign and (is_at_number or suffix.end == len(tokens)):
            comparator = suffix.value
            unit = tokens.read(match.end, suffix.first) or tokens.read(
                suffix.end, len(tokens)
            )
    high = None
    if match.has("high"):
        high = read_bare_number(match.read("high"))
        comparator = Comparator.BETWEEN
    elif comparator == Comparator.BETWEEN:
        return None
    if match.has("factor"):  # "<= x 5 ULN"
        unit = f"x {unit}"
    return Quantity(
        comparator=Comparator(comparator),
        value=scale_alike(read_bare_number(match.read("low")), match.read("high")),
        value_high=high,
        unit=unit or None,
    )


def read_bare_number(text: str) -> int | float:
    """Read a number without a unit, in digits or words.

    >>> read_bare_number("1,500"), read_bare_number("three")
    (1500, 3)
    """
    stated = text.strip()
    value = read_number(stated.removeprefix("-").strip())
    if value is None:
        raise ValueError(f"{text!r}: write only a number, such as 3 or 1.5")
    if stated.startswith("-"):
        return -value
    return value


def read_whole_number(text: str) -> int:
    """Read a whole number without a unit, in digits or words."""
    number = read_bare_number(text)
    if number != int(number):
        raise ValueError(f"{text!r}: write a whole number")
    return int(number)


def read_truth(text: str) -> bool:
    """Read "true" or "false", or "yes" or "no"."""
    truths = {"true": True, "yes": True, "false": False, "no": False}
    truth = truths.get(text.casefold())
    if truth is None:
        raise ValueError(f"{text!r}: write true or false")
    return truth


def read_amount(text: str) -> Amount:
    """Read a dose written as "number unit", "low-high unit" or "up to number unit".

    >>> amount = read_amount("1-2 x 10^6 cells/kg")
    >>> amount.low, amount.high, amount.unit
    (1000000, 2000000, 'cells/kg')
    >>> read_amount("AUC 6") == read_amount("6 AUC")
    True

    Only the first part of a fixed combination is read ("600/100 mg", "600 mg/100 mg"); "5 mg/0.5
    mL" keeps its volume. The numbers of the arms that receive the dose may follow: "10 mg @ 1,2",
    and the words that say for whom it is: "10 mg | body weight <= 30 kg". A dose without a unit,
    such as "5", is rejected.
    """
    text, _, condition = text.partition(" | ")
    text, _, arms = text.partition(" @ ")
    stated = _read_unnamed(_EXPOSURE.sub(r"\1 AUC", text))
    unit = _SECOND_PART.sub(r"\1", stated.unit or "") if stated else ""
    has_unit = unit[:1].isalpha() or unit.startswith("%")
    if stated is None or not has_unit:
        raise ValueError(
            f'{text!r}: write a dose as a number and a unit, such as "300 mg/m2", "1-2 mg" or "up '
            'to 40 mg"'
        )
    low: float | None = stated.value
    high = low if stated.value_high is None else stated.value_high
    # "at least 5 mg" has no upper end
    if stated.comparator in LOWER:
        high = None
    if stated.comparator in UPPER:
        low = None
    return Amount(
        low=low,
        high=high,
        unit=unit,
        arms=tuple(re.findall(r"\d+", arms)),
        condition=_drop_placeholder(condition.strip()),
    )


def read_maximum(text: str) -> Maximum:
    """Read a cap on a dose, "number unit/dose", in which "dose" may also be "day", "week", "cycle"
    or "total".

    >>> str(read_maximum("10 mg/day")), str(read_maximum("300 mg"))
    ('10 mg per day', '300 mg per dose')
    """
    stated, _, last = text.strip().rpartition("/")
    per = MaximumPer.__members__.get(last.strip().upper())
    # "5 mg/kg" is a cap of a dose
    amount = read_amount(stated if per else text)
    value = amount.low if amount.high is None else amount.high
    if value is None:
        raise ValueError(f'{text!r}: write a maximum such as "10 mg/day"')
    return Maximum(value=value, unit=amount.unit, per=per or MaximumPer.DOSE)


def read_time(kind: type[TimedT], text: str) -> TimedT:
    """Read an age, a duration or a time point (``kind``), with the unit after or before the number.

    >>> read_time(Period, "21 day")
    Period(value=21, unit=<TimeUnit.DAY: 'day'>)
    >>> read_time(TimePoint, "day 30") == read_time(TimePoint, "30 days")
    True
    """
    # "day 30" is also tried as "30 day"
    unit, _, number = text.strip().partition(" ")
    for written in (text, f"{number} {unit}"):
        duration = next(iter(find_durations(_read_tokens(written))), None)
        if duration and duration.low == duration.high:
            return kind(value=duration.low, unit=duration.unit)
    raise ValueError(
        f'{text!r}: write a time as one number and a unit, such as "30 day" or "2 year"'
    )


def read_window(text: str) -> TimeWindow | str:
    """Read a time limit: its quote, followed (separated by bars) by its sense, the event or
    treatment that it limits, and its anchor. If only the quote is given, it is returned unchanged,
    and the rules determine the sense later.

    >>> window = read_window(
    ...     "steroids within 6 months of screening | <= 6 month | steroids | of screening"
    ... )
    >>> window.comparator.value, window.of, window.anchor
    ('<=', 'steroids', 'of screening')
    >>> read_window("within 6 months of screening")
    'within 6 months of screening'
    """
    parts = [part.strip() for part in text.split("|", 3)]
    # the parts that are left out are empty
    quote, sense, of, anchor = parts + [""] * (4 - len(parts))
    limit = _read_unnamed(sense)
    if limit is None:
        return text.strip(" |")
    written = limit.unit or ""
    unit = read_time_unit(written)
    # the unit of "<= 5 half-lives"
    if _HALF_LIFE.fullmatch(written):
        unit = TimeUnit.HALF_LIFE
    if unit is None:
        raise ValueError(f'{sense!r}: write a time as "<= 6 month"')
    sides = limit.model_dump() | {"unit": unit}
    return TimeWindow(
        quote=quote, of=_drop_placeholder(of), anchor=_drop_placeholder(anchor), **sides
    )


def _drop_placeholder(words: str) -> str | None:
    """Return the words that a model wrote; None for a placeholder, such as "-" or "none"."""
    if words.strip("-").casefold() in ("", "null", "none"):
        return None
    return words


def read_group_rule(text: str) -> CriterionGroup:
    """Read how many items of a group must apply: "all", "any", a number, or a range of numbers. "1"
    means any.

    >>> [str(read_group_rule(text)) for text in ("any", "1", "2", "2-4")]
    ['any of', 'any of', 'at least 2 of', '2 to 4 of']
    """
    stated = text.strip().casefold()
    # models write "at least one of" as 1
    rules = {"any": GroupRule.ANY, "1": GroupRule.ANY, "all": GroupRule.ALL}
    if stated in rules:
        return CriterionGroup(id="", rule=rules[stated])
    numbers = re.fullmatch(r"(\d{1,2})(?:\s?-\s?(\d{1,2}))?", stated)
    if not numbers:
        raise ValueError(
            f'{text!r}: write a rule as "all", "any", or a number: "2", "2-4"'
        )
    most = int(numbers[2]) if numbers[2] else None
    return CriterionGroup(
        id="", rule=GroupRule.AT_LEAST, n=int(numbers[1]), n_high=most
    )


def read_instrument(text: str) -> Instrument:
    """Read a grading system, with an optional version after a bar or "v".

    >>> read_instrument("CTCAE | 5.0") == read_instrument("CTCAE v5.0")
    True
    """
    match = _VERSION.fullmatch(text.strip())
    if match:
        return Instrument(name=match["name"], version=match["version"].strip() or None)
    return Instrument(name=text.strip())


def _read_tokens(text: str) -> Tokens:
    return read_text(clean_text(text.strip()).text)


def show_value(value: object) -> str:
    """Write a value in its short form.

    >>> (
    ...     show_value(Amount(low=1, high=2, unit="mg")),
    ...     show_value(Period(value=21, unit="day")),
    ...     show_value(True),
    ... )
    ('1-2 mg', '21 day', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
