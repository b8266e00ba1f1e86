"""Convert registry terms from all formats to the spelling used in the ClinicalTrials.gov API v2.

The terms are in ``registered_words.toml``. The text of sections is not changed, so that offsets
stay valid.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache

from extractor.resources import read_toml

_NO_LETTER = re.compile(r"[\W_]+")


@cache
def _list_spellings() -> Mapping[str, Mapping[str, str]]:
    """Return, for each field, a mapping from each folded spelling to its term."""
    tables = read_toml(__package__, "registered_words.toml")
    spellings: dict[str, dict[str, str]] = {}
    for field, words in tables.items():
        spellings[field] = {}
        for word, alternatives in words.items():
            for spelling in (word, *alternatives):
                spellings[field][_fold_word(spelling)] = word
    return spellings


def _fold_word(written: str) -> str:
    return _NO_LETTER.sub("", written).casefold()


def list_registered_words(field: str) -> tuple[str, ...]:
    """Return the terms of a field in their unified spelling.

    >>> list_registered_words("sex")
    ('FEMALE', 'MALE', 'ALL')
    """
    return tuple(dict.fromkeys(_list_spellings()[field].values()))


def unify_word(field: str, written: str) -> str:
    """Return a term in its unified spelling, or unchanged if the term or the field is unknown.

    >>> (
    ...     unify_word("sex", "Both"),
    ...     unify_word("arm_type", "Placebo Comparator"),
    ...     unify_word("status", "Paused"),
    ... )
    ('ALL', 'PLACEBO_COMPARATOR', 'Paused')
    """
    return _list_spellings().get(field, {}).get(_fold_word(written), written)


def is_nothing(written: str) -> bool:
    """Return True for a placeholder that a registry, R, pandas or Excel writes into an empty field.

    >>> is_nothing("N/A"), is_nothing("--"), is_nothing("18 Years")
    (True, True, False)
    """
    return not unify_word("nothing", written)


_MASKING = re.compile(r"(?P<degree>[^()]*)\((?P<who>[^()]*)\)")


def split_masking(written: str) -> tuple[str, tuple[str, ...]]:
    """Return the degree of masking and, if the field lists them in parentheses, the masked roles.

    A text that is a registered word as a whole has no separate roles. A text whose words before
    the parentheses are not a degree of masking is returned unchanged. In "None (Open Label)",
    nobody is masked.

    >>> (
    ...     split_masking("Double (Participant, Outcomes Assessor)"),
    ...     split_masking("None (Open Label)"),
    ... )
    (('DOUBLE', ('PARTICIPANT', 'OUTCOMES_ASSESSOR')), ('NONE', ()))
    """
    whole = unify_word("masking", written)
    is_registered = whole != written
    if is_registered:
        return whole, ()
    in_parts = _MASKING.fullmatch(written.strip())
    if in_parts is None:
        return written, ()
    degree = unify_word("masking", in_parts["degree"])
    if degree not in list_registered_words("masking"):
        return written, ()
    if degree == "NONE":
        return degree, ()
    roles: list[str] = []
    for part in re.split(r"[,;|]", in_parts["who"]):
        role = unify_word("who_masked", part.strip())
        if role:
            roles.append(role)
    return degree, tuple(roles)


_LONGEST = 500
"""Maximum number of characters in a text about phases. Longer text is returned unchanged."""
_NO_PHASE = re.compile(r"n[\W_]*a[\W_]*|not applicable\W*", re.IGNORECASE)
_ANSWER = re.compile(
    r"(?P<question>phase[^:;\n|]{0,80}):\s{0,9}(?P<answer>yes|no)\b", re.IGNORECASE
)
"""An answer in a form of the EU register, such as "Human pharmacology (Phase I): no"."""
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_NUMBER = r"(?:[0-4]|iv|i{1,3})[abc]?(?![a-z0-9])"
_NUMBERS = rf"{_NUMBER}(?:[\W_]*(?:(?:and|or|to)\W+)?{_NUMBER})*"
_AFTER_PHASE = re.compile(
    rf"(?P<early>early[\W_]*)?phases?[\W_]*(?P<numbers>{_NUMBERS})", re.IGNORECASE
)
_ONLY_NUMBERS = re.compile(rf"(?P<early>)(?P<numbers>{_NUMBERS})\W*", re.IGNORECASE)
_ONE_NUMBER = re.compile(
    r"(?P<number>[0-4]|iv|i{1,3})[abc]?(?![a-z0-9])", re.IGNORECASE
)


def split_phases(written: Iterable[str]) -> tuple[str, ...]:
    r"""Return the phases of a trial, without duplicates. Text without a phase is returned
    unchanged.

    >>> (
    ...     split_phases(["Phase 2/Phase 3"]),
    ...     split_phases(["N/A"]),
    ...     split_phases(["Early Phase 1"]),
    ... )
    (('PHASE2', 'PHASE3'), ('NA',), ('EARLY_PHASE1',))
    >>> split_phases(
    ...     ["Therapeutic exploratory (Phase II): yes\nTherapeutic use (Phase IV): no"]
    ... )
    ('PHASE2',)
    >>> split_phases(["IIb"]), split_phases(["Post-market"])
    (('PHASE2',), ('Post-market',))
    """
    phases: list[str] = []
    for field in written:
        for text in field.split("|"):
            phases += _read_phases(text.strip())
    return tuple(dict.fromkeys(phases))


def _read_phases(text: str) -> list[str]:
    """Return the phases that a text names, as API v2 spells them: ``NA`` if it states that the
    trial does not have a phase, or the text itself if it does not name a phase. In a form with
    questions, only the phases answered with "yes" are used.
    """
    if len(text) > _LONGEST:
        return [text]
    if _NO_PHASE.fullmatch(text):
        return ["NA"]
    if is_nothing(text):
        return []
    answers = list(_ANSWER.finditer(text))
    if answers:
        confirmed = [
            answer["question"]
            for answer in answers
            if answer["answer"].lower() == "yes"
        ]
        text = "; ".join(confirmed)
    mentions = list(_AFTER_PHASE.finditer(text))
    # "IIb" or "2/3", without the word "phase"
    only_numbers = _ONLY_NUMBERS.fullmatch(text)
    if only_numbers:
        mentions = [only_numbers]
    phases: list[str] = []
    for mention in mentions:
        for number in _ONE_NUMBER.finditer(mention["numbers"]):
            written = number["number"].lower()
            digit = _ROMAN.get(written, written)
            phase = f"PHASE{digit}"
            # phase 0 is now called early phase 1
            if digit == "0":
                phase = "EARLY_PHASE1"
            if digit == "1" and mention["early"]:
                phase = "EARLY_PHASE1"
            phases.append(phase)
    if not phases:
        return [text]
    return phases


_DATE_SHAPES = (
    "%Y-%m-%d",
    "%Y-%m",
    "%Y",
    "%Y/%m/%d",
    "%Y%m%d",
    "%B %d, %Y",
    "%B %Y",
    "%b %d, %Y",
    "%b %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%B-%Y",
)
_TIME_OF_DAY = re.compile(
    r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$"
)
_SEPT = re.compile(r"\bSept\b\.?", re.IGNORECASE)
_DAY_AND_MONTH = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})")


def read_date(written: str) -> str | None:
    """Return a registered date in ISO 8601 format with day, month or year precision and without a
    time of day. Returns None if the text is not a date or is ambiguous: "05/03/2019" could be in
    March or in May.

    >>> (
    ...     read_date("March 2019"),
    ...     read_date("March 5, 2019"),
    ...     read_date("2019-03-05T00:00:00.000Z"),
    ...     read_date("soon"),
    ... )
    ('2019-03', '2019-03-05', '2019-03-05', None)
    >>> read_date("1 Sept 2019"), read_date("Sept. 1, 2019"), read_date("Sept 2019")
    ('2019-09-01', '2019-09-01', '2019-09')
    >>> read_date("25/03/2019"), read_date("05/03/2019")
    ('2019-03-25', None)
    """
    text = _SEPT.sub("Sep", _TIME_OF_DAY.sub("", written.strip()))
    numbers = _DAY_AND_MONTH.fullmatch(text)
    # an ambiguous date becomes "", which has none of the shapes
    if numbers:
        text = _order_date(
            int(numbers[1]), int(numbers[3]), numbers[4], has_points=numbers[2] == "."
        )
    # strptime would read "201912" as a day in 2019
    if text.isdigit() and len(text) not in (4, 8):
        return None
    for shape in _DATE_SHAPES:
        with suppress(ValueError):
            day = datetime.strptime(text, shape)
            if "%d" in shape:
                return day.strftime("%Y-%m-%d")
            if shape == "%Y":
                return day.strftime("%Y")
            return day.strftime("%Y-%m")
    return None


def _order_date(first: int, second: int, year: str, *, has_points: bool) -> str:
    """Convert a date written as three numbers to ISO 8601 format, or return an empty string if the
    day and the month cannot be distinguished.
    """
    if second > 12:
        return f"{year}-{first:02}-{second:02}"
    # In dates with full stops, such as "5.3.2019", the day comes first.
    if first > 12 or has_points or first == second:
        return f"{year}-{second:02}-{first:02}"
    return ""
