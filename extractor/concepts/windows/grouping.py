"""Group time windows: the class of the moment from which a time is counted, and the individual
treatments or events that the name of a window lists. The windows of criteria and the times of
outcomes share the classes. The quote stored with a class is more precise.
"""

import re
from enum import StrEnum
from functools import lru_cache

from extractor.concepts.doses.names import find_general
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens

_FIRST_NUMBERS = frozenset({"0", "1", "one", "zero", "01", "00"})
_NUMBERS = ("cycle_number", "day_number", "visit_number")
"""The names of the unit and the number in a numbered moment."""
# Chosen by hand, to bound the memory.
_KEPT = 4096
"""Maximum number of texts whose classes or parts are cached."""


class AnchorClass(StrEnum):
    """The class of moment from which a time is counted."""

    FIRST_DOSE = "first_dose"
    RANDOMISATION_OR_ENROLMENT = "randomisation_or_enrolment"
    SCREENING_OR_CONSENT = "screening_or_consent"
    LAST_DOSE = "last_dose"
    DIAGNOSIS = "diagnosis"
    SURGERY = "surgery"
    OTHER_EVENT = "other_event"


_NAMED = (
    ("preparing_dose", AnchorClass.OTHER_EVENT),
    ("moment_last_dose", AnchorClass.LAST_DOSE),
    ("moment_diagnosis", AnchorClass.DIAGNOSIS),
    ("moment_surgery", AnchorClass.SURGERY),
    ("moment_other_event", AnchorClass.OTHER_EVENT),
    ("moment_first_dose", AnchorClass.FIRST_DOSE),
    ("moment_screening_or_consent", AnchorClass.SCREENING_OR_CONSENT),
    ("moment_randomisation_or_enrolment", AnchorClass.RANDOMISATION_OR_ENROLMENT),
    ("moment_of_giving", AnchorClass.FIRST_DOSE),
)
"""The rules for each class, listed in the order in which they are tried."""


@lru_cache(maxsize=_KEPT)
def classify_anchor(words: str) -> AnchorClass | None:
    """Return the class of a moment, whose words may begin with "before" or "after"; None if the
    words do not name a moment ("of the drug").

    The first of the following that matches determines the class: a number ("day 1"), the rules for
    each class, a treatment or drug without further words, or the study itself. A treatment without
    further words is taken to mean its beginning ("before therapy") or, following "after", its end
    ("after therapy"). Any other moment is classed as another event.

    >>> texts = (
    ...     "prior to initiation of therapy",
    ...     "of study entry",
    ...     "after study treatment",
    ... )
    >>> [classify_anchor(text).value for text in texts]
    ['first_dose', 'randomisation_or_enrolment', 'last_dose']
    >>> classify_anchor("of the drug") is None
    True
    """
    tokens = read_text(" ".join(words.split()))
    opening = rule("moment_opening").starts(tokens, 0)
    first = 0
    if opening:
        first = opening.end
    if first == len(tokens):
        return None
    if rule("names_no_moment").covers(tokens):
        return None
    # "cycle 1 day 1"
    numbered = _read_number(tokens, first)
    if numbered:
        return numbered
    for name, meaning in _NAMED:
        if rule(name).starts(tokens, first):
            return meaning
    # "start of fictumab"
    beginning = rule("beginning_of").starts(tokens, first)
    if beginning and _names_drug(tokens, beginning.end):
        return AnchorClass.FIRST_DOSE
    has_ended = rule("counts_onward").starts(tokens, 0) is not None
    if rule("moment_of_course").starts(tokens, first) or _names_drug(tokens, first):
        if has_ended:
            return AnchorClass.LAST_DOSE
        return AnchorClass.FIRST_DOSE
    # "before the study", but the end of a study is not the end of its treatment
    if rule("study_itself").starts(tokens, first) and not has_ended:
        return AnchorClass.RANDOMISATION_OR_ENROLMENT
    return AnchorClass.OTHER_EVENT


def _read_number(tokens: Tokens, first: int) -> AnchorClass | None:
    """Return the class of a numbered moment that begins at token ``first``; None if the moment is
    not numbered. Days, weeks and cycles numbered 0 or 1 are treated as the first dose, visits 0
    and 1 as screening, and those with other numbers as other events.
    """
    moment = rule("numbered_moment").starts(tokens, first)
    if moment is None:
        return None
    numbers = [number.lower() for number in map(moment.read, _NUMBERS) if number]
    if not numbers:
        return None
    # "cycle 2 day 1" is not the first dose
    if not _FIRST_NUMBERS.issuperset(numbers):
        return AnchorClass.OTHER_EVENT
    if moment.has("visits"):
        return AnchorClass.SCREENING_OR_CONSENT
    return AnchorClass.FIRST_DOSE


def _names_drug(tokens: Tokens, first: int) -> bool:
    """Return whether the name of the moment begins with a known drug or cell product: "before
    fictumab".
    """
    # the longest known name is shorter
    known = find_general(tokens, first, min(first + _LONGEST_NAME, len(tokens)))
    if not known:
        return False
    kind, known_first = known[0][:2]
    return known_first == first and kind in ("drug", "cells")


# Chosen by hand.
_LONGEST_NAME = 40
_BRACKETED = re.compile(r" ?\([^()]{0,400}(?:\)|$)")
_ADJECTIVES = ("al", "ous", "ed", "ular", "olar", "ory", "atic", "emic", "toxic")
"""Endings of adjectives that need a following noun: "systemic or topical steroids"."""
_NOUNS = frozenset({"trial", "hospital", "withdrawal", "interval", "survival"})
"""Nouns that end like these adjectives."""
_SINGULARS = (
    (re.compile("(?<=[aeiou]s)es$|(?<=lys)es$"), "is"),
    (re.compile("ies$"), "y"),
    (re.compile("(?<=ch|sh|ss)es$|(?<=x)es$"), ""),
    (re.compile("(?<![suiao])s$"), ""),
)
"""Plural endings with the corresponding singular endings; only the first match is used."""
_UNCOUNTED = frozenset({"diabetes", "herpes", "measles", "rabies", "series", "ascites"})


@lru_cache(maxsize=_KEPT)
def list_things(words: str) -> tuple[str, ...]:
    """Return the distinct treatments or events in the name of a window, in lower case and in the
    singular. Text in brackets is omitted. Text that cannot be split safely is returned as a single
    name.

    >>> list_things("Any chemotherapy, radiotherapy or other biologics (e.g. fictumab)")
    ('chemotherapy', 'radiotherapy', 'biologic')
    >>> list_things("systemic or topical corticosteroids")
    ('systemic or topical corticosteroid',)
    >>> list_things("MS, NSAIDs or equivalent"), list_things("drug or alcohol abuse")
    (('ms', 'nsaid'), ('drug or alcohol abuse',))
    """
    tokens = read_text(" ".join(_BRACKETED.sub(" ", words).split()))
    places = list[Range]()
    start = 0
    for joint in rule("thing_joint").find(tokens):
        if _is_cut(tokens, start, joint.first, joint.end):
            places.append((start, joint.first))
            start = joint.end
    places.append((start, len(tokens)))
    if rule("abuse_word").ends(tokens):
        # "drug or alcohol abuse"
        places = [(0, len(tokens))]
    names = dict.fromkeys(_name_thing(tokens, *place) for place in places)
    return tuple(filter(None, names))


def _is_cut(tokens: Tokens, start: int, first: int, end: int) -> bool:
    """Return whether the comma or conjunction at the tokens ``first:end`` separates two names, the
    first of which begins at token ``start``. It does not separate names at the edges of the text,
    at a slash without a preceding space, after details, or after a word that needs the noun of the
    next name ("systemic or topical steroids").
    """
    is_slash = tokens.words[first] == "/" and tokens.joined(first)
    if first <= start or end == len(tokens) or is_slash:
        return False
    # "smoking or treatment with steroids"
    if rule("opens_thing").starts(tokens, end):
        return True
    lead = rule("thing_lead").starts(tokens, start, first)
    if lead:
        start = lead.end
    if rule("thing_detail").search(tokens, start, first):
        return False
    # "upper or lower airway disease", "oral or topical steroids"
    for name in ("kind_alone", "routes", "kind_of_course"):
        if rule(name).ends(tokens, first, first - 3):
            return False
    word = tokens.words[first - 1].lower()
    return word in _NOUNS or not word.endswith((*_ADJECTIVES, "systemic"))


def _name_thing(tokens: Tokens, first: int, end: int) -> str:
    """Return the name in the tokens ``first:end``, in lower case and in the singular, without
    leading words that do not describe it; an empty string if no words remain.
    """
    lead = rule("thing_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    # "prednisone or equivalent" is only prednisone
    if rule("no_thing").covers(tokens, first, end):
        return ""
    head, _, last = tokens.read(first, end).lower().strip(" ,.;:").rpartition(" ")
    return f"{head} {_make_singular(last)}".strip()


def _make_singular(word: str) -> str:
    """Return the singular of a word if its ending is unambiguous; otherwise, return the word
    itself.
    """
    # "MS", "gas"
    if len(word) < 4 or word in _UNCOUNTED:
        return word
    for plural, singular in _SINGULARS:
        if plural.search(word):
            return plural.sub(singular, word)
    return word
