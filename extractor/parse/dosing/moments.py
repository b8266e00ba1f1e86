"""Moments of giving that are not counted days: "30 minutes before infusion", "with food", "5 days per week"."""

import re

from extractor.parse.numbers import number_places
from extractor.parse.words import find_at, find_words, places_of

from .days import find_dates
from .marks import Mark, drop_overlaps

__all__ = ["find_moments"]

# Words at which the name of an event ends: what follows speaks of the giving again.
_STOP = (
    r"(?:and|or|for|at|every|daily|weekly|once|twice|then|followed|will|by|via|as|if|on|until|over|with|"
    r"or[ae]l+y?|intravenous(?:ly)?|subcutaneous(?:ly)?|participants|patients|subjects|we|they|which|that|who)"
)
_WORD = r"(?:[A-Za-z][\w'/-]*\d\.\d+|[A-Za-z][\w'/-]*|\d+-(?:day|week|month|hour)\b)"
_EVENT = rf"(?:[^\S\n](?!{_STOP}\b){_WORD}){{1,8}}"
_ABOUT = r"(?:(?:approximately|about|at\sleast|within|no\s(?:later|sooner|earlier|less|more)\sthan|at|exactly)\s){0,2}"
_SPAN = r"(?:[\d-]+|one|two|three|four|six)\s(?:to\s\d+\s)?(?:min(?:ute)?s?|hours?|hrs?|h|days?|weeks?|months?)"
_NO_EVENT = (
    r"(?:(?:the|a|an|each)\s)?(?:dos(?:e|es|ing)|schedules?|regimens?|manner|groups?|treatments?|arms?|medications?|"
    r"drugs?|levels?|evaluation|criteria|loading|dissol\w+|dilut\w+|mixing|reconstitut\w+|expiration|use|being|having|"
    r"it|this|these|one|two|first|screening|follow\w*|weeks?|days?|months?)\b"
)
_AROUND = (
    r"(?:(?:immediately|directly|shortly|just)\s)?"
    rf"(?:prior\sto|before|after|following|in\sbetween)(?!\s{_NO_EVENT}){_EVENT}"
)
_MEAL = (
    r"(?:before|after|with|without|between)\s(?:a\s|the\s|each\s)?(?:meals?|food|breakfast|lunch|dinner|eating)\b"
    r"|on\san\sempty\sstomach\b"
)
_CLOCK = (
    r"(?:in\s|as\sa\s)?(?:the\s)?(?:morning|evening)(?:,\s(?:noon|afternoon|midday),?)?\sand\s(?:in\s)?(?:the\s)?"
    r"(?:morning|evening|night)\b"
    r"|(?:morning|evening)\sand\s(?:evening|night)\b|(?:each|every)\s(?:morning|evening|night)\b|q\.?hs\b"
    r"|in\s(?:the\s)?(?:morning|evening|afternoon)s?\b|as\sa\smorning\sdose\b|(?:at\s)?(?:bedtime|(?<=at\s)night)\b|(?-i:hs)\b(?!\.)"
    r"|at\s(?:approximately\s|about\s)?the\ssame\stime\s(?:each|every)\sday\b"
)
_DURING = (
    r"(?:during|throughout)(?!\s(?:the\s)?(?:\d|one|two|three|four|five|six|seven|eight|nine|ten|twelve|first|past|previous|follow|screening|"
    rf"visits?\b|this\b|which\b)){_EVENT}"
)
_STARTING = (
    rf"(?:starting|beginning|begins?|started|commencing|initiated)\s(?:on\s|at\s|from\s|in\s)?"
    rf"(?:(?:month|week|visit|cycle)\s\d+|{_ABOUT}{_SPAN}\s(?:before|prior\sto|after|following|post){_EVENT}|{_AROUND})"
)
_UNTIL = (
    r"until(?!\s(?:the\s|a\s|an\s)?(?:\d|at\b|max|reach|target|mainten|dose|disease|progress|relapse|death|unaccept|"
    r"toxicit|intoler|withdraw|mtd|end\b|study|discontin|confirm))"
    rf"(?:\s(?:they|he|she)\b[^.,;()\n]{{3,60}}|\sage\s\d+\s\w+|{_EVENT}(?:\s?[<>≥≤]=?\s?\d[\w.,^/]*)?)"
)
_AGE = (
    r"from\s(?:birth|\d+\s(?:days?|weeks?|months?|years?)\sof\sage)\b"
    r"|at\s(?:the\sage\sof\s)?(?:(?:\d{1,2}|two|four|six|and|or|to),?\s){1,9}(?:days?|weeks?|months?|years?)\sof\sage\b"
)
_AT = (
    rf"at\s(?:the\s)?(?:time|start|beginning|onset|end)\sof{_EVENT}"
    r"|at\s(?:each\s|every\s|the\s)?(?:(?:hospital\s)?(?:admission|discharge)|induction|randomi[sz]ation|breakfast|lunch|dinner|meals?|"
    r"visit\s\d+)\b"
    r"|(?:in|on)\s(?:visit|period)\s\d+\b"
    r"|under\s(?:an?\s)?(?:fed|fast(?:ed|ing))\s(?:conditions?|state)\b|in\s(?:an?\s|the\s)?(?:fed|fast(?:ed|ing))\s(?:conditions?|state)\b"
    r"|(?:intra|pre|post|peri)-?operatively\b"
)
_CYCLE = r"(?:in|during)\s(?:cycles?|courses?)\s\d+(?:\s?(?:-|to|and)\s?\d+)?\b"
_PER_WEEK = (
    r"(?:\d|five|six)\s(?:consecutive\s)?(?:days|fractions)\s?(?:/|per|a|each|by|every)\s?week\b(?:\sduring\s\w+)?"
)
_EVERY = r"\d{1,2}\s(?:consecutive\s)?days\severy\s\d{1,2}\sdays\b"
_LIMITS = (
    r"between\s\d{1,2}\sand\s\d{1,2}\s(?:days|weeks|months|years)\s(?:of\sage|before|after|prior\sto|following|post)\b"
    r"(?:(?<!age)" + _EVENT + r")?|between\s(?:\w+\s){0,2}?(?:cycles|courses|doses|infusions)\b"
)
_OF_LIFE = (
    rf"within\s(?:the\sfirst\s)?{_SPAN}\s"
    rf"(?:of\s(?!treatment|therapy|each|every|the\s(?:study|trial))|from\s){_WORD}(?:{_EVENT})?"
)
_COUNT = r"(?:\d|one|two|three|four)\s(?:days?|weeks?)"
_OFF = rf"{_COUNT}(?:\son)?,?\s(?:and\s|then\s|followed\sby\s)?{_COUNT}\s(?:off|rest|of\srest)\b"
_HOUR = r"(?:(?:at|around)\s)?\d{1,2}(?::\d\d)?\s?[ap]\.?m\b\.?(?:\s(?:and|to)\s\d{1,2}(?::\d\d)?\s?[ap]\.?m\b\.?)?"

_WORDED = re.compile(
    rf"\b(?:{_MEAL}|{_CLOCK}|{_STARTING}|{_AROUND}|{_CYCLE}|{_DURING}|{_UNTIL}|{_AGE}|{_AT}|{_LIMITS}|{_OF_LIFE}|with\seach{_EVENT})",
    re.IGNORECASE,
)
_MEALS = frozenset({"meal", "meals", "food", "breakfast", "lunch", "dinner", "eating"})
_EVENTS = frozenset({"admission", "discharge", "induction", "randomization", "randomisation"})
_OPENERS: dict[str, frozenset[str]] = {
    "in": frozenset({"morning", "evening", "afternoon", "between", "cycle", "cycles", "course", "courses"})
    | {"visit", "period", "fed", "fasted", "fasting"},
    "on": frozenset({"stomach", "visit", "period"}),
    "under": frozenset({"fed", "fasted", "fasting"}),
    "as": frozenset({"morning"}),
    "at": frozenset({"bedtime", "night", "same", "age", "of", "visit"} | _EVENTS | _MEALS),
    "each": frozenset({"morning", "evening", "night"}),
    "every": frozenset({"morning", "evening", "night"}),
    "bedtime": frozenset({"bedtime"}),
    **{
        word: frozenset({word}) for word in ("intraoperatively", "preoperatively", "postoperatively", "perioperatively")
    },
    "qhs": frozenset({"qhs"}),
    "from": frozenset({"birth", "age"}),
    "with": _MEALS | {"each"},
    "without": _MEALS,
    "between": _MEALS
    | {"age", "cycles", "courses", "doses", "infusions", "before", "after", "prior", "following", "post"},
    "within": frozenset({"of", "from"}),
    "hs": frozenset({"hs"}),
}
"""Common words at which a moment can begin, where the text has one of these words too."""

_ALWAYS = (
    "prior", "before", "after", "following", "immediately", "directly", "shortly", "just", "morning", "evening",
    "during", "throughout", "starting", "beginning", "begin", "begins", "started", "commencing", "initiated", "until",
)  # fmt: skip
_SPANNED = re.compile(
    rf"{_ABOUT}{_SPAN}\s(?:before|prior\sto|after|following|post)(?!\s{_NO_EVENT}){_EVENT}", re.IGNORECASE
)
_AROUND_WORDS = frozenset({"before", "prior", "after", "following", "post"})
_SPAN_WORDS = ("approximately", "about", "at", "within", "no", "exactly")
_COUNTED = re.compile(rf"{_PER_WEEK}|{_EVERY}|{_OFF}|{_HOUR}", re.IGNORECASE)
_OFF_PHASE = re.compile(rf"for\s{_OFF}", re.IGNORECASE)
_TRUST = 0.6
"""Share of moments, in the words about a labelled dose, that are its timing word for word."""

_LENGTH_BEFORE = re.compile(r"\b(?:for|over|of|every|each)\s$", re.IGNORECASE)
_LOOSE_END = re.compile(r"(?:\s(?:the|a|an|of|to|in|each|is|was|are|from|subsequent))+$", re.IGNORECASE)


def find_moments(text: str) -> tuple[Mark[str], ...]:
    """Moments of giving in cleaned text, left to right.

    >>> [m.value for m in find_moments("30 minutes before infusion, with food, 5 days per week during radiotherapy")]
    ['30 minutes before infusion', 'with food', '5 days per week during radiotherapy']
    """
    numbers = number_places(text)
    words = find_words(text)
    openers = (word for word, needed in _OPENERS.items() if not needed.isdisjoint(words))
    found = [*find_at(_WORDED, text, places_of((*_ALWAYS, *openers), text)), *find_at(_COUNTED, text, numbers)]
    if "off" in words or "rest" in words:
        found += find_at(_OFF_PHASE, text, words.get("for", ()))
    is_spanned = not _AROUND_WORDS.isdisjoint(words)
    spanned = find_at(_SPANNED, text, sorted({*places_of(_SPAN_WORDS, text), *numbers}) if is_spanned else ())
    limits = (Mark(text[m.start : m.end], m.start, m.end, _TRUST) for m in find_dates(text) if not m.value)
    # "for 7 days before surgery": the length is one thing, when it ends another.
    found += (match for match in spanned if not _LENGTH_BEFORE.search(text, max(0, match.start() - 6), match.start()))
    marks = drop_overlaps([*limits, *(_mark(match) for match in found)])
    return tuple(mark for mark in marks if mark.value.lower() not in _ALWAYS)


def _mark(match: re.Match[str]) -> Mark[str]:
    value = _LOOSE_END.sub("", match[0])
    return Mark(value, match.start(), match.start() + len(value), _TRUST)
