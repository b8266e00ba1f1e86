"""Wider names of conditions, drugs and events: "surgery" of "major surgery"."""

from collections.abc import Iterable, Sequence

from extractor.match.synonyms import Synonyms, list_keys, list_kinds, make_key
from extractor.match.words import words_of
from extractor.measures.names import spell_words


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
    its name without the words that narrow it. Words after which it may be absent ("suspected",
    "previous") are none of these.

    >>> list_wider(["severe gout"], "severe gout", Synonyms())
    ['gout', 'gouty arthritis']
    """
    found = dict.fromkeys(list_kinds(keys, name, synonyms))
    for each in _list_plainer(spell_words(name)):
        # "acute heart failure" is no "chronic heart failure", a usual name of "heart failure"
        other = words_of("narrowing", "describing").difference(each.split())
        same = list_keys(each, synonyms)
        same = [key for key in same if other.isdisjoint(key.split())]
        found |= dict.fromkeys(same)
        found |= dict.fromkeys(list_kinds(same, each, synonyms))
    return [key for key in found if key not in keys]


def _list_plainer(words: Sequence[str]) -> Iterable[str]:
    """Yield a name without the first of its words, as long as the rest is a wider name."""
    certain = words_of("narrowing") - words_of("narrowing_in_doubt")
    kinds = certain | words_of("describing", "of_heads", "of_kinds")
    is_kind = bool(words) and words[-1] in words_of("heads_of_kinds")
    allowed = kinds if is_kind else certain
    while len(words) > 1:
        if words[:1] in (("low",), ("high",)) and words[1] == "dose" and words[2:]:
            words = words[2:]
        elif words[0] in allowed:
            words = words[1:]
        else:
            return
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
