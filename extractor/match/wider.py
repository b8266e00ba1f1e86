"""Wider names of conditions, drugs and events: "surgery" of "major surgery"."""

import re
from collections.abc import Iterable, Sequence

from extractor.language.book import read_table
from extractor.match.synonyms import Synonyms, list_keys, list_kinds, make_key
from extractor.match.words import words_of
from extractor.measures.names import spell_words

_AMOUNT = re.compile(r",? \d[\d.,]{0,9} ?(?:mg|mcg|µg|g|units?|iu)\b.*", re.IGNORECASE)
"""An amount behind the name of a drug: "warfarin 5 mg daily"."""


def find_wider(name: str) -> tuple[str, ...]:
    """Return the keys of a name in a line without the words that narrow it: "asthma" for "severe
    asthma". Who has none of these, has not got the named one either.

    >>> find_wider("severe chronic asthma"), find_wider("asthma")
    (('chronic asthma', 'asthma'), ())
    """
    words = list(spell_words(name))
    narrowing = words_of("narrowing")
    wider = []
    while len(words) > 1 and words[0] in narrowing:
        words = words[1:]
        wider.append(make_key(" ".join(words)))
    return tuple(wider)


def list_wider(keys: Sequence[str], name: str, synonyms: Synonyms) -> list[str]:
    """Return the keys of wider things that a patient has, too, who has a thing: its classes, and
    what is left of its name without the words that narrow it.

    >>> list_wider(["severe gout"], "severe gout", Synonyms())
    ['gout', 'gouty arthritis']
    """
    found = dict.fromkeys(list_kinds(keys, name, synonyms))
    for each in _list_plainer(name):
        # "acute heart failure" is no "chronic heart failure", a usual name of "heart failure"
        excluded = _list_opposites(spell_words(name))
        same = list_keys(each, synonyms)
        same = [key for key in same if excluded.isdisjoint(key.split())]
        found |= dict.fromkeys(same)
        found |= dict.fromkeys(list_kinds(same, each, synonyms))
    return [key for key in found if key not in keys]


def _list_opposites(words: Iterable[str]) -> frozenset[str]:
    """Return the words that contradict those of a name: "chronic" for "acute"."""
    said = frozenset(words)
    found: set[str] = set()
    for line in read_table("match_words")["opposites"].strip().splitlines():
        contrary = set(line.split())
        if not contrary.isdisjoint(said):
            found |= contrary - said
    return frozenset(found)


def _list_plainer(name: str) -> Iterable[str]:
    """Yield what a patient has, too, who has something: without its amount, without what is said
    behind it, then without each of the first words that only narrow it. What is over, or not sure,
    has no plainer name.

    >>> list(_list_plainer("severe asthma requiring steroids"))
    ['severe asthma', 'asthma']
    >>> list(_list_plainer("AML in remission")), list(_list_plainer("cardiac surgery"))
    ([], ['surgery'])
    """
    plain = _AMOUNT.sub("", name)
    words = list(spell_words(plain))
    kinds = words_of("heads_of_kinds")
    is_unsure = words_of("unsure", "others", "denials") - kinds
    if not is_unsure.isdisjoint(words):
        return
    if plain != name:
        yield " ".join(words)
    behind = words_of("behind_stated")
    for place, word in enumerate(words):
        if place and word in behind:
            words = words[:place]
            yield " ".join(words)
            break
    general = words_of("too_general", "cancers", "before_stated", "heads") - kinds
    allowed = words_of("narrowing", "before_stated")
    if words and words[-1] in kinds:
        allowed = words_of("narrowing", "describing", "of_heads", "of_kinds")
    allowed -= words_of("narrowing_in_doubt")
    while len(words) > 1:
        if words[:1] in (["low"], ["high"]) and words[1] == "dose" and words[2:]:
            words = words[2:]
        elif words[0] in allowed:
            words = words[1:]
        else:
            return
        # trials that exclude any cancer mean another one than the one that they treat
        if not general.issuperset(words):
            yield " ".join(words)


def strip_event(text: str) -> list[str]:
    """Return the words of an event without those around it that do not change it. Words that would
    leave nothing are kept.

    >>> (
    ...     strip_event("any prior radiation therapy"),
    ...     strip_event("an investigational drug"),
    ... )
    (['radiation'], ['investigational', 'drug'])
    """
    idle = words_of("around_events", "ended", "denials") - words_of("telling")
    words = list(spell_words(text))
    while words and words[0] in idle:
        words.pop(0)
    rest = list(words)
    while rest and rest[-1] in idle:
        rest.pop()
    if rest and not words_of("telling").issuperset(rest):
        return rest
    return words
