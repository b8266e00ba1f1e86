"""Names of agents: drug names from a public list, names of the vocabulary in a text, and the bare
name within a longer name.

``drug_names.tsv.gz`` has a line for each substance: its name, its DrugBank number and all its
names, in lower case. ``drug_names.md`` gives its source and licence.
"""

import gzip
from collections.abc import Iterator, Set
from functools import cache, lru_cache
from importlib.resources import files
from operator import itemgetter
from typing import NamedTuple

from extractor.concepts.aliases import find_entry
from extractor.concepts.doses.marks import Place
from extractor.language.book import find_terms, read_term, rule, terms_of
from extractor.language.lexer import Tokens, keep, lex
from extractor.schemas import Route

_TABLE = "drug_names.tsv.gz"
_MOST_WORDS = 4
"""Maximum number of words in a listed name."""


class Substance(NamedTuple):
    """A substance with its DrugBank number: "DB00654"."""

    name: str
    number: str


@cache
def _load() -> tuple[dict[str, Substance], Set[str]]:
    """Return the substances by name, and the first words of the names."""
    substances: dict[str, Substance] = {}
    packed = files(__package__).joinpath(_TABLE).read_bytes()
    for line in gzip.decompress(packed).decode().splitlines():
        name, number, names = line.split("\t")
        substances |= dict.fromkeys(names.split("|"), Substance(name, number))
    return substances, {name.partition(" ")[0] for name in substances}


@keep
def find_drugs(tokens: Tokens) -> list[Place]:
    """Return the places of drug names from left to right, the longest name at each place.

    >>> from extractor.language.book import read_text
    >>> find_drugs(read_text("latanoprost or insulin glargine"))
    [(0, 1), (2, 4)]
    """
    substances, first_words = _load()
    # a name is listed without its hyphens
    places = [at for at, word in enumerate(tokens.words) if word != "-"]
    words = [tokens.words[at].lower() for at in places]
    found: list[Place] = []
    end = 0
    for at, word in enumerate(words):
        if at < end or word not in first_words:
            continue
        for stop in range(min(at + _MOST_WORDS, len(words)), at, -1):
            if " ".join(words[at:stop]) in substances:
                end = stop
                found.append((places[at], places[end - 1] + 1))
                break
    return found


def find_substance(name: str) -> Substance | None:
    """Return the substance that a name means; None if it is not in the list.

    >>> find_substance("Xalatan")
    Substance(name='latanoprost', number='DB00654')
    """
    return _load()[0].get(" ".join(name.lower().replace("-", " ").split()))


_LONGEST = 40
"""Maximum number of tokens in a name."""
_SHORTEST_STEM = 3
"""Minimum number of letters before the stem in a drug's name."""
_SIGNS = ".,:;-+/*&\n)('\"]"
_TRADE_MARKS = ("®", "™", "©", "(r)", "(tm)", "-")


@cache
def _stems() -> dict[str, str]:
    """Map each stem to the kind of agent that it indicates."""
    return {
        stem: entry.value for entry in terms_of("agent_stems") for stem in entry.terms
    }


@cache
def _salts() -> frozenset[str]:
    return frozenset(term for entry in terms_of("salts") for term in entry.terms)


def is_salt(word: str) -> bool:
    """Return whether a word names a salt: "phosphate" in "fludarabine phosphate"."""
    return word.lower() in _salts()


@lru_cache(maxsize=65536)
def name_key(name: str) -> str:
    """Return a name in the form used for comparison: in lower case, without hyphens, salts or
    trademark symbols.

    >>> (
    ...     name_key("Doxorubicin hydrochloride") == name_key("doxorubicin"),
    ...     name_key("CAR-T  cells"),
    ... )
    (True, 'car t cells')
    """
    folded = name.lower()
    for mark in _TRADE_MARKS:
        folded = folded.replace(mark, " ")
    words = folded.split()
    while len(words) > 1 and words[-1] in _salts():
        words.pop()
    return " ".join(words)


def unify_name(name: str) -> str:
    """Return the key of an agent, which its abbreviation, its brand and its substance share.

    >>> unify_name("TBI"), unify_name("Xalatan"), unify_name("Examplumab")
    ('total body irradiation', 'latanoprost', 'examplumab')
    """
    entry = find_entry(name, "agent_abbreviations")
    if entry:
        return entry.value
    key = name_key(name)
    substance = find_substance(name) or find_substance(key)
    if substance:
        return substance.name
    return key


def is_vague(name: str) -> bool:
    """Return whether a name describes a treatment without naming the substance: "oral
    immunotherapy".
    """
    return rule("vague_name").search(lex(name)) is not None


def is_same_agent(name: str | None, other_name: str | None) -> bool:
    """Return whether two names may refer to the same agent: one name contains the other, ignoring
    text in brackets.

    >>> (
    ...     is_same_agent("Examplumab (EX-1)", "high-dose examplumab"),
    ...     is_same_agent("placebo", "Examplumab"),
    ... )
    (True, False)
    """
    key = unify_name((name or "").partition("(")[0].strip())
    other_key = unify_name((other_name or "").partition("(")[0].strip())
    if not (key and other_key):
        return False
    return key in other_key or other_key in key


def find_general(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> list[tuple[str, int, int]]:
    """Return the agents from the general vocabulary that a text names, from left to right, as
    (kind, start, end) tuples. A word that is not in the vocabulary can be recognised by its suffix
    ("-mab").

    >>> from extractor.language.book import read_text
    >>> find_general(read_text("Examplumab and matching placebo"))
    [('drug', 0, 1), ('placebo', 2, 4)]
    """
    end = len(tokens) if end is None else end
    agents = [
        (term.value, term.first, term.end)
        for term in find_terms(tokens, "agents", first, end)
    ]
    taken = {at for _, start, stop in agents for at in range(start, stop)}
    for at in range(first, end):
        kind = _find_stem(tokens.words[at])
        if kind and at not in taken:
            agents.append((kind, at, at + 1))
    return sorted(agents, key=itemgetter(1))


@lru_cache(maxsize=65536)
def _find_stem(word: str) -> str | None:
    folded = word.lower()
    # most words of a text end with no stem
    if not folded.isalpha() or not folded.endswith(tuple(_stems())):
        return None
    for stem, kind in _stems().items():
        if folded.endswith(stem) and len(folded) >= len(stem) + _SHORTEST_STEM:
            return kind
    return None


def trim_name(tokens: Tokens, first: int, end: int) -> Place | None:
    """Return the tokens of the bare name in a range, without adjacent labels, doses, routes, forms
    or uses; None if the remaining tokens do not name an agent.
    """
    first, end = _trim_signs(tokens, first, min(end, first + _LONGEST))
    if rule("label_name").covers(tokens, first, end):
        return None
    opening = rule("name_opening").starts(tokens, first, end)
    if opening and opening.end < end:
        first, end = _trim_signs(tokens, opening.end, end)
    cut = rule("name_cut").search(tokens, first + 1, end)
    first, end = _trim_signs(tokens, first, cut.first if cut else end)
    end = _skip_trail(tokens, first, end)
    # a route on its own is not a name, except for external beam radiation
    route = read_term("routes", tokens, first, end)
    if route and route.value != Route.EXTERNAL_BEAM:
        return None
    if end <= first:
        return None
    if rule("label_name").covers(tokens, first, end):
        return None
    return first, end


def _trim_signs(tokens: Tokens, first: int, end: int) -> Place:
    while first < end and tokens.words[first] in _SIGNS:
        first += 1
    while end > first and tokens.words[end - 1] in _SIGNS:
        end -= 1
    return first, end


def _skip_trail(tokens: Tokens, first: int, end: int) -> int:
    """Return the end of a name, excluding the forms, schedules and uses that follow it."""
    while trail := rule("name_trail").ends(tokens, end, first + 1):
        if trail.first >= end:
            break
        end = _trim_signs(tokens, first, trail.first)[1]
    return end


def split_names(tokens: Tokens, first: int, end: int) -> list[Place]:
    """Return the places of the individual names in the name of a combination: "A + B", or "A and B"
    if both are known.
    """
    places: list[Place] = []
    for piece in _cut(tokens, first, end, "name_joint"):
        parts = list(_cut(tokens, *piece, "weak_name_joint"))
        if not _are_known(tokens, parts):
            parts = [piece]
        places += parts
    return places


def _cut(tokens: Tokens, first: int, end: int, joint: str) -> Iterator[Place]:
    """Yield the ranges between those matches of the rule ``joint`` that are outside brackets."""
    at = first
    for match in rule(joint).find(tokens, first, end):
        codes = tokens.codes[at : match.first]
        if codes and codes.count("(") <= codes.count(")"):
            yield at, match.first
            at = match.end
    if end > at:
        yield at, end


def _are_known(tokens: Tokens, places: list[Place]) -> bool:
    """Return whether all parts of a name are in the general vocabulary, or whether one of two parts
    is a placebo: "examplumab or placebo".
    """
    if not all(trim_name(tokens, *place) for place in places):
        return False
    kinds = [{kind for kind, _, _ in find_general(tokens, *place)} for place in places]
    has_placebo = {"placebo"} in kinds and len(kinds) == 2
    return has_placebo or all(kinds)
