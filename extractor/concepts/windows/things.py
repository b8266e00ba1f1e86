"""Split the name of a time window into the individual treatments or events that it lists, in lower
case and in the singular. "Prior chemotherapy, radiotherapy or other biologics" lists three
treatments. Text that cannot be split safely is kept whole: a long name is better than half a name.
"""

import re
from functools import lru_cache

from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens

_KEPT = 4096
"""Maximum number of texts whose parts are cached."""
_BRACKETED = re.compile(r" ?\([^()]{0,400}(?:\)|$)")
_ADJECTIVES = ("al", "ous", "ed", "ular", "olar", "ory", "atic", "emic", "toxic")
"""Endings of adjectives that need a following noun: "systemic or topical steroids"."""
_NOUNS = frozenset({"trial", "hospital", "withdrawal", "interval", "survival"})
"""Nouns that end like these adjectives."""
_SINGULARS = (
    (re.compile("(?<=[aeiou]s)es$|(?<=lys)es$"), "is"),
    (re.compile("ies$"), "y"),
    (re.compile("(?<=ch|sh|ss)es$|(?<=x)es$"), ""),
    (re.compile("(?<![suiao])s$"), ""),
)
"""Plural endings with the corresponding singular endings; only the first match is used."""
_UNCOUNTED = frozenset({"diabetes", "herpes", "measles", "rabies", "series", "ascites"})


@lru_cache(maxsize=_KEPT)
def list_things(words: str) -> tuple[str, ...]:
    """Return the distinct treatments or events in the name of a window, in lower case and in the
    singular. Text in brackets is omitted. Text that cannot be split safely is returned as a single
    name.

    >>> list_things("Any chemotherapy, radiotherapy or other biologics (e.g. fictumab)")
    ('chemotherapy', 'radiotherapy', 'biologic')
    >>> list_things("systemic or topical corticosteroids")
    ('systemic or topical corticosteroid',)
    >>> list_things("MS, NSAIDs or equivalent"), list_things("drug or alcohol abuse")
    (('ms', 'nsaid'), ('drug or alcohol abuse',))
    """
    tokens = read_text(" ".join(_BRACKETED.sub(" ", words).split()))
    places = list[Range]()
    start = 0
    for joint in rule("thing_joint").find(tokens):
        if _is_cut(tokens, start, joint.first, joint.end):
            places.append((start, joint.first))
            start = joint.end
    places.append((start, len(tokens)))
    if rule("abuse_word").ends(tokens, len(tokens)):
        # "drug or alcohol abuse"
        places = [(0, len(tokens))]
    names = dict.fromkeys(_name_thing(tokens, *place) for place in places)
    return tuple(filter(None, names))


def _is_cut(tokens: Tokens, start: int, first: int, end: int) -> bool:
    """Return whether the comma or conjunction at the tokens ``first:end`` separates two names, the
    first of which begins at token ``start``. It does not separate names at the edges of the text,
    at a slash without a preceding space, after details, or after a word that needs the noun of the
    next name ("systemic or topical steroids").
    """
    is_slash = tokens.words[first] == "/" and tokens.joined(first)
    if first <= start:
        return False
    if end == len(tokens):
        return False
    if is_slash:
        return False
    if rule("opens_thing").starts(tokens, end):
        return True
    lead = rule("thing_lead").starts(tokens, start, first)
    if rule("thing_detail").search(tokens, lead.end if lead else start, first):
        return False
    for name in ("kind_alone", "routes", "kind_of_course"):
        if rule(name).ends(tokens, first, first - 3):
            return False
    word = tokens.words[first - 1].lower()
    if word in _NOUNS:
        return True
    return not word.endswith((*_ADJECTIVES, "systemic"))


def _name_thing(tokens: Tokens, first: int, end: int) -> str:
    """Return the name in the tokens ``first:end``, in lower case and in the singular, without
    leading words that do not describe it; an empty string if no words remain.
    """
    lead = rule("thing_lead").starts(tokens, first, end)
    if lead and lead.end < end:
        first = lead.end
    # "prednisone or equivalent" is only prednisone
    if rule("no_thing").covers(tokens, first, end):
        return ""
    head, _, last = tokens.read(first, end).lower().strip(" ,.;:").rpartition(" ")
    return f"{head} {_make_singular(last)}".strip()


def _make_singular(word: str) -> str:
    """Return the singular of a word if its ending is unambiguous; otherwise, return the word
    itself.
    """
    if len(word) < 4:
        return word
    if word in _UNCOUNTED:
        return word
    for plural, singular in _SINGULARS:
        if plural.search(word):
            return plural.sub(singular, word)
    return word
