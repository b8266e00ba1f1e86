"""Plain questions for what a test needs, and the facts that decide most lines of trials."""

from collections.abc import Sequence
from functools import cache, lru_cache

from extractor.language.book import read_table
from extractor.match.coverage import is_state
from extractor.match.quantities import ROOM_AIR
from extractor.match.synonyms import list_shown, spell_key
from extractor.match.words import words_of

_OF_NAMES = {
    "has": "Does the patient have {}?",
    "had": "Has the patient ever had {}?",
    "takes": "Does the patient take {}?",
    "took": "Has the patient ever taken {}?",
    "since": "How long ago was the last {}?",
    "after": "How long ago was the last {}?",
    "ended": "How long ago did {} end?",
}
_DENIED = {
    "has": "has no",
    "had": "never had",
    "takes": "takes no",
    "took": "never took",
}
_OTHERS = {"sex": "What is the patient's sex?", "age": "How old is the patient?"}
_OF_TIMES = ("takes", "took", "since", "after", "ended")
"""The kinds of names that a line says to be drugs or events."""
_OF_WOMEN = ("pregnancy", "breastfeeding")
_MOST_WORDS = 3
_SHORT = 5
"""Names up to this length are abbreviations: "ecog", "hba1c"."""


def split_quantity(quantity: str) -> tuple[str, str]:
    """Return the kind and the name of a quantity: "has" and "asthma"."""
    verb, _, name = quantity.partition(" ")
    if quantity in _OTHERS:
        return quantity, quantity
    if verb in _OF_NAMES:
        return verb, name
    return "value", quantity


def is_of_name(kind: str) -> bool:
    """Return whether a kind is the verb of a name."""
    return kind in _OF_NAMES


@lru_cache(4096)
def ask(quantity: str, unit: str | None = None) -> str:
    """Return the question for a quantity, or an empty string if it cannot be asked plainly.

    >>> ask("has type 2 diabete"), ask("egfr"), ask("alt", "{ULN}")
    ('Does the patient have type 2 diabetes?', 'What is the eGFR?', 'What is the ALT, as x ULN?')
    """
    kind, name = split_quantity(quantity)
    if kind in _OTHERS:
        return _OTHERS[kind]
    if kind in _OF_NAMES:
        return _ask_name(kind, name)
    if not quantity or "|" in quantity:
        return ""
    if quantity.startswith("own") and not _is_measured(quantity):
        return ""
    # "heart rate (hyper therapy)" has words of the line, which nobody knows how to answer
    others = quantity.partition(" (")[2].rstrip(")").split()
    if not (words_of("qualifiers") | {ROOM_AIR}).issuperset(others):
        return ""
    shown = show_quantity(quantity)
    if unit:
        return f"What is the {shown}, as {show_unit(unit)}?"
    return f"What is the {shown}?"


def _ask_name(kind: str, name: str) -> str:
    """Return the question for a name; empty if it may be no name."""
    shown = show_name(name)
    special = read_table("match_spellings")["asked"].get(shown)
    if special and kind in special:
        return str(special[kind])
    words = name.split()
    if shown == name and _is_residue(words):
        return ""
    # nobody takes a disease
    if kind in ("takes", "took") and words and _is_disease(words[-1]):
        return ""
    is_plain = kind in _OF_TIMES and _is_plain(name)
    if shown == name and not is_plain and not _is_known(spell_key(name)):
        return ""
    return _OF_NAMES[kind].format(shown)


@cache
def list_of_women() -> frozenset[str]:
    """Return the questions that no man is asked: those on pregnancy and breastfeeding."""
    asked = read_table("match_spellings")["asked"]
    return frozenset(
        question for name in _OF_WOMEN for question in asked[name].values()
    )


def _is_residue(words: Sequence[str]) -> bool:
    """Return whether words are a part of a sentence rather than a name: "then relapsed", "c
    infection".
    """
    if not words:
        return True
    if not words_of("residue").isdisjoint(words):
        return True
    is_type = len(words[0]) == 1 or words[0] in ("ii", "iii", "iv")
    nouns = words_of("therapies", "narrowing_nouns")
    adjectives = words_of("narrowing", "organs") - nouns
    return is_type or words[-1] in adjectives


def _is_disease(word: str) -> bool:
    return is_state(word) and word not in words_of("therapies")


def _is_plain(name: str) -> bool:
    """Return whether a drug or an event is a few words, none of which belongs to a sentence."""
    words = name.split()
    if not words or len(words) > _MOST_WORDS:
        return False
    if not words_of("links", "denials", "neutral", "others").isdisjoint(words):
        return False
    return all(word.isalpha() for word in words)


def _is_measured(quantity: str) -> bool:
    """Return whether a name that the vocabulary lacks is that of something measured: "muscle mass",
    but not "over 80".
    """
    words = quantity.removeprefix("own ").split()
    if len(words) < 2 or len(words) > _MOST_WORDS:
        return False
    return words[-1] in words_of("measured") and all(word.isalpha() for word in words)


def show_unit(unit: str) -> str:
    """Return a unit as people write it; empty for the points of a score.

    >>> (
    ...     show_unit("{ULN}"),
    ...     show_unit("{score}"),
    ...     show_unit("exact year"),
    ...     show_unit("%"),
    ... )
    ('x ULN', '', 'year', '%')
    """
    if unit in ("1", "{score}", "{class}", "{grade}"):
        return ""
    shown = unit.removeprefix("exact ").replace("{ULN}", "x ULN")
    return shown.replace("{1.73_m2}", "1.73 m2").strip("{}")


@lru_cache(4096)
def show_quantity(quantity: str) -> str:
    """Return the name of a quantity as people write it.

    >>> show_quantity("ecog_performance_status"), show_quantity("own line therapy")
    ('ECOG performance status', 'line therapy')
    """
    words = quantity.removeprefix("own ").replace("_", " ").split()
    shown = [read_table("match_spellings")["shown"].get(word, word) for word in words]
    is_short = len(words) == 1 and len(shown[0]) <= _SHORT
    if is_short and shown[0] == words[0] and quantity not in _OTHERS:
        return words[0].upper()
    return " ".join(shown).replace(f"({ROOM_AIR})", "on room air")


@lru_cache(4096)
def say_name(quantity: str, *, is_absent: bool) -> str:
    """Return what a patient's data say of a name.

    >>> say_name("has hiv", is_absent=True), say_name("took aspirin", is_absent=False)
    ('has no HIV', 'took aspirin')
    """
    verb, name = split_quantity(quantity)
    if is_absent:
        verb = _DENIED[verb]
    return f"{verb} {show_name(name)}"


def show_name(name: str) -> str:
    """Return a name as people write it.

    >>> show_name("hiv"), show_name("chronic hepatitis b")
    ('HIV', 'chronic hepatitis B')
    """
    usual = list_shown().get(name, name)
    if usual != name:
        return usual
    words = name.split()
    narrowing = words_of("narrowing")
    for place, word in enumerate(words[:-1], 1):
        if word not in narrowing:
            break
        rest = list_shown().get(" ".join(words[place:]))
        if rest:
            return " ".join((*words[:place], rest))
    plurals = read_table("match_spellings")["plural"]
    return " ".join(plurals.get(word, word) for word in words)


def _is_known(name: str) -> bool:
    """Return whether a name is one of a state, so that a question about it makes sense."""
    words = name.split()
    known = words_of("describing", "narrowing", "states")
    if words_of("general").issuperset(words):
        return False
    last = is_state(words[-1]) if words else False
    return last and all(word in known or is_state(word) for word in words)
