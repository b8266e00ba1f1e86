"""What kind of thing a name means, and how people ask for it: a disease, a drug, a procedure."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from extractor.concepts.doses.names import find_substance
from extractor.language.book import read_table, word_set
from extractor.match.coverage import is_state
from extractor.match.synonyms import list_shown, spell_key
from extractor.match.words import words_of

_MOST_WORDS = 5
_PLAIN_WORD = re.compile(r"[^\W\d_]{2,}|(?:type|b|c|a|d|k|\d|covid19|covid|i{1,3}|iv)")
_TREATMENTS = frozenset({"therapy", "treatment"})
"""Words that end a name: "radiation therapy steroid" is two."""
_A_BEFORE_VOWEL = re.compile(r"(?:uni(?!n|m)|uri|ure|ute|use|eu|one)", re.IGNORECASE)
_AN_BEFORE_LETTER = re.compile(r"[AEFHILMNORSX][A-Z]")
"""The beginning of an abbreviation that is spoken with a vowel: "NSAID", "MRI"."""


class _Nouns(NamedTuple):
    """Last words of names.

    Attributes:
        words: The words.
        endings: Endings of words.
    """

    words: frozenset[str]
    endings: tuple[str, ...]

    def has(self, word: str) -> bool:
        """Return whether a word is one of these."""
        return word in self.words or word.endswith(self.endings)


def _read_nouns(table: Mapping[str, Any]) -> _Nouns:
    return _Nouns(word_set(table["words"]), tuple(table.get("endings", ())))


@cache
def _nouns(name: str) -> _Nouns:
    return _read_nouns(read_table("match_kinds")[name])


@cache
def _kinds() -> Mapping[str, _Nouns]:
    kinds = read_table("match_kinds")["kinds"]
    return {kind: _read_nouns(table) for kind, table in kinds.items()}


def ask_by_kind(verb: str, name: str, shown: str) -> str:
    """Return the question for a name, in the words for what it is; empty if it cannot be asked
    plainly.

    Args:
        verb: Whether the patient has, had, takes or took it, or when.
        name: The name's key.
        shown: The name as people write it.

    >>> ask_by_kind("has", "stroke", "stroke")
    'Has the patient had a stroke?'
    >>> ask_by_kind("since", "oral antibiotic", "oral antibiotic")
    'How long ago did the patient last take oral antibiotics?'
    >>> ask_by_kind("takes", "cystic acne", "cystic acne")
    ''
    """
    kind = tell_kind(name)
    template = read_table("match_kinds")["questions"].get(kind, {}).get(verb)
    if not template:
        return ""
    completed = read_table("match_kinds")["completed"].get(name)
    return str(template).format(completed or _add_article(shown, str(template)))


def tell_kind(name: str) -> str:
    """Return what a name means: "drug", "disease", "procedure", "treatment", "event", "device" or
    "person"; empty if that is not known, or if the name is a part of a sentence.

    >>> tell_kind("calcium channel blocker"), tell_kind("then relapsed")
    ('drug', '')
    """
    if name in read_table("match_kinds")["completed"]:
        return "drug"
    usual = find_usual(name)
    words = spell_key(usual or name).split()
    is_usual = bool(usual)
    if not is_usual and not _is_plain(words):
        return ""
    if _nouns("general").words.issuperset(words):
        return ""
    last = words[-1]
    for kind, nouns in _kinds().items():
        if nouns.has(last) and not (is_usual and kind == "no_name"):
            # "clinical treatment", but "antibiotic therapy"
            return "" if kind == "no_name" else kind
    if find_substance(name):
        return "drug"
    if is_usual or is_state(last):
        return "disease"
    return ""


def find_usual(name: str) -> str:
    """Return a built-in name as people write it, also behind words that narrow it; empty for any
    other name.

    >>> find_usual("chronic hepatitis b")
    'chronic hepatitis B'
    """
    words = name.split()
    for place, word in enumerate(words):
        usual = list_shown().get(" ".join(words[place:]))
        if usual:
            return " ".join((*words[:place], usual))
        is_told = word in words_of("narrowing") and word not in _nouns("unfit").words
        if not is_told:
            break
    return ""


def is_of_charts(quote: str) -> bool:
    """Return whether a chart may say whether a line applies: not of consent, or of the words above
    a list.

    >>> is_of_charts("Willing to travel"), is_of_charts("Able to swallow")
    (False, True)
    """
    nouns = _nouns("not_of_charts")
    is_head = quote.rstrip(" :.").lower().endswith(nouns.endings)
    return not is_head and nouns.words.isdisjoint(spell_key(quote).split())


def _is_plain(words: Sequence[str]) -> bool:
    """Return whether words are a name rather than a part of a sentence."""
    if not words or len(words) > _MOST_WORDS:
        return False
    # "II disorder" is the rest of a list
    if len(words[0]) == 1 or words[0] in ("ii", "iii", "iv"):
        return False
    if not all(map(_PLAIN_WORD.fullmatch, words)):
        return False
    # "chronic bleeding gastrointestinal bleeding" is two names
    is_repeated = len(set(words)) < len(words)
    is_joined = not _TREATMENTS.isdisjoint(words[:-1])
    if is_repeated or is_joined:
        return False
    if not _nouns("unfit").words.isdisjoint(words):
        return False
    strange = words_of("links", "denials", "others", "residue", "lacks") - words_of(
        "disturbed_names"
    )
    return strange.isdisjoint(words)


def _add_article(shown: str, template: str) -> str:
    """Return a name with its article, or in the plural, if people say it so."""
    words = shown.split()
    last = spell_key(words[-1])
    is_singular = last == words[-1].lower()
    if _nouns("plural").has(last):
        return _make_plural(shown) if is_singular else shown
    is_counted = is_singular and _nouns("counted").has(last)
    is_bare = len(words) > 1 and words[-2].lower() in _bare()
    # "the last stroke"
    has_article = "the last {}" in template
    if not is_counted or is_bare or has_article:
        return shown
    return f"{_choose_article(shown)} {shown}"


@cache
def _bare() -> frozenset[str]:
    return word_set(read_table("match_kinds")["counted"]["bare"])


def _make_plural(shown: str) -> str:
    return f"{shown[:-1]}ies" if shown.endswith("y") else f"{shown}s"


def _choose_article(shown: str) -> str:
    """Return "a" or "an", by the sound that follows.

    >>> (
    ...     _choose_article("ulcer"),
    ...     _choose_article("urinary stone"),
    ...     _choose_article("MRI"),
    ... )
    ('an', 'a', 'an')
    """
    if shown[:2].isupper():
        return "an" if _AN_BEFORE_LETTER.match(shown) else "a"
    if _A_BEFORE_VOWEL.match(shown):
        return "a"
    return "an" if shown[0].lower() in "aeiou" else "a"
