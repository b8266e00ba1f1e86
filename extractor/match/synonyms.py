"""Names of the same thing, and of the kinds of a thing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from extractor.concepts.doses.names import unify_name
from extractor.language.book import read_table
from extractor.match.words import words_of
from extractor.measures.names import spell_words


class Synonyms(NamedTuple):
    """More names of drugs, conditions and events.

    Attributes:
        same: The keys of all names for a thing, by the key of each name.
        kinds: The keys of the classes of a thing, by its key: "anticoagulant" of "warfarin".
        codes: The keys of the classes of all codes with a beginning: "diabete" of "e11".
    """

    same: Mapping[str, frozenset[str]] = {}
    kinds: Mapping[str, frozenset[str]] = {}
    codes: Mapping[str, frozenset[str]] = {}


_PREFIX = re.compile(
    r"\b(?P<prefix>pre|sub|anti|non|post)(?P<link>[-\u2010\u2011 ]+)(?P<name>[^\W\d_]\w{2,})",
    re.IGNORECASE,
)


def join_prefixes(text: str) -> str:
    """Return a text in which a prefix and the name behind it are one word, because together they
    name another thing. "Non" denies a name such as "smoker", and stays apart. Without a hyphen,
    "post" may be a word of its own.

    >>> join_prefixes("Pre-diabetes"), join_prefixes("Non-smoker, status post stroke")
    ('Prediabetes', 'Non-smoker, status post stroke')
    """
    return _PREFIX.sub(_join_prefix, text)


def _join_prefix(found: re.Match[str]) -> str:
    prefix = found["prefix"].casefold()
    [word, *_] = spell_words(found["name"]) or ("",)
    is_denial = prefix == "non" and word in words_of("denied_by_non")
    is_word = prefix == "post" and found["link"].isspace()
    # "pre-treated" and "post-enrolment" are no names, "sub-clinical" is a part of one
    is_idle = word in words_of("denials" if prefix == "sub" else "neutral", "denials")
    if is_denial or is_word or is_idle:
        return found[0]
    return found["prefix"] + found["name"]


def spell_key(name: str) -> str:
    """Return a name in lower case and singular words, of which prefixes are a part."""
    return " ".join(_put_allergy_last(spell_words(join_prefixes(name))))


_ALLERGIES = frozenset({"allergy", "hypersensitivity", "allergic"})
_TO_ARTICLE = frozenset({"to", "the", "a", "an", "any"})


def _put_allergy_last(words: Sequence[str]) -> Sequence[str]:
    """Return the words of a name, in which an allergy to something stands behind it."""
    is_to_something = words[1:2] == ("to",)
    if is_to_something and words[0] in _ALLERGIES | {"intolerance"}:
        behind = list(words[2:])
        while behind and behind[0] in _TO_ARTICLE:
            behind.pop(0)
        words = (*behind, words[0])
    if len(words) > 1 and words[-1] in _ALLERGIES:
        return (*words[:-1], "allergy")
    return words


def make_key(name: str) -> str:
    """Return the key of a drug, condition or event: its substance, in singular words."""
    return spell_key(unify_name(name))


def join_synonyms(
    rows: Iterable[Iterable[str]], kinds: Iterable[tuple[str, Iterable[str]]] = ()
) -> Synonyms:
    """Return synonyms, given rows of names for the same thing. Rows that share a name are joined.

    Args:
        rows: Names for the same thing.
        kinds: Classes, each with its members. A member that ends with ``*`` is the beginning of a
            code.

    >>> sorted(join_synonyms([("heart attacks", "MI")]).same["mi"])
    ['heart attack', 'mi']
    """
    leaders: dict[str, str] = {}

    def lead(key: str) -> str:
        while leaders[key] != key:
            leaders[key] = leaders[leaders[key]]
            key = leaders[key]
        return key

    for row in rows:
        keys = [key for key in map(spell_key, row) if key]
        for key in keys:
            leaders.setdefault(key, key)
            leaders[lead(key)] = lead(keys[0])
    groups: dict[str, set[str]] = {}
    for key in leaders:
        groups.setdefault(lead(key), set()).add(key)
    same = {}
    for members in groups.values():
        shared = frozenset(members)
        same.update(dict.fromkeys(shared, shared))
    kinds_of: dict[str, set[str]] = {}
    codes: dict[str, set[str]] = {}
    for name, kept in kinds:
        for member in kept:
            if member.strip().endswith("*"):
                codes.setdefault(member.strip()[:-1].casefold(), set()).add(
                    make_key(name)
                )
            else:
                kinds_of.setdefault(make_key(member), set()).add(make_key(name))
    return Synonyms(
        same,
        {key: frozenset(found) for key, found in kinds_of.items()},
        {key: frozenset(found) for key, found in codes.items()},
    )


class _BuiltIn(NamedTuple):
    """The built-in names.

    Attributes:
        same: The keys of all names for a thing, by the key of each name.
        kinds: The keys of the classes of a thing, by its key.
        forms: The keys of what nobody has who has not got a thing, by the key of each name of it.
        lasting: The keys of what lasts.
        ambiguous: The keys of abbreviations with several meanings.
    """

    same: Mapping[str, frozenset[str]]
    kinds: Mapping[str, frozenset[str]]
    forms: Mapping[str, frozenset[str]]
    lasting: frozenset[str]
    ambiguous: frozenset[str]


@cache
def _read_built_in() -> _BuiltIn:
    table = read_table("match_synonyms")
    same = join_synonyms(table["names"]).same
    kinds: dict[str, set[str]] = {}
    forms: dict[str, set[str]] = {}
    for name, *members in table["kinds"]:
        for member in members:
            for key in list_same(member, same):
                kinds.setdefault(key, set()).update(list_same(name, same))
    for name, *members in (*table["kinds"], *table["forms"]):
        for key in list_same(name, same):
            for member in members:
                forms.setdefault(key, set()).update(list_same(member, same))
    lasting = set()
    for name in table["lasting"]:
        lasting |= list_same(name, same)
    return _BuiltIn(
        same,
        {key: frozenset(found) for key, found in kinds.items()},
        {key: frozenset(found) for key, found in forms.items()},
        frozenset(lasting),
        frozenset(map(spell_key, table["ambiguous"])),
    )


def list_same(name: str, same: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the keys of a name and of its synonyms."""
    keys = {spell_key(name), make_key(name)} - {""}
    for key in list(keys):
        keys |= same.get(key, frozenset())
    return keys


def list_keys(name: str, synonyms: Synonyms) -> list[str]:
    """Return the keys of a name and of all its synonyms: its own first."""
    built_in = _read_built_in().same
    keys = list_same(name, synonyms.same)
    for key in sorted(keys):
        keys |= built_in.get(key, frozenset())
    for key in sorted(keys):
        keys |= synonyms.same.get(key, frozenset())
    own = spell_key(name)
    return [own, *sorted(keys - {own})]


def list_kinds(keys: Iterable[str], name: str, synonyms: Synonyms) -> list[str]:
    """Return the keys of the classes that contain a thing, with the classes of these."""
    found: dict[str, None] = {}
    waiting = list(keys)
    code = name.strip().casefold()
    for beginning, kinds in synonyms.codes.items():
        if code.startswith(beginning):
            waiting += [kind for kind in kinds if kind not in found]
            found |= dict.fromkeys(kinds)
    built_in = _read_built_in().kinds
    while waiting:
        key = waiting.pop()
        own = synonyms.kinds.get(key, frozenset())
        for kind in sorted(own | built_in.get(key, frozenset())):
            if kind not in found:
                found[kind] = None
                waiting.append(kind)
    return list(found)


def list_class_members(keys: Iterable[str], synonyms: Synonyms) -> list[str]:
    """Return the keys of all members of classes: who has no member of a class has none of these.
    Abbreviations with several meanings are left out.
    """
    wanted = set(keys)
    found: dict[str, None] = {}
    grown = True
    while grown:
        grown = False
        for member, kinds in synonyms.kinds.items():
            if member not in found and not wanted.isdisjoint(kinds):
                found[member] = None
                wanted.add(member)
                grown = True
        for key in sorted(wanted):
            forms = _read_built_in().forms.get(key, frozenset()) - wanted
            if forms:
                found |= dict.fromkeys(sorted(forms))
                wanted |= forms
                grown = True
    return [key for key in found if key not in _read_built_in().ambiguous]


@cache
def list_shown() -> Mapping[str, str]:
    """Return the first name of each built-in row, by the keys of the row."""
    shown: dict[str, str] = {}
    for row in read_table("match_synonyms")["names"]:
        for name in row:
            shown.setdefault(spell_key(name), row[0])
    return shown


def is_known_name(name: str) -> bool:
    """Return whether a name is one of the built-in ones, of several words."""
    return " " in name and name in list_shown()


def is_lasting(keys: Iterable[str]) -> bool:
    """Return whether who has not got a thing, never had it."""
    return not _read_built_in().lasting.isdisjoint(keys)
