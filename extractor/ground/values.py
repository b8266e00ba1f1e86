"""Find numbers and their comparators in tokens, to compare a value with them."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import NamedTuple

from extractor.mentions.limit import is_below_zero, turn_comparator
from extractor.mentions.limit_names import find_quantity
from extractor.schemas import Comparator
from extractor.text.book import find_terms, rule, word_set
from extractor.text.lexer import Range, Tokens
from extractor.text.numbers import (
    MONTHS_OF_YEAR,
    ROMAN,
    TIMES,
    has_minus,
    list_readings,
    read_number,
)
from extractor.text.quantity_names import find_exactly
from extractor.text.units import find_unit


class Number(NamedTuple):
    """``tokens.words[first:end]`` reads as a number."""

    first: int
    end: int
    value: float


ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
ORDINALS |= {"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_GRADED = frozenset({"degree", "grade", "line", "stage", "class"})
"""What an ordinal counts as a number does: "second-degree block", "third line"."""


@lru_cache(maxsize=128)
def find_numbers(tokens: Tokens, first: int = 0, end: int | None = None) -> tuple[Number, ...]:
    """Every number, in digits, words or Roman numerals, from left to right. Several values of one line share a search.

    A number with another reading is found twice: with a dot before three digits (a comma marks thousands, as in
    English); after a minus that may be a dash; before a plus and days, which may be weeks of a pregnancy ("28+6");
    before years and months ("5 years and 10 months" are 70); before the power of ten at the end of its range or list
    ("3-4 million", "1, 3 and 10 x 10^6").

    >>> from extractor.text.book import read_text
    >>> [number.value for number in find_numbers(read_text("NYHA III-IV, two of 1,500, at most -2.5"))]
    [3, 4, 2, 1500, -2.5]
    >>> sorted(number.value for number in find_numbers(read_text("1, 3 and 10 x 10^6")))
    [1, 3, 1000000.0, 3000000.0, 10000000]
    """
    end = len(tokens) if end is None else end
    found, last = list[Number](), first
    plain: list[Number] = []
    """The numbers of the list so far that have no power of ten of their own."""
    for place in rule("number").find(tokens, first, end):
        value, *others = list_readings(place.text) or (None,)
        if place.first < last or value is None:
            continue
        others = [] if "," in place.text else others
        last = place.end
        if plain and not _goes_on(tokens, plain[-1].end, place.first):
            plain.clear()
        if value and last > place.first + 1:
            scale = value / (read_number(tokens.words[place.first]) or value)
            found += (each._replace(value=float(f"{each.value * scale:.12g}")) for each in plain)
            plain.clear()
        else:
            plain.append(Number(place.first, last, value))
        found += (Number(place.first, last, reading) for reading in (value, *others))
        if weeks := rule("weeks_and_days").starts(tokens, place.first, end):
            days = read_number(tokens.words[weeks.end - 1]) or 0
            found += [Number(place.first, weeks.end, round(value + days / 7, 2))] if days < _WEEK else []
        if part := rule("months_of_years").starts(tokens, last + 1, end):
            months = read_number(part.read("months") or "") or 0
            found += [Number(place.first, part.end, value * MONTHS_OF_YEAR + months)] if months < MONTHS_OF_YEAR else []
        if has_minus(tokens, place.first):
            if is_below_zero(tokens, place.first, last):
                while found and found[-1].first == place.first:
                    found.pop()
            found.append(Number(place.first - (tokens.codes[place.first - 1] == "-"), last, -value))
    return tuple(sorted([*found, *_find_counts(tokens, first, end)]))


def _find_counts(tokens: Tokens, first: int, end: int) -> Iterator[Number]:
    """Roman numerals, "twice", "single", and ordinals of what is graded."""
    for at in range(first, end):
        word = tokens.words[at].lower()
        counted = (
            ROMAN.get(tokens.words[at])
            or TIMES.get(word)
            or (word == "single" and tokens.text[tokens.ends[at] : tokens.ends[at] + 1] != "-")
        )
        if word in ORDINALS and at + 1 < end and tokens.words[at + 1].lower() in _GRADED:
            counted = ORDINALS[word]
        if counted and not (tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"):
            yield Number(at, at + 1, counted)


def _goes_on(tokens: Tokens, end: int, first: int, *joints: str) -> bool:
    """Whether only a word or sign that joins the numbers of a list or range stands between two of them."""
    if 0 < end == first < len(tokens):  # in "II-III" the hyphen is no token
        return tokens.text[tokens.ends[end - 1] : tokens.starts[first]] == "-"
    return any(rule(name).covers(tokens, end, first) for name in joints or ("through", "joins_numbers"))


_WEEK = 7


_RANGE_GAP = 8  # ">= 18 years and <= 65"
_LONGEST_RANGE = 12
_MOST_PLACES = 500
"""The most places of one number that are looked at in a text. No line of a record states a number more often."""


def find_together(tokens: Tokens, values: tuple[float | None, ...]) -> Iterator[Range]:
    """The first places of the number, or of both numbers in a row, the higher one first or last."""
    return islice(_find_together(tokens, values), _MOST_PLACES)


def _find_together(tokens: Tokens, values: tuple[float | None, ...]) -> Iterator[Range]:
    wanted = [value for value in values if value is not None]
    found = find_numbers(tokens)
    for position, number in enumerate(found):
        if number.value in wanted:
            if len(wanted) == 1:
                yield number.first, number.end
            elif number.value == wanted[0]:
                last = _find_other(tokens, found[position : position + _LONGEST_RANGE], wanted[1])
                if last and _measure_the_same(tokens, number.end, last) and not _is_cut(tokens, found, number, last):
                    yield number.first, last
            else:
                last = _find_other(tokens, found[position : position + 3], wanted[0])
                if last and _is_downward(tokens, number, last) and _measure_the_same(tokens, number.end, last):
                    yield number.first, last


def _is_cut(tokens: Tokens, found: Sequence[Number], low: Number, end: int) -> bool:
    """Whether a range is a part of a list that goes on: the "0, 1" and the "1 or 2" of "0, 1 or 2"."""
    high = next(one for one in found if one.end == end)
    before = max((one for one in found if one.end <= low.first), default=None, key=lambda one: one.end)
    behind = next((one for one in found if one.first >= end), None)
    last = max((one for one in found if one.end <= high.first), default=low, key=lambda one: one.end)
    joint = _read_joint(tokens, last, high)
    if not joint or not _read_joint(tokens, low, next(one for one in found if one.first >= low.end)):
        return False  # the "20" and "160" of "20/30 to 20/160" are of two ratios
    if behind and (more := _read_joint(tokens, high, behind)):
        apart = more == "," != joint and _skip_graded(tokens, behind.end) > behind.end
        if not apart or _skip_graded(tokens, end) > end:  # "0 or 1, 2 weeks apart" ends before the comma
            return True
    return before is not None and (
        bool(_read_joint(tokens, before, low)) or _goes_on(tokens, before.end, low.first, "through")
    )


def _read_joint(tokens: Tokens, one: Number, other: Number) -> str:
    """What joins two numbers in a row of a list, each with its unit, or the second with the same word before it."""
    again = one.first > 0 and tokens.words[one.first - 1].lower() == tokens.words[other.first - 1].lower()
    ends = [one.end, *([_skip_graded(tokens, one.end)] if _skip_graded(tokens, other.end) > other.end else [])]
    places = [(end, max(end, first)) for end in ends for first in {other.first, other.first - again}]
    found = (rule("list_goes_on").covers(tokens, *place) for place in places)
    return next((each.text for each in found if each), "")


def _skip_graded(tokens: Tokens, at: int) -> int:
    """The token after the unit of a number, or after the plus of a score."""
    graded = tokens.joined(at) and tokens.words[at] == "+"
    return at + 1 if graded else skip_unit(tokens, at)


def _measure_the_same(tokens: Tokens, first: int, last: int) -> bool:
    """Whether two numbers that have units have the same, up to denominators: "5 mg and 10 kg" is no range."""
    units = [find_unit(tokens, end) for end in (first, last)]
    return len({unit.parts[0].code for unit in units if unit}) < 2


def _is_downward(tokens: Tokens, upper: Number, end: int) -> bool:
    """Whether a range has its upper end first: "14-0", "<= 100 and > 54", "-2 to -6"."""
    lower = next(number for number in find_numbers(tokens, upper.end, end) if number.end == end)
    signs = find_comparator(tokens, (upper.first, upper.end)), find_comparator(tokens, (lower.first, lower.end))
    opposite = signs[0] in _MAXIMA and signs[1] in _MINIMA
    if opposite or rule("through").covers(tokens, upper.end, lower.first):
        return True
    # "between -0.75 D and -6 D"
    joint = rule("range_joint").covers(tokens, skip_unit(tokens, upper.end), lower.first)
    return upper.value < 0 and joint is not None


def _find_other(tokens: Tokens, found: Sequence[Number], wanted: float) -> int | None:
    """The end of the other bound: the number after the first of ``found`` and its unit, or the last one of its list."""
    end = found[0].end
    for first, readings in groupby(found[1:], key=lambda number: number.first):
        # In "III/IV" the numeral behind the slash is no unit.
        behind, others = end if tokens.words[end:first] == ["/"] else skip_unit(tokens, end), list(readings)
        if first < behind or rule("over_number").starts(tokens, others[0].end):
            continue  # another reading of the same number, the "2" of "kg/m^2", the second "20" of "20/40 to 20/80"
        if first - behind > _RANGE_GAP:
            return None
        if stated := next((other.end for other in others if other.value == wanted), None):
            return stated
        if not rule("joins_numbers").covers(tokens, end, first):
            return None
        end = others[-1].end
    return None


def skip_unit(tokens: Tokens, at: int) -> int:
    """The token after the unit of a number, and after its conversion in brackets: "50 kg (110 pounds)"."""
    place, limit = find_unit(tokens, at), rule("limit_unit").starts(tokens, at)
    end = max(at, place.end if place else at, limit.end if limit else at)
    conversion = rule("conversion_after").starts(tokens, end)
    return conversion.end if conversion else end


COMPARED, _AFTER = 14, 24
_NEAR = 6  # "2 years or older": a comparator may closely follow its number


def find_comparator(tokens: Tokens, place: Range, shared_by: int = _LONGEST_RANGE) -> Comparator | None:
    """The comparator of a number: the last one before it with no other number between, else one directly after it.

    At most ``shared_by`` numbers before it share theirs with it.
    """
    low = max(0, place[0] - COMPARED)
    numbers = [number for number in find_numbers(tokens, low, place[0]) if number.end <= place[0]]
    between = max((number.end for number in numbers), default=low)
    ended = between
    for suffix in find_terms(tokens, "comparator_suffixes", between, place[1]) if numbers else ():
        if suffix.end <= place[0] and tokens.words[suffix.first].lower() in ("or", "and"):
            between = suffix.end  # "aged 60 and above with 3 or more": the other number's comparator
    if terms := find_terms(tokens, "comparators", between, place[0]):
        return Comparator(terms[-1].value)
    if numbers and between == ended and (shared := rule("shared_comparator").covers(tokens, between, place[0])):
        last = max(numbers, key=lambda number: (number.end, -number.first))
        stated = find_comparator(tokens, (last.first, last.end), shared_by - 1) if shared_by else None
        through = "to" in shared.text.lower().split()  # the upper end: ">= 2 weeks to 4 months"
        return Comparator.AT_MOST if through and stated in (Comparator.MORE, Comparator.AT_LEAST) else stated
    if rule("within_before").ends(tokens, place[0], max(between, place[0] - 2)):
        return Comparator.AT_MOST
    if rule("limit_plus").starts(tokens, place[1]) and tokens.joined(place[1]):  # "65+ years"
        return Comparator.AT_LEAST
    suffixes = find_terms(tokens, "comparator_suffixes", place[1], min(len(tokens), place[1] + _AFTER))
    return Comparator(suffixes[0].value) if suffixes and suffixes[0].first - place[1] < _NEAR else None


def find_turned(tokens: Tokens, place: Range, quantity: str, unit: str | None) -> Comparator | None:
    """The comparator of "1 or better" or "worse than -12 dB", if the direction of the quantity's scale is known."""
    end = place[1]
    while end < min(len(tokens), place[1] + _NEAR) and not rule("turned").starts(tokens, end):
        end += 1
    turned = rule("turned").starts(tokens, end) or rule("turned_before").ends(tokens, place[0], place[0] - 4)
    return turn_comparator(turned.text, quantity, unit) if turned else None


def is_denied(tokens: Tokens, place: Range, stated: Comparator | None, comparator: Comparator | None) -> bool:
    """Whether the text forbids the opposite: "must not be below 8" and "below 8 is not allowed" for "at least 8"."""
    compared = [term.first for term in find_terms(tokens, "comparators", max(0, place[0] - COMPARED), place[0])]
    end = compared[-1] if compared else place[0]  # "no more than 2" denies nothing
    denied = stated is not None and stated.opposite is comparator
    behind = rule("not_permitted_behind").starts(tokens, place[1])
    return denied and (behind or rule("not_before").ends(tokens, end, end - 20)) is not None


def find_open_end(tokens: Tokens, place: Range, value: float, joint: str) -> Comparator | None:
    """What the end of a range states alone: the 2 of "2-5" is a minimum, the 5 a maximum. None of any other number."""
    found, end = find_numbers(tokens), skip_unit(tokens, place[1])
    near = [one for one in found if one.end <= place[0] <= one.end + _RANGE_GAP]
    others = {one.value for one in near if _goes_on(tokens, skip_unit(tokens, one.end), place[0], joint)}
    others |= {one.value for one in found if end <= one.first <= end + 1 and _goes_on(tokens, end, one.first, joint)}
    ends = {Comparator.AT_LEAST if value < other else Comparator.AT_MOST for other in others}
    return ends.pop() if len(ends) == 1 else None


def encloses(tokens: Tokens, place: Range, values: Sequence[float | None]) -> bool:
    """Whether two limits enclose what lies between them, and not what lies outside, as "below 5 or above 9" do.

    "Up to 2-3" is one range. Of two limits, the lower one is no maximum and the upper one no minimum.
    """
    ends = {one.value: one for one in find_numbers(tokens) if one.first == place[0] or one.end == place[1]}
    first, last = sorted(ends[value] for value in values if value is not None)
    if _goes_on(tokens, skip_unit(tokens, first.end), last.first, "through"):
        return True

    def compare(bound: Number) -> Comparator | None:
        graded = tokens.words[bound.end : bound.end + 1] == ["+"]  # the plus of "IHC 1+, 2+" is no "or more"
        shown = tokens.cut(0, bound.end if graded else place[1])  # "0 or 1, at least ...": that is of another number
        return find_comparator(shown, bound[:2])

    low, high = (compare(ends[value]) for value in values if value is not None)
    if low in _MAXIMA:  # "must not be below 5 or above 9"
        return high in _MINIMA and is_denied(tokens, first[:2], low, low.opposite)
    if low in _MINIMA and high is None:  # "18 or older and 65 or younger", not ">= 40 mm on a 100-mm scale"
        return find_comparator(tokens, last[:2]) in _MAXIMA
    return high not in _MINIMA


_MAXIMA, _MINIMA = (Comparator.LESS, Comparator.AT_MOST), (Comparator.MORE, Comparator.AT_LEAST)


def is_said_of(tokens: Tokens, subject: Range, place: Range) -> bool:
    """Whether a quantity and a number have no other quantity with its own number and comparator between them.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100, bilirubin < 2")
    >>> [is_said_of(tokens, (5, 6), place) for place in ((8, 9), (12, 13))]
    [True, False]
    """
    first, end = (subject[1], place[0]) if subject[1] <= place[0] else (place[1], subject[0])
    if first >= end:
        return True
    numbers = [number for number in find_numbers(tokens, first, end) if number.end <= end]
    compared = [term.first for term in find_terms(tokens, "comparators", first, end)]
    # The first number between belongs to another quantity if it has a comparator and a new subject follows it.
    own = next((number for number in numbers if any(at < number.first for at in compared)), None)
    return own is None or not any(is_subject(tokens, at) for at in range(own.end, end))


def is_of_another(tokens: Tokens, place: Range, named: Sequence[Range]) -> bool:
    """Whether a number limits another quantity than the one that is ``named`` at these places.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100, bilirubin < 2")
    >>> [is_of_another(tokens, place, [(5, 6)]) for place in ((3, 4), (8, 9), (12, 13))]
    [True, False, True]
    """
    ends = [number.end for number in find_numbers(tokens) if number.end <= place[0]]
    last = max(ends, default=0)
    if not named or any(last <= first and end <= place[0] for first, end in named):
        return False
    behind = min(named)
    if behind[0] >= place[1]:  # ">= 2, IGA >= 3", not "30 < BMI < 45"
        parted = not _PARTING.isdisjoint(map(str.lower, tokens.words[place[1] : behind[0]]))
        return parted and rule("own_number").starts(tokens, behind[1]) is not None
    compared = rule("comparison").ends(tokens, place[0], max(last, place[0] - COMPARED))
    other = find_quantity(tokens, last, compared.first if compared else place[0])
    ours, theirs = (find_exactly(tokens.read(*name)) if name else None for name in (named[0], other))
    return ours is not None and theirs is not None and ours.name != theirs.name and not theirs.weak


_PARTING = frozenset({",", ";", "and", "or"})


def is_subject(tokens: Tokens, at: int) -> bool:
    """Whether a word can name a quantity."""
    word = tokens.words[at]
    return len(word) > 2 and word.isalpha() and word.lower() not in _FILLERS and not find_unit(tokens, at)


_FILLERS = word_set(
    """
    and but also the than equal with for not nor more less least most greater higher lower above below over under within
    between minimum maximum inclusive old age aged either both normal predicted upper limit baseline
    """
)
