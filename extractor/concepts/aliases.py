"""Names of one thing: short forms and full names of instruments, measures and agents.

Parsing, the checks of answers and the evaluation share three vocabularies of `rules/terms`:
``instruments``, ``measures`` and ``agent_abbreviations``.

>>> name_instrument("NCI-CTCAE v4.0") == name_instrument(
...     "Common Toxicity Criteria for Adverse Effects (version 4)"
... )
True
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from extractor.concepts.limits.quantity_names import spell_words
from extractor.language.book import Entry, terms_of, word_list

_GLOSS = re.compile(r"([^()]*\w)\s*\(([^()]+)\)(.*)", re.DOTALL)
_VERSION = re.compile(
    r"(?P<name>.*?\w\)?)(?:[\s,;(-]*v(?:ers?|ersion)?\.?\s*(?P<version>\d[\d.]*)"
    r"|[\s,(]+(?P<bare>\d{1,2}\.\d{1,2}))\)?",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_NAME = 120
"""The most characters of a name."""
_OPENING = re.compile(
    r"(?:(?:the|an?|(?:first\s+)?(?:date|time|moment|assessment|documentation|occurrence)\s+(?:of"
    r"|when|that))\s+)+(?=\S)",
    re.IGNORECASE,
)
_CENSORED = re.compile(
    r"(?<!\s)\s*\([^()]{0,200}censor[^()]{0,200}\)\s*$", re.IGNORECASE
)


def trim_event(quote: str) -> tuple[int, int]:
    """Where the event's own words stand in a quote: without "the date of" in front, or that it is
    censored.

    >>> quote = "the date of first documentation of relapse (censored)"
    >>> start, end = trim_event(quote)
    >>> quote[start:end]
    'relapse'
    """
    opening = _OPENING.match(quote)
    end = _CENSORED.search(quote)
    return opening.end() if opening else 0, end.start() if end else len(quote)


def name_instrument(name: str, version: str | None = None) -> tuple[str, str]:
    """Return a key that all names of an instrument share, and its version or "". The version may be
    part of the name.

    >>> (
    ...     name_instrument("the Asthma-Control test (ACT)"),
    ...     name_instrument("RECIST", "1.1"),
    ... )
    (('ACT', ''), ('RECIST', '1.1'))
    >>> name_instrument("Example Scale, 2nd form")
    ('examplescale2ndform', '')
    """
    bare, stated = split_version(name)
    entry = find_instrument(bare)
    return entry.value if entry else "".join(_fold(bare)), (
        version or stated or ""
    ).strip().removesuffix(".0")


def split_version(name: str) -> tuple[str, str | None]:
    """Return the name of a known instrument and the version after it. Other names stay whole.

    >>> split_version("CTCAE, Version 5.0"), split_version("QLQ-C30")
    (('CTCAE', '5.0'), ('QLQ-C30', None))
    """
    found = _VERSION.fullmatch(name.strip()) if len(name) <= _LONGEST_NAME else None
    if not found or find_instrument(found["name"]) is None:
        return name, None
    return found["name"], (found["version"] or found["bare"]).rstrip(".")


@lru_cache(maxsize=4096)
def find_entry(name: str, vocabulary: str) -> Entry | None:
    """Return the entry with this name, also if its short form follows in brackets: "methotrexate
    (MTX)".

    >>> find_entry("Forced Expiratory Volume in one second (FEV1)", "measures").value
    'FEV1'
    """
    if len(name) > _LONGEST_NAME:
        return None
    known = _index(vocabulary)
    heads = word_list("heads_of_names")
    words = _fold(name)
    # "Asthma Control Test score"
    without = words[:-1] if words and words[-1] in heads else words
    written = (name.strip(), *map("".join, (words, without, _drop_heads(words))))
    found = next((known[each] for each in written if each in known), None)
    if found:
        return found
    gloss = _GLOSS.fullmatch(name)
    if gloss:
        full = find_entry(gloss[1] + gloss[3], vocabulary)
        short = find_entry(gloss[2], vocabulary)
        return full if full is short else None
    return None


def find_instrument(name: str) -> Entry | None:
    """Return the entry of an instrument: of a short form in brackets, or else of the name without
    the brackets.

    >>> (
    ...     find_instrument("Patient Health Questionnaire (PHQ-9)").value,
    ...     find_instrument("BDI (21 items)").value,
    ... )
    ('PHQ-9', 'BDI')
    """
    gloss = _GLOSS.fullmatch(name)
    names = (name, gloss[2], gloss[1] + gloss[3]) if gloss else (name,)
    return next(
        (entry for each in names if (entry := find_entry(each, "instruments"))), None
    )


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
    return tuple(
        word
        for word in spell_words(name)
        if word not in word_list("small_words_of_names")
    )


def _drop_heads(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in word_list("heads_of_names"))


@cache
def _index(vocabulary: str) -> Mapping[str, Entry]:
    """Entries by their names as written ("mRS", "MRS"), folded, and without words such as "scale".

    A name of several entries is left out.
    """
    names = [
        (name, entry) for entry in terms_of(vocabulary) for name in list_names(entry)
    ]
    whole = [("".join(_fold(name)), entry) for name, entry in names]
    short = [("".join(_drop_heads(_fold(name))), entry) for name, entry in names]
    index: dict[str, Entry] = {}
    for each in (short, whole, names):
        entries: dict[str, dict[str, Entry]] = {}
        for name, entry in each:
            entries.setdefault(name, {}).setdefault(entry.value, entry)
        index |= {
            name: next(iter(found.values()))
            for name, found in entries.items()
            if name and len(found) == 1
        }
    return index
