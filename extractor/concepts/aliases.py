"""Aliases: the abbreviations and full names of an instrument, measure or agent.

Parsing, answer checking and evaluation share three vocabularies in `rules/terms`:
``instruments``, ``measures`` and ``agent_abbreviations``.

>>> name_instrument("NCI-CTCAE v4.0") == name_instrument(
...     "Common Toxicity Criteria for Adverse Effects (version 4)"
... )
True
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from extractor.language.book import Entry, terms_of, word_list
from extractor.language.lexer import Range
from extractor.measures.names import spell_words

_GLOSS = re.compile(r"([^()]*\w)\s*\(([^()]+)\)(.*)", re.DOTALL)
_VERSION = re.compile(
    r"(?P<name>.*?\w\)?)(?:[\s,;(-]*v(?:ers?|ersion)?\.?\s*(?P<version>\d[\d.]*)"
    r"|[\s,(]+(?P<bare>\d{1,2}\.\d{1,2}))\)?",
    re.IGNORECASE | re.DOTALL,
)
# Chosen by hand, longer than names are; keeps the time of the patterns short.
_LONGEST_NAME = 120
"""Maximum number of characters in a name."""
_OPENING = re.compile(
    r"(?:(?:the|an?|(?:first\s+)?(?:date|time|moment|assessment|documentation|occurrence)\s+(?:of"
    r"|when|that))\s+)+(?=\S)",
    re.IGNORECASE,
)
_CENSORED = re.compile(
    r"(?<!\s)\s*\([^()]{0,200}censor[^()]{0,200}\)\s*$", re.IGNORECASE
)


def trim_event(quote: str) -> Range:
    """Return the start and end of an event's name in a quote, excluding any leading "the date of"
    and any trailing bracketed note about censoring.

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
    """Return a key shared by all names of an instrument, and the instrument's version (an empty
    string if there is no version). The version may be part of the name; "4.0" is returned as "4".

    >>> (
    ...     name_instrument("the Asthma-Control test (ACT)"),
    ...     name_instrument("RECIST", "1.1"),
    ... )
    (('ACT', ''), ('RECIST', '1.1'))
    >>> name_instrument("Example Scale, 2nd form")
    ('examplescale2ndform', '')
    """
    bare, version_in_name = split_version(name)
    entry = find_entry(bare, "instruments")
    key = entry.value if entry else _list_forms(bare).spelled
    stated = (version or version_in_name or "").strip()
    return key, stated.removesuffix(".0")


def split_version(name: str) -> tuple[str, str | None]:
    """Split a known instrument's name from the version that follows it. Return any other name
    unchanged, with None as the version.

    >>> split_version("CTCAE, Version 5.0"), split_version("QLQ-C30")
    (('CTCAE', '5.0'), ('QLQ-C30', None))
    """
    if len(name) > _LONGEST_NAME:
        return name, None
    versioned = _VERSION.fullmatch(name.strip())
    # the 30 of "QLQ-C30" is a part of the name
    if not versioned or find_entry(versioned["name"], "instruments") is None:
        return name, None
    version = versioned["version"] or versioned["bare"]
    return versioned["name"], version.rstrip(".")


@lru_cache(maxsize=4096)
def find_entry(name: str, vocabulary: str) -> Entry | None:
    """Return the entry with this name, which may be followed by its abbreviation in brackets:
    "methotrexate (MTX)". Return None if no entry matches, or if the name and the abbreviation
    belong to different entries. For an instrument, it is sufficient if either the name or the
    abbreviation matches. The name is looked up as written, then without function words, and then
    without general words such as "score".

    >>> find_entry("Forced Expiratory Volume in one second (FEV1)", "measures").value
    'FEV1'
    >>> find_entry("BDI (21 items)", "instruments").value
    'BDI'
    """
    if len(name) > _LONGEST_NAME:
        return None
    known = _index(vocabulary)
    for form in _list_forms(name):
        if form in known:
            return known[form]
    gloss = _GLOSS.fullmatch(name)
    if gloss is None:
        return None
    full = find_entry(gloss[1] + gloss[3], vocabulary)
    short = find_entry(gloss[2], vocabulary)
    if vocabulary == "instruments":  # "BDI (21 items)"
        return short or full
    if full is short:
        return full
    return None


def list_names(entry: Entry) -> tuple[str, ...]:
    """Return all names of an entry, without duplicates and with the usual name first.

    >>> list_names(find_entry("MTX", "agent_abbreviations"))[:2]
    ('methotrexate', 'MTX')
    """
    return tuple(dict.fromkeys((entry.value, *entry.terms, *entry.also)))


def unify(text: str) -> str:
    """Return the usual name of an agent or a measure; any other text is returned unchanged.

    >>> (
    ...     unify("MTX"),
    ...     unify("forced expiratory volume in 1 second"),
    ...     unify("Death from any cause"),
    ... )
    ('methotrexate', 'FEV1', 'Death from any cause')
    """
    entry = find_entry(text, "agent_abbreviations") or find_entry(text, "measures")
    if entry:
        return entry.value
    return text


class _LookedUp(NamedTuple):
    """The forms in which a name is looked up, from the most to the least exact: as written;
    normalised and without function words such as "the"; then also without a final general word
    such as "scale"; and finally without any general words.
    """

    written: str
    spelled: str
    shortened: str
    specific: str


def _list_forms(name: str) -> _LookedUp:
    small_words = word_list("small_words_of_names")
    general_words = word_list("heads_of_names")
    words = [word for word in spell_words(name) if word not in small_words]
    # "asthma control score" and "asthma control test" are one measure
    end = -1 if words and words[-1] in general_words else len(words)
    specific = [word for word in words if word not in general_words]
    return _LookedUp(
        name.strip(), "".join(words), "".join(words[:end]), "".join(specific)
    )


@cache
def _index(vocabulary: str) -> Mapping[str, Entry]:
    """Index the entries by the forms of their names. If a key is a form of several names, the most
    exact form takes precedence.
    """
    index: dict[str, Entry] = {}
    # each form replaces the keys of the less exact ones before it
    for form in ("specific", "spelled", "written"):
        index |= _index_form(vocabulary, form)
    return index


def _index_form(vocabulary: str, form: str) -> dict[str, Entry]:
    """Index the entries by one form of their names, omitting forms that several entries share."""
    entries: dict[str, Entry] = {}
    # "" is the form of a name that has only general words
    ambiguous = {""}
    for entry in terms_of(vocabulary):
        for name in list_names(entry):
            key = getattr(_list_forms(name), form)
            first = entries.setdefault(key, entry)
            if first.value != entry.value:
                ambiguous.add(key)
    for key in ambiguous:
        entries.pop(key, None)
    return entries
