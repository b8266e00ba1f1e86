"""Plain questions for what a test needs, and the facts that decide most lines of trials."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from extractor.language.book import read_table, word_set
from extractor.language.shown import show_line
from extractor.match.kinds import ask_by_kind, find_usual, is_of_charts
from extractor.match.quantities import ROOM_AIR
from extractor.match.words import words_of

_OF_NAMES = ("has", "had", "takes", "took", "since", "after", "ended")
"""The kinds of questions about names."""
_DENIED = {
    "has": "has no",
    "had": "never had",
    "takes": "takes no",
    "took": "never took",
}
_OTHERS = {"sex": "What is the patient's sex?", "age": "How old is the patient?"}
_OF_WOMEN = ("pregnancy", "breastfeeding")
_MOST_WORDS = 3
_NO_VOWEL = re.compile(r"[b-df-hj-np-tv-xz]{2,5}\d?")
_NUMBER = re.compile(r"\d{1,3}|i{1,3}|[acr]")
"""The second word of names such as "PHQ-9" and "AUDIT-C"."""
LONGEST_QUESTION = 120
_LONGEST_QUOTE = LONGEST_QUESTION - len("Does this apply: ''?")
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
    base, _, qualifier = quantity.partition(" (")
    asked = read_table("match_spellings")["asked_of"].get(base)
    if asked is not None:
        return "" if qualifier else str(asked)
    shown = show_quantity(quantity)
    if unit:
        return f"What is the {shown}, as {show_unit(unit)}?"
    return f"What is the {shown}?"


def _ask_name(kind: str, name: str) -> str:
    """Return the question for a name; empty if it cannot be asked plainly."""
    shown = show_name(name)
    asked = read_table("match_spellings")["asked"]
    special = asked.get(shown) or asked.get(name)
    if special:
        return str(special.get(kind, ""))
    return ask_by_kind(kind, name, shown)


@lru_cache(4096)
def ask_line(quote: str) -> str:
    """Return the question for a line for which there is no plainer one; empty for a line that no
    chart answers, such as one about consent.

    >>> ask_line("Unable to travel")
    "Does this apply: 'Unable to travel'?"
    """
    if not is_of_charts(quote):
        return ""
    shown = show_line(quote).strip(" .;:,\uff1b\u3002")
    if len(shown) > _LONGEST_QUOTE:
        shown = f"{shown[: _LONGEST_QUOTE - 3].rpartition(' ')[0]}..."
    return f"Does this apply: '{shown}'?"


@cache
def list_of_women() -> frozenset[str]:
    """Return the questions that no man is asked: those on pregnancy and breastfeeding."""
    asked = read_table("match_spellings")["asked"]
    return frozenset(
        question for name in _OF_WOMEN for question in asked[name].values()
    )


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
    >>> show_quantity("phq_9"), show_quantity("psa (free)")
    ('PHQ-9', 'free PSA')
    """
    if quantity in _OTHERS:
        return quantity
    names = read_table("match_spellings")["quantities"]
    base, _, inside = quantity.partition(" (")
    whole = names.get(quantity)
    if whole:
        return str(whole)
    shown = names.get(base) or _spell_quantity(base)
    of_name = read_table("match_spellings")["inside"].get(base, "").split()
    of_name += ["reading", "measurement"]
    qualifiers = [word for word in inside.rstrip(")").split() if word not in of_name]
    return _add_qualifiers(shown, qualifiers)


def _spell_quantity(base: str) -> str:
    """Return the name of a quantity with its abbreviations in capitals."""
    words = base.removeprefix("own ").replace("_", " ").split()
    table = read_table("match_spellings")
    capitals = word_set(table["abbreviations"]["words"])
    ordinary = word_set(table["abbreviations"]["ordinary"])
    is_short = len(words) == 1 and len(base) <= _SHORT and base not in ordinary
    shown = []
    for word in words:
        usual = table["shown"].get(word)
        is_abbreviation = is_short or word in capitals
        shown.append(usual or (word.upper() if is_abbreviation else word))
    # "PHQ-9", "BDI-II", "AUDIT-C"
    is_numbered = len(words) == 2 and _NUMBER.fullmatch(words[1])
    if is_numbered and not base.startswith("own "):
        return f"{words[0].upper()}-{words[1].upper()}"
    return " ".join(shown)


def _add_qualifiers(shown: str, qualifiers: Sequence[str]) -> str:
    """Return the name of a quantity with the words that make it another one: "free PSA"."""
    behind = read_table("match_spellings")["behind"]
    before = [word for word in qualifiers if word not in behind and word != ROOM_AIR]
    after = [behind[word] for word in qualifiers if word in behind]
    if ROOM_AIR in qualifiers:
        after.append("on room air")
    return " ".join((*before, shown, *after))


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
    usual = find_usual(name)
    if usual:
        return usual
    spelled = read_table("match_spellings")["plural"]
    return " ".join(spelled.get(word) or _capitalize(word) for word in name.split())


def _capitalize(word: str) -> str:
    """Return an abbreviation in capitals: a short word without a vowel."""
    return word.upper() if _NO_VOWEL.fullmatch(word) else word
