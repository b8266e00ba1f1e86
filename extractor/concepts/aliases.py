"""Names of the same thing: short forms and full names of instruments, measures and agents.

Parsing, the checks of answers and the evaluation share three vocabularies of `rules/terms`:
``instruments``, ``measures`` and ``agent_abbreviations``.

>>> name_instrument("NCI-CTCAE v4.0") == name_instrument(
...     "Common Toxicity Criteria for Adverse Effects (version 4)"
... )
True
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from extractor.language.book import Entry, terms_of, word_list
from extractor.measures.names import spell_words

_GLOSS = re.compile(r"([^()]*\w)\s*\(([^()]+)\)(.*)", re.DOTALL)
_VERSION = re.compile(
    r"(?P<name>.*?\w\)?)(?:[\s,;(-]*v(?:ers?|ersion)?\.?\s*(?P<version>\d[\d.]*)"
    r"|[\s,(]+(?P<bare>\d{1,2}\.\d{1,2}))\)?",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_NAME = 120
"""Maximum number of characters of a name."""
_OPENING = re.compile(
    r"(?:(?:the|an?|(?:first\s+)?(?:date|time|moment|assessment|documentation|occurrence)\s+(?:of"
    r"|when|that))\s+)+(?=\S)",
    re.IGNORECASE,
)
_CENSORED = re.compile(
    r"(?<!\s)\s*\([^()]{0,200}censor[^()]{0,200}\)\s*$", re.IGNORECASE
)


def trim_event(quote: str) -> tuple[int, int]:
    """Return the characters of a quote that are the event's own words: without "the date of" in
    front, and without a last bracket that states that it is censored.

    >>> quote = "the date of first documentation of relapse (censored)"
    >>> start, end = trim_event(quote)
    >>> quote[start:end]
    'relapse'
    """
    opening = _OPENING.match(quote)
    censored = _CENSORED.search(quote)
    start = opening.end() if opening else 0
    end = censored.start() if censored else len(quote)
    return start, end


def name_instrument(name: str, version: str | None = None) -> tuple[str, str]:
    """Return a key that all names of an instrument share, and its version or "". The version may be
    part of the name; "4.0" is "4".

    >>> (
    ...     name_instrument("the Asthma-Control test (ACT)"),
    ...     name_instrument("RECIST", "1.1"),
    ... )
    (('ACT', ''), ('RECIST', '1.1'))
    >>> name_instrument("Example Scale, 2nd form")
    ('examplescale2ndform', '')
    """
    bare, version_in_name = split_version(name)
    entry = find_instrument(bare)
    key = entry.value if entry else "".join(_fold(bare))
    stated = (version or version_in_name or "").strip()
    return key, stated.removesuffix(".0")


def split_version(name: str) -> tuple[str, str | None]:
    """Return the name of a known instrument and the version after it. Other names stay whole, with
    None as the version.

    >>> split_version("CTCAE, Version 5.0"), split_version("QLQ-C30")
    (('CTCAE', '5.0'), ('QLQ-C30', None))
    """
    if len(name) > _LONGEST_NAME:
        return name, None
    versioned = _VERSION.fullmatch(name.strip())
    if not versioned or find_instrument(versioned["name"]) is None:
        return name, None
    version = versioned["version"] or versioned["bare"]
    return versioned["name"], version.rstrip(".")


@lru_cache(maxsize=4096)
def find_entry(name: str, vocabulary: str) -> Entry | None:
    """Return the entry with this name, also if its short form follows in brackets: "methotrexate
    (MTX)". None if no entry has it, or if the name and the short form are of different entries.

    The name counts as it is written, then without small words, and without words such as "score".

    >>> find_entry("Forced Expiratory Volume in one second (FEV1)", "measures").value
    'FEV1'
    """
    if len(name) > _LONGEST_NAME:
        return None
    known = _index(vocabulary)
    words = _fold(name)
    # as in "Asthma Control Test score"
    without_last = words
    if words and words[-1] in word_list("heads_of_names"):
        without_last = words[:-1]
    shorter_forms = ("".join(words), "".join(without_last), "".join(_drop_heads(words)))
    for form in (name.strip(), *shorter_forms):
        if form in known:
            return known[form]
    gloss = _GLOSS.fullmatch(name)
    if gloss:
        full = find_entry(gloss[1] + gloss[3], vocabulary)
        short = find_entry(gloss[2], vocabulary)
        return full if full is short else None
    return None


def find_instrument(name: str) -> Entry | None:
    """Return the entry of an instrument: of the name, of a short form in brackets, or else of the
    name without the brackets. None if it is not known.

    >>> (
    ...     find_instrument("Patient Health Questionnaire (PHQ-9)").value,
    ...     find_instrument("BDI (21 items)").value,
    ... )
    ('PHQ-9', 'BDI')
    """
    entry = find_entry(name, "instruments")
    if entry:
        return entry
    gloss = _GLOSS.fullmatch(name)
    if gloss is None:
        return None
    short_form = find_entry(gloss[2], "instruments")
    return short_form or find_entry(gloss[1] + gloss[3], "instruments")


def list_names(entry: Entry) -> tuple[str, ...]:
    """Return all names of an entry, each once, the usual one first.

    >>> list_names(find_entry("MTX", "agent_abbreviations"))[:2]
    ('methotrexate', 'MTX')
    """
    return tuple(dict.fromkeys((entry.value, *entry.terms, *entry.also)))


def unify(text: str) -> str:
    """Return the usual name of an agent or a measure; any other text as it is.

    >>> (
    ...     unify("MTX"),
    ...     unify("forced expiratory volume in 1 second"),
    ...     unify("Death from any cause"),
    ... )
    ('methotrexate', 'FEV1', 'Death from any cause')
    """
    entry = find_entry(text, "agent_abbreviations") or find_entry(text, "measures")
    return entry.value if entry else text


def _fold(name: str) -> tuple[str, ...]:
    """Return the words of a name in one spelling, without small words such as "the"."""
    small_words = word_list("small_words_of_names")
    return tuple(word for word in spell_words(name) if word not in small_words)


def _drop_heads(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a name without words such as "scale", which many names share."""
    heads = word_list("heads_of_names")
    return tuple(word for word in words if word not in heads)


def _fold_short(name: str) -> Iterable[str]:
    """Return the folded words of a name without words such as "scale"."""
    return _drop_heads(_fold(name))


@cache
def _index(vocabulary: str) -> Mapping[str, Entry]:
    """Return entries by their names as written ("mRS", "MRS"), folded, and without words such as
    "scale". A name as written goes before a folded one, and that before one without such words.

    A name of several entries is left out.
    """
    index: dict[str, Entry] = {}
    for list_letters in (_fold_short, _fold, iter):
        named: dict[str, dict[str, Entry]] = defaultdict(dict)
        for entry in terms_of(vocabulary):
            for name in list_names(entry):
                letters = "".join(list_letters(name))
                named[letters].setdefault(entry.value, entry)
        for written, entries in named.items():
            if written and len(entries) == 1:
                [index[written]] = entries.values()
    return index
