"""What speaks for a language in a few words: its letters, its words and their endings
(``rules/languages/``).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

from extractor.language.book import read_table, word_set

_SIGNS = "\u0900-\u0903\u093a-\u094d\u0951-\u0957\u0962\u0963\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
"""Vowel signs of Devanagari and Thai, which are no letters to ``re``."""
_LETTERS = re.compile(rf"(?:[^\W\d_]|[{_SIGNS}])+")
WORD = re.compile(rf"{_LETTERS.pattern}(?:['’ʼ-]{_LETTERS.pattern})*")
_JOINT = re.compile(r"['’ʼ-]")
_LATIN = re.compile(r"[A-Za-z]")

_WORD_COUNTS = 1.0
_DOUBTFUL_COUNTS = 0.5
_ACCENT_COUNTS = 0.5
_ACCENT_OF_NAME_COUNTS = 0.25
_ENDING_COUNTS = 0.25
_MOST_ACCENTS = 1.5
_MOST_ENDINGS = 1.0
"""The most that letters, and endings, count for in one line."""
_LONG_WORD = 7
_FOLDED_WORD = 5
_LONGEST_ABBREVIATION = 4
_CASED = ("Greek", "Cyrillic", "Armenian")
_FEW_LETTERS = 3
_FEWEST_LETTERS = {"Chinese": 2, "Japanese": 2, "Korean": 2}


@dataclass(frozen=True, slots=True)
class LanguageSigns:
    """What speaks for each language in some words; ``english`` is the number of words that only
    English has.
    """

    scores: Mapping[str, float]
    english: int
    words: int


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The rule book's words: by word, the languages that have it and what it counts for.
    ``telling`` ones suffice.
    """

    english: frozenset[str]
    words: Mapping[str, Mapping[str, float]]
    telling: frozenset[str]
    shared: Mapping[str, frozenset[str]]
    letters: Mapping[str, tuple[str, ...]]
    endings: Mapping[str, tuple[str, ...]]
    scripts: Mapping[str, re.Pattern[str]]
    script_of: Mapping[str, str]
    other_script: re.Pattern[str]


@cache
def _load() -> _Lexicon:
    signs = read_table("language_signs")
    languages = read_table("languages").items()
    english = word_set(signs["english"]["words"])
    doubtful = word_set(signs["doubtful"]["words"])
    never_folded = english | word_set(signs["english"]["unfolded"])
    words: dict[str, dict[str, float]] = {}
    letters: dict[str, tuple[str, ...]] = {}
    for name, given in languages:
        listed = word_set(given["words"])
        shared = word_set(given.get("shared", ""))
        for word in chain(listed, _fold_all(listed) - never_folded - shared):
            words.setdefault(word, {})[name] = (
                _DOUBTFUL_COUNTS if word in doubtful else _WORD_COUNTS
            )
        for letter in given.get("letters", ""):
            letters[letter] = (*letters.get(letter, ()), name)
    return _Lexicon(
        english=english,
        words=words,
        telling=frozenset(words.keys() - doubtful),
        shared={name: word_set(given.get("shared", "")) for name, given in languages},
        letters=letters,
        endings={
            name: tuple(given["endings"].split())
            for name, given in languages
            if "endings" in given
        },
        scripts={
            name: re.compile(f"[{ranges}]") for name, ranges in signs["scripts"].items()
        },
        script_of={
            name: given["script"] for name, given in languages if "script" in given
        },
        other_script=re.compile(f"[{''.join(signs['scripts'].values())}]"),
    )


def _fold_all(words: frozenset[str]) -> set[str]:
    """Return the longer words without their accents, as people type them.

    >>> _fold_all(frozenset({"jours", "décès", "été"})) == {"jours", "deces"}
    True
    """
    long = (word for word in words if len(word) >= _FOLDED_WORD)
    plain = (
        "".join(
            sign
            for sign in unicodedata.normalize("NFD", word)
            if not unicodedata.combining(sign)
        )
        for word in long
    )
    return {word for word in plain if word.isascii()}


def may_be_foreign(text: str) -> bool:
    """Return whether a text has a word or letter of another language. Most records have none, and
    need no second look.

    >>> (
    ...     may_be_foreign("Adults with asthma, ECOG 0-1"),
    ...     may_be_foreign("Alter über 18 Jahre"),
    ... )
    (False, True)
    """
    lexicon = _load()
    if has_other_script(text):
        return True
    return not lexicon.telling.isdisjoint(_LETTERS.findall(text.lower()))


def has_other_script(text: str) -> bool:
    """Return whether a text has a letter that is not Latin, such as the β of "β2-agonist"."""
    return not text.isascii() and _load().other_script.search(text) is not None


def list_other_letters(text: str) -> list[int]:
    """Return where the letters are that are not Latin.

    >>> list_other_letters("FEV1低于80%")
    [4, 5]
    """
    return [found.start() for found in _load().other_script.finditer(text)]


def weigh(text: str) -> LanguageSigns:
    """Return the evidence in a text.

    >>> found = weigh("Schwangerschaft oder Stillzeit")
    >>> found.scores["German"], found.english, found.words
    (3.0, 0, 3)
    """
    lexicon = _load()
    composed = unicodedata.normalize("NFC", text)
    spelled = list(_list_words(composed))
    # each once, as it is written first
    words = {word.lower(): word for word in reversed(spelled)}
    scores: Counter[str] = Counter()
    accents: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for word, written in words.items():
        known = lexicon.words.get(word)
        if known:
            scores.update(known)
        elif word not in lexicon.english:
            accents.update(_weigh_letters(word, written))
            endings.update(_weigh_ending(word))
    for name, weight in accents.items():
        scores[name] += min(weight, _MOST_ACCENTS)  # type: ignore[assignment]
    for name, weight in endings.items():
        if name in scores:
            scores[name] += min(weight, _MOST_ENDINGS)  # type: ignore[assignment]
    for script, count in find_scripts(composed).items():
        scores.update(dict.fromkeys(_list_languages(script), count))
    english = sum(word.lower() in lexicon.english for word in spelled)
    return LanguageSigns(dict(scores), english, sum(len(word) > 1 for word in spelled))


def _list_words(text: str) -> Iterator[str]:
    """Yield the words of a text, those with an apostrophe or hyphen in pieces ("l'âge"), without
    abbreviations.
    """
    known = _load().words
    for word in WORD.findall(text):
        if len(word) <= _LONGEST_ABBREVIATION and word.isascii() and word.isupper():
            continue  # "OLE"
        if word.lower() in known:
            yield word
        else:
            yield from _JOINT.split(word)


def _weigh_letters(word: str, written: str) -> dict[str, float]:
    """Return what the letters of a word say. A capital begins a name: "Sjögren"."""
    if word.isascii():
        return {}
    letters = _load().letters
    weight = _ACCENT_COUNTS if written[0].islower() else _ACCENT_OF_NAME_COUNTS
    return {name: weight for letter in word for name in letters.get(letter, ())}


def _weigh_ending(word: str) -> dict[str, float]:
    if len(word) < _LONG_WORD:
        return {}
    return {
        name: _ENDING_COUNTS
        for name, endings in _load().endings.items()
        if word.endswith(endings)
    }


def count_english(text: str, language: str) -> int:
    """Return how many words of a text are English and not words of a language, too."""
    lexicon = _load()
    words = set(WORD.findall(text.lower())) & lexicon.english
    return len(words - lexicon.shared.get(language, frozenset()))


def is_english(word: str) -> bool:
    """Return whether only English has a word."""
    return word.lower() in _load().english


def find_scripts(text: str) -> dict[str, float]:
    """Return the other scripts of a text with the number of their letters. A sign such as β or µ is
    none.

    >>> find_scripts("FEV1低于80%"), find_scripts("β2-agonist")
    ({'Chinese': 2.0}, {})
    """
    if not has_other_script(text):
        return {}
    counted: Counter[str] = Counter()
    for word in WORD.findall(text):
        counted.update(_count_letters(word))
    if counted["Japanese"]:
        counted["Japanese"] += counted.pop("Chinese", 0)
    # "2年"
    fewest = (
        _FEWEST_LETTERS if _LATIN.search(text) else dict.fromkeys(_FEWEST_LETTERS, 1)
    )
    return {
        name: float(count)
        for name, count in counted.items()
        if count >= fewest.get(name, _FEW_LETTERS)
    }


def _count_letters(word: str) -> dict[str, int]:
    """Return the letters of other scripts in a word. "(ΒΜΙ)", and look-alikes within a Latin
    word, are a name.
    """
    if word.isascii():
        return {}
    found = {
        name: len(hits)
        for name, letters in _load().scripts.items()
        if (hits := letters.findall(word))
    }
    is_name = word.isupper() and len(word) < _LONG_WORD
    if is_name or len(word) < _FEW_LETTERS or _LATIN.search(word):
        return {name: count for name, count in found.items() if name not in _CASED}
    return found


def _list_languages(script: str) -> list[str]:
    """Return the languages of a script that have words of their own, or the script's name."""
    return [name for name, of in _load().script_of.items() if of == script] or [script]


def name_language(language: str, scores: Mapping[str, float]) -> str:
    """Return the name of a language; that of its script, if nothing tells it from others that share
    the script.

    >>> (
    ...     name_language("Russian", {"Russian": 8.0, "Bulgarian": 8.0}),
    ...     name_language("Greek", {"Greek": 8.0}),
    ... )
    ('a language in Cyrillic letters', 'Greek')
    """
    script = _load().script_of.get(language)
    likely = [name for name, score in scores.items() if score == scores.get(language)]
    named: str = (
        read_table("language_signs")["shared"].get(script, language)
        if script and len(likely) > 1
        else language
    )
    return named
