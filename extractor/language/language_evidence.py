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
"""The fewest letters of a word whose ending counts."""
_FOLDED_WORD = 5
"""The fewest letters of a word that is known without its accents, too."""
_LONGEST_ABBREVIATION = 4
_CASED = ("Greek", "Cyrillic", "Armenian")
"""Scripts with capitals, of which some look like Latin ones."""
_FEW_LETTERS = 3
"""The fewest letters that show a script."""
_FEWEST_LETTERS = {"Chinese": 2, "Japanese": 2, "Korean": 2}
"""The fewest letters of a script whose letters are syllables or words, beside Latin ones."""


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
    """The rule book's words, letters and endings, and the languages that have them.

    ``words`` says what a word counts for in each language. A ``telling`` word is reason enough to
    look at a text more closely. ``shared`` words say nothing for or against their language.
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
    languages = read_table("languages")
    english = word_set(signs["english"]["words"])
    doubtful = word_set(signs["doubtful"]["words"])
    never_folded = english | word_set(signs["english"]["unfolded"])
    words: dict[str, dict[str, float]] = {}
    letters: dict[str, tuple[str, ...]] = {}
    endings: dict[str, tuple[str, ...]] = {}
    shared: dict[str, frozenset[str]] = {}
    script_of: dict[str, str] = {}
    for name, table in languages.items():
        shared[name] = word_set(table.get("shared", ""))
        listed = word_set(table["words"])
        folded = _fold_all(listed) - never_folded - shared[name]
        for word in chain(listed, folded):
            weight = _DOUBTFUL_COUNTS if word in doubtful else _WORD_COUNTS
            words.setdefault(word, {})[name] = weight
        for letter in table.get("letters", ""):
            letters[letter] = (*letters.get(letter, ()), name)
        if "endings" in table:
            endings[name] = tuple(table["endings"].split())
        if "script" in table:
            script_of[name] = table["script"]
    scripts = signs["scripts"]
    return _Lexicon(
        english=english,
        words=words,
        telling=frozenset(words.keys() - doubtful),
        shared=shared,
        letters=letters,
        endings=endings,
        scripts={name: re.compile(f"[{ranges}]") for name, ranges in scripts.items()},
        script_of=script_of,
        other_script=re.compile(f"[{''.join(scripts.values())}]"),
    )


def _fold_all(words: frozenset[str]) -> set[str]:
    """Return the longer words without their accents, as people type them.

    >>> _fold_all(frozenset({"jours", "décès", "été"})) == {"jours", "deces"}
    True
    """
    folded: set[str] = set()
    for word in words:
        if len(word) < _FOLDED_WORD:
            continue
        # NFD writes an accented letter as the letter and its accent.
        signs = unicodedata.normalize("NFD", word)
        plain = "".join(sign for sign in signs if not unicodedata.combining(sign))
        if plain.isascii():
            folded.add(plain)
    return folded


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
    return [letter.start() for letter in _load().other_script.finditer(text)]


def weigh(text: str) -> LanguageSigns:
    """Return what the words, endings and letters of a text say for each language.

    Each word counts once, in any case. A word that is listed for no language and not in English
    counts by its accented letters and its ending, up to a limit for each language; endings only
    beside a word or letter of their language. Letters of another script count for all languages
    that are written in it.

    >>> signs = weigh("Schwangerschaft oder Stillzeit")
    >>> signs.scores["German"], signs.english, signs.words
    (3.0, 0, 3)
    """
    lexicon = _load()
    composed = unicodedata.normalize("NFC", text)
    words = list(_list_words(composed))
    # A word counts once, as it is written first.
    spelled_first = {word.lower(): word for word in reversed(words)}
    scores: Counter[str] = Counter()
    accents: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for word, spelled in spelled_first.items():
        weights = lexicon.words.get(word)
        if weights:
            scores.update(weights)
        elif word not in lexicon.english:
            accents.update(_weigh_letters(word, spelled))
            endings.update(_weigh_ending(word))
    for name, weight in accents.items():
        scores[name] += min(weight, _MOST_ACCENTS)  # type: ignore[assignment]
    # An ending counts only beside a word or letter of its language.
    for name, weight in endings.items():
        if name in scores:
            scores[name] += min(weight, _MOST_ENDINGS)  # type: ignore[assignment]
    for script, count in find_scripts(composed).items():
        for name in _list_languages(script):
            scores[name] += count  # type: ignore[assignment]
    return LanguageSigns(
        scores=dict(scores),
        english=sum(word.lower() in lexicon.english for word in words),
        words=sum(len(word) > 1 for word in words),
    )


def _list_words(text: str) -> Iterator[str]:
    """Yield the words of a text, those with an apostrophe or hyphen in pieces ("l'âge"), without
    abbreviations.
    """
    listed = _load().words
    for word in WORD.findall(text):
        is_short = len(word) <= _LONGEST_ABBREVIATION
        if is_short and word.isascii() and word.isupper():
            continue  # "OLE"
        if word.lower() in listed:
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
    counts: Counter[str] = Counter()
    for word in WORD.findall(text):
        counts.update(_count_letters(word))
    # Japanese is written with Chinese letters, too.
    if counts["Japanese"]:
        counts["Japanese"] += counts.pop("Chinese", 0)
    is_mixed = _LATIN.search(text) is not None
    scripts: dict[str, float] = {}
    for name, count in counts.items():
        fewest = _FEW_LETTERS
        if name in _FEWEST_LETTERS:
            fewest = _FEWEST_LETTERS[name] if is_mixed else 1  # "2年"
        if count >= fewest:
            scripts[name] = float(count)
    return scripts


def _count_letters(word: str) -> dict[str, int]:
    """Return how many letters of each other script are in a word, by the script's name; a script
    without letters there is left out.

    Letters of the scripts with capitals (``_CASED``), such as Greek, do not count in a word that
    is short, has Latin letters, too, or is an abbreviation in capitals.
    """
    if word.isascii():
        return {}
    # "ΒΜΙ" in Greek capitals, which look like the Latin ones
    is_abbreviation = word.isupper() and len(word) < _LONG_WORD
    # the "β" of "β2-agonist"
    is_short = len(word) < _FEW_LETTERS
    has_latin = _LATIN.search(word) is not None
    is_foreign_word = not (is_abbreviation or is_short or has_latin)
    counts: dict[str, int] = {}
    for script, letters in _load().scripts.items():
        if script in _CASED and not is_foreign_word:
            continue
        count = len(letters.findall(word))
        if count:
            counts[script] = count
    return counts


def _list_languages(script: str) -> list[str]:
    """Return the languages of a script that have words of their own, or the script's name."""
    languages = [name for name, own in _load().script_of.items() if own == script]
    return languages or [script]


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
    if script is None or len(likely) < 2:
        return language
    name: str = read_table("language_signs")["shared"].get(script, language)
    return name
