"""The pieces that limits are made of: comparators, numbers, ranges, units, and words behind the number."""

import re
from functools import lru_cache

from extractor.parse.numbers import NUMBER
from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_starts, find_words
from extractor.schemas import Comparator

from .alternatives import set_of

__all__ = [
    "CHAIN",
    "COMPARATOR",
    "GRADED",
    "LIMIT",
    "find_front",
    "has_number",
    "has_scale",
    "read_comparator",
    "read_grade",
    "read_suffix",
    "read_unit_of_time",
]

_COMPARATORS = load_vocabulary("comparators")
_SUFFIXES = load_vocabulary("comparator_suffixes")
_TIMES = load_vocabulary("time_units")
_SCALES = load_vocabulary("graded_scales")

COMPARATOR = f"(?:{_COMPARATORS.pattern})"
IN_FRONT = re.compile(
    rf"(?P<comparator>{COMPARATOR})[\s:]{{0,3}}(?:\(?(?:a|an|the|or\s+equal\s+to|of|or|than|to|score|grade|ages?)\s+){{0,3}}$",
    re.IGNORECASE,
)
"""The comparator directly in front of a number: search it in a stretch that ends there."""

_LAST = re.compile(r"(?:(?P<word>[A-Za-z]+)|[^\sA-Za-z:(])[\s:(]*$")
_LAST_WORDS = frozenset(
    {
        re.findall(r"[a-z]+", term.lower())[-1]
        for entry in _COMPARATORS.entries
        for term in entry.terms
        if term[-1].isalpha()
    }
    | set_of("a an the to of or than score grade age ages s")
)


def find_front(text: str, floor: int, start: int) -> re.Match[str] | None:
    """The comparator in front of a number at ``start``, not before ``floor``; None if there is none.

    >>> find_front("platelets of at least 75", 0, 22)["comparator"]
    'at least'
    """
    last = _LAST.search(text, max(floor, start - 20), start)
    if not last or (last["word"] and last["word"].lower() not in _LAST_WORDS):
        return None
    places = find_starts(text, max(floor, start - _FRONT), start)
    return next((found for place in places if (found := IN_FRONT.match(text, place, start))), None)


_FRONT = 48
"""How many characters in front of a number a comparator may take up."""

_PER = (
    r"(?:(?:cells?|platelets|neutrophils|copies|units|mg|ug|mcg|ng|mL|cc|g|million)\s+)?per\s+(?:cubic\s+millimet(?:er|re)"
    r"|micro-?lit(?:er|re)|decilit(?:er|re)|millilit(?:er|re)|lit(?:er|re)|minute|mm\^?3|[μum]?L\b|dL\b|kg\b|high\s+power\s+field)"
)
_SLASH = (
    r"(?!(?:and|or|yes|male|years?|months?|days)\s?/)(?:[A-Za-zμ%]{1,12}(?:\^?[23])?\s?)?/\s?"
    r"(?:[A-Za-zμ]{1,12}|1\.73\s?m\^?2|100\s?mL)(?:\^?[23](?!\d))?(?:\s?/\s?(?:1\.73\s?m\^?2|[A-Za-z]{1,8}))*"
)
_TIME = rf"(?:(?:consecutive|continuous|complete|full|calendar|or\s+more)\s+)?(?:{_TIMES.pattern})"
_BEHIND_UNIT = r"(?:\s?[(\[](?!incl)[A-Za-zμ%/]{1,12}[)\]]|\s?daily\b)?"
"""What repeats or completes a unit: "kilogram (kg)", "mg daily"."""

_UNIT = rf"(?:(?:{_SLASH}|{_PER}|{load_vocabulary('limit_units').pattern}){_BEHIND_UNIT}|{_TIME})"
_JOINS = r"(?:-|to|~|and|or|[<>≥≤]|but|through|until)"

LIMIT = re.compile(
    rf"""
    (?P<low>{NUMBER})(?:\s?\(\d+\)(?=\s))?
    (?P<low_unit>[\s-]?{_UNIT}(?=\s?(?:old\s|of\s+age\s)?\s?{_JOINS}))?(?:\s+(?:old|of\s+age)(?=\s+(?:to|and|-)))?
    (?:\s{{0,2}}(?P<join>-|~|to|and|through|until)\s{{0,2}}(?P<second>{COMPARATOR}\s?)?(?P<high>{NUMBER}))?
    (?P<unit>[\s-]{{0,2}}{_UNIT})?
    (?:[\s,]{{0,2}}(?:(?:of\s+age|old|in\s+age|of\s+life)[\s,]{{1,2}})?\(?(?P<suffix>{_SUFFIXES.pattern}))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A number, or a range, with what stands directly behind it."""

CHAIN = re.compile(
    rf"(?P<low>{NUMBER})(?P<low_unit>\s?{_UNIT})?\s?(?P<first><=|=<|≤|<)\s?(?P<quantity>[A-Za-z][\w /()-]{{0,40}}?)\s?"
    rf"(?P<second><=|=<|≤|<)\s?(?P<high>{NUMBER})(?P<unit>[\s-]?{_UNIT})?",
    re.IGNORECASE,
)
"""A quantity between two numbers ("18 years ≤ age ≤ 65 years")."""

_GRADE = r"(?:(?<![\w.])(?:\d{1,3}|(?-i:VI|IV|V|I{1,3}))(?!\w|\.\d|\s?(?:minutes|hours|days|weeks|months|years)\b))"
GRADED = re.compile(
    rf"""
    (?:(?P<before>{COMPARATOR})\s{{0,2}}(?P<between>[^.;,\d<>≥≤]{{0,60}}?))?
    (?P<scale>(?:{_SCALES.pattern})(?P<fill>(?:[^.,;\d<>≥≤=/]|/(?!\d)){{0,50}}?))
    (?:(?P<comparator>{COMPARATOR})[\s:(]{{0,3}}(?:(?:of|to|or\s+equal\s+to|grade|class|stage)\s+)?)?
    (?P<first>{_GRADE})(?P<more>(?:\s?(?:,|-|to|or|and|/|~|through)\s?(?:or\s|and\s)?\s?{_GRADE}){{0,4}})
    (?P<unit>\s?(?:%|points?\b))?(?!\s?(?:-|to|or|and|,|/)\s?(?:[IV]{{1,3}}|\d)\s?[A-Ca-c]\b|:\s)
    (?:[\s,]{{0,2}}\(?(?P<suffix>{_SUFFIXES.pattern}))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A scale, class or grade with its values, digits or Roman numerals."""

_ADJECTIVE = re.compile(r"(?:consecutive|continuous|complete|full|calendar|or\s+more)\s+", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_NUMBER_WORDS = set_of("one two three four five six seven eight nine ten twelve half")
_HAS_GRADE = re.compile(r"\d|\b[IV]{1,3}\b")
_SCALE_WORDS = frozenset(re.split(r"[^a-z]", term.lower())[0] for entry in _SCALES.entries for term in entry.terms)
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}


def has_number(text: str) -> bool:
    """Whether a text can hold a limit at all: a quick look before the grammar is asked."""
    return bool(_DIGIT.search(text)) or not _NUMBER_WORDS.isdisjoint(find_words(text))


def has_scale(text: str) -> bool:
    """Whether a text can hold a graded value at all."""
    return bool(_HAS_GRADE.search(text)) and not _SCALE_WORDS.isdisjoint(find_words(text))


def read_grade(text: str) -> int:
    """The value of a grade, in digits or Roman numerals.

    >>> read_grade("IV"), read_grade("2")
    (4, 2)
    """
    return int(text) if text.isdigit() else _ROMAN[text.upper()]


@lru_cache(maxsize=256)
def read_comparator(text: str | None) -> Comparator | None:
    """The comparator that words in front of a number stand for.

    >>> read_comparator("no more than").value, read_comparator(None)
    ('<=', None)
    """
    found = _COMPARATORS.first(text) if text else None
    return Comparator(found.value) if found else None


@lru_cache(maxsize=256)
def read_suffix(text: str | None) -> Comparator | None:
    """The comparator that words behind a number stand for.

    >>> read_suffix("or older").value
    '>='
    """
    found = _SUFFIXES.first(text) if text else None
    return Comparator(found.value) if found else None


@lru_cache(maxsize=256)
def read_unit_of_time(text: str | None) -> str | None:
    """The unit of time that ``text`` is as a whole, or None.

    >>> read_unit_of_time(" yrs"), read_unit_of_time("mg/day")
    ('year', None)
    """
    if not text:
        return None
    name = _ADJECTIVE.sub("", text.strip(" -\n\t"))
    found = _TIMES.first(f"1{name}")
    return found.value if found and found.end - found.start == len(name) else None
