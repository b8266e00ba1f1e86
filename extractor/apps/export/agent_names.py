"""Give all regimens of one drug in a record one name, from what the record itself says.

The names of one drug are those of its registered intervention, the abbreviations that the record
explains, and any case, form, strength or route beside them. Two names that may be two drugs stay
apart: a wrong name is worse than two names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from types import MappingProxyType

from extractor.apps.export.arms import Arm
from extractor.apps.export.interventions import Intervention, names_several
from extractor.concepts.aliases import find_entry
from extractor.concepts.doses.names import (
    find_general,
    is_vague,
    name_key,
    trim_name,
)
from extractor.language.book import find_terms, read_text, rule
from extractor.language.lexer import lex
from extractor.language.shown import show_line
from extractor.schemas import RegisteredTerm, TermKind

_PLACEBO_WORDS = frozenset(
    [
        "placebo",
        "placebos",
        "matching",
        "matched",
        "matches",
        "comparator",
        "control",
        "oral",
        "dummy",
        "inactive",
        "saline",
        "tablet",
        "tablets",
        "capsule",
        "capsules",
        "pill",
        "pills",
        "injection",
        "injections",
        "infusion",
        "cream",
        "gel",
        "ointment",
        "solution",
        "arm",
        "group",
    ]
)
"""Words that say that something is a placebo, and not of what."""
_MARK = r"\s?(?:[®™]|\((?:R|TM)\))"
_BRAND_FIRST = re.compile(
    rf"(?P<brand>\b[A-Z][A-Za-z-]{{2,30}}){_MARK},?\s?\((?P<substance>[A-Za-z][^()]{{3,60}})\)"
)
"""A brand with its mark, and brackets behind it: "Fictira® (fictumab)"."""
_BRAND_BEHIND = re.compile(
    rf"(?P<substance>\b[A-Za-z][a-z-]{{4,40}})\s?\((?P<brand>[A-Z][A-Za-z-]{{2,30}}){_MARK}\)"
)
"""A brand with its mark in brackets: "fictumab (Fictira®)"."""
_BRACKETED = re.compile(r"(?P<first>[^()]{3,60}?)\s?\((?P<second>[^()]{3,60})\)")
_ONE_WORD = re.compile(r"[A-Z][A-Za-z-]{2,30}", re.IGNORECASE)
_SMALL_WORD = re.compile(r"[a-z]{7,30}")
_ADJECTIVES = ("al", "ous", "ic", "ive", "ed", "ing", "ar", "ly", "ion", "ment", "ry")
"""Endings of words that name no substance."""
_JOINT = re.compile(r"\s?(?:\+|/|,|&|\band\b)\s?")
_CODE = re.compile(r"[A-Z]{1,6}[- ]?\d{2,10}[A-Z]?(?:-\d{1,4})?")
"""A company's code for a substance: "PF-06444753"."""
_KEPT = 4096
"""How many bare names are cached."""
_MEDICINES = frozenset(
    {None, "DRUG", "BIOLOGICAL", "COMBINATION_PRODUCT", "DIETARY_SUPPLEMENT", "GENETIC"}
)
"""Types of interventions that may have a brand."""
_DRUGS = frozenset({"drug", "cells"})


class AgentNamer:
    """Names the agents of a record.

    >>> registered = [
    ...     Intervention(
    ...         "FCT-1 50 mg tablet",
    ...         "DRUG",
    ...         ("Fictumab", "FCT1"),
    ...         None,
    ...         "interventions[0]",
    ...     )
    ... ]
    >>> namer = AgentNamer(registered, {"ASA": "acetylsalicylic acid"})
    >>> [namer.name(agent) for agent in ("FCT-1", "fictumab", "Oral FCT1", "ASA")]
    ['fictumab', 'fictumab', 'fictumab', 'acetylsalicylic acid']
    """

    def __init__(
        self,
        interventions: Sequence[Intervention] = (),
        explained: Mapping[str, str] = MappingProxyType({}),
        terms: Sequence[RegisteredTerm] = (),
        arms: Sequence[Arm] = (),
    ) -> None:
        self._explained = explained
        mesh = set[str]()
        for term in terms:
            if term.kind is TermKind.INTERVENTION:
                mesh.add(_make_key(term.name))
        self._names = dict(_read_registered(interventions, mesh))
        texts = [intervention.description or "" for intervention in interventions]
        texts += [arm.description or "" for arm in arms]
        texts += [arm.label or "" for arm in arms]
        self._add_brands(interventions, texts, mesh)
        self._add_codes(interventions, arms)
        self._unregistered = dict[str, str]()

    def name(self, agent: str) -> str:
        """Return the name that an agent shares with all its other names in the record.

        This is "placebo"; else the name of its registered intervention, found by the agent itself
        or by what the abbreviation stands for; else its usual name; else the first spelling for
        which this was asked, in small letters, which is remembered.
        """
        bare = bare_name(agent)
        if _is_placebo(bare):
            return "placebo"
        registered = self.find_registered(bare)
        if registered:
            return registered
        full = self._explained.get(bare)
        if full:
            bare = bare_name(full)
            registered = self.find_registered(bare)
            if registered:
                return registered
        usual = find_entry(bare, "agent_abbreviations")
        if usual:
            registered = self.find_registered(usual.value)
            return registered or usual.value.lower()
        # "MK-8237" and "MK 8237" are one name: the spelling that came first.
        return self._unregistered.setdefault(_make_key(bare), bare.lower())

    def _add_brands(
        self,
        interventions: Iterable[Intervention],
        texts: Iterable[str],
        mesh: Set[str],
    ) -> None:
        """Add the brands that stand beside their substance: "Fictira (fictumab)". In ``texts`` a
        brand needs its mark; in a name it does not. ``mesh`` has the keys of the registry's terms.
        """
        # Names first: what the registry calls an intervention counts before its texts.
        in_names: list[tuple[str, str]] = []
        for intervention in interventions:
            if intervention.type not in _MEDICINES or not intervention.name:
                continue
            for brand, substance in _read_brand(intervention.name, mesh):
                self._add_brand(brand, substance)
                in_names.append((intervention.name, substance))
        for text in texts:
            for brand, substance in find_brands(text):
                self._add_brand(brand, substance)
        for name, substance in in_names:
            whole = _make_key(bare_name(name))
            self._names[whole] = self._names[_make_key(substance)]

    def _add_brand(self, brand: str, substance: str) -> None:
        """Give a brand the name of its substance, unless it has another one already. A substance
        that is not registered gets its own name.
        """
        brand_key = _make_key(brand)
        substance_key = _make_key(substance)
        shown = self._names.get(substance_key, substance.lower())
        own_name = brand.lower()
        # A registered brand so far has its own name, or that of a whole "Brand (substance)".
        if self._names.get(brand_key, own_name) != own_name:
            return
        self._names[brand_key] = shown
        self._names.setdefault(substance_key, shown)

    def _add_codes(
        self, interventions: Iterable[Intervention], arms: Iterable[Arm]
    ) -> None:
        """Add a code that is the whole label of an arm, "PF-06444753", as a name of the only
        intervention that the arm's description mentions. A code that has a name already keeps it.
        """
        agents = set[str]()
        for intervention in interventions:
            if intervention.name:
                agents.add(bare_name(intervention.name))
        agents_of_code = defaultdict[str, set[str]](set)
        for arm in arms:
            code = show_line(arm.label or "")
            if not _CODE.fullmatch(code):
                continue
            text = show_line(arm.description or "")
            mentioned = {agent for agent in agents if _stands_in(agent, text)}
            if len(mentioned) == 1:
                agents_of_code[_make_key(code)] |= mentioned
        for code_key, mentioned in agents_of_code.items():
            # Two arms of one code that get different agents: the code is nobody's name.
            if len(mentioned) > 1:
                continue
            (agent,) = mentioned
            name = self.find_registered(agent)
            if name:
                self._names.setdefault(code_key, name)

    def find_registered(self, words: str) -> str | None:
        """Return the name of the registered intervention that goes by these words; None if none
        does.
        """
        return self._names.get(_make_key(words))


def find_brands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each brand with the substance in the brackets beside it. The mark says which is which.

    >>> list(find_brands("Fictira® (fictumab) or samplinib (Sampliva(TM)) daily"))
    [('Fictira', 'fictumab'), ('Sampliva', 'samplinib')]
    >>> list(find_brands("Fictira® (oral) and Fictira® (n = 20)"))
    []
    """
    if "(" not in text:
        return
    line = show_line(text)
    for match in (*_BRAND_FIRST.finditer(line), *_BRAND_BEHIND.finditer(line)):
        substance = match["substance"].strip()
        # Brackets also hold a maker, a route, a strength: only the name of an agent counts.
        if _names_agents(substance):
            yield match["brand"], substance


def _read_brand(name: str, mesh: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield a registered name's brand and substance: those with a mark; else the two parts of
    "Fictira (fictumab)" or "fictumab (Fictira)".

    Without a mark, the brand is one word that is no substance and no class. The other part is a
    known substance or a term of ``mesh``; in brackets it may also just look like a substance.
    """
    # "Fictira® (fictumab)": the mark says which is the brand.
    marked = list(find_brands(name))
    if marked:
        yield from marked
        return
    both = _BRACKETED.fullmatch(show_line(name))
    if both is None:
        return
    first = bare_name(both["first"])
    second = bare_name(both["second"])
    brand = first
    substance = second
    # The other order: "fictumab (Fictira)".
    if _is_substance(first, mesh) and not _is_substance(second, mesh):
        brand = second
        substance = first
    if not _ONE_WORD.fullmatch(brand) or _is_substance(brand, mesh):
        return
    if _is_class(brand):
        return
    is_substance = _is_substance(substance, mesh)
    # "Fictira (fictumab)" with a substance that no vocabulary has.
    if not is_substance and brand == first and brand[:1].isupper():
        is_substance = _looks_like_substance(both["second"])
    if is_substance:
        yield brand, substance


def _names_agents(words: str) -> bool:
    """Return whether the words in brackets name agents, and no route or maker. They do if all
    parts between "+", "/", commas and "and" are known substances; if one of several parts is
    known; if there is a "+"; or if they are one word that looks like a substance.
    """
    parts = [bare_name(part) for part in _JOINT.split(words) if part]
    are_known = [_is_known(part) for part in parts]
    if all(are_known):
        return True
    if len(parts) == 1:
        return _looks_like_substance(words)
    # "Flupentixol + Melitracen": names that are joined are no maker and no route.
    if "+" in words or any(are_known):
        return True
    return _looks_like_substance(words)


def _looks_like_substance(word: str) -> bool:
    """Return whether one word may be a substance that no vocabulary has: it is written small, and
    is no adjective, route, form or class.
    """
    if not _SMALL_WORD.fullmatch(word) or word.endswith(_ADJECTIVES):
        return False
    tokens = read_text(word)
    for vocabulary in ("routes", "dosage_forms", "frequencies"):
        if list(find_terms(tokens, vocabulary)):
            return False
    return not _is_class(word) and not find_general(tokens)


def _stands_in(name: str, text: str) -> bool:
    """Return whether a name stands in a text as whole words."""
    words = f" {' '.join(lex(text).words)} ".lower()
    return f" {' '.join(lex(name).words)} ".lower() in words


@lru_cache(maxsize=_KEPT)
def bare_name(name: str) -> str:
    """Return a name without form, strength, route and marks. A name from which nothing would be
    left loses only its marks.

    >>> bare_name("Oral Fictumab® 50 mg tablet")
    'Fictumab'
    """
    for mark in "®™©":
        name = name.replace(mark, " ")
    tokens = read_text(" ".join(name.split()))
    if not len(tokens):
        return tokens.text
    span = trim_name(tokens, 0, len(tokens))
    if span is None:
        return tokens.text
    return tokens.read(*span)


def _make_key(name: str) -> str:
    """Return the form in which names are compared. In a code, spaces and hyphens mean nothing."""
    key = name_key(name)
    has_digit = any(map(str.isdigit, key))
    if has_digit:
        return key.replace(" ", "")
    return key


def _is_placebo(name: str) -> bool:
    """Return whether a name is that of a placebo and does not say of which drug."""
    if "placebo" not in name.lower():
        return False
    words = {word.lower() for word in lex(name).words if word.isalpha()}
    return words <= _PLACEBO_WORDS


def _is_known(name: str) -> bool:
    """Return whether a whole name is that of one known substance. Cells are a kind of agent, but
    no substance.
    """
    tokens = read_text(name)
    agents = []
    for kind, first, end in find_general(tokens):
        if kind in _DRUGS:
            agents.append((kind, first, end))
    return agents == [("drug", 0, len(tokens))]


def _read_registered(
    interventions: Iterable[Intervention], mesh: Set[str]
) -> Mapping[str, str]:
    """Return the name by which each registered intervention is shown, by the keys of all names
    that it has.

    Placebos, treatments without a substance ("oral immunotherapy"), and other names that two
    interventions share are left out. ``mesh`` has the keys of the registry's own terms.
    """
    named = [
        (bare_name(intervention.name), intervention)
        for intervention in interventions
        if intervention.name
    ]
    own = {_make_key(bare) for bare, _ in named}
    names = dict[str, str]()
    claimed = defaultdict[str, set[str]](set)
    for bare, intervention in named:
        if _is_placebo(bare) or is_vague(bare):
            continue
        others = _list_others(bare, intervention, own, mesh)
        shown = _choose_name(bare, others, mesh)
        name = names.setdefault(_make_key(bare), shown.lower())
        for other in (shown, *others):
            claimed[_make_key(other)].add(name)
    for key, owners in claimed.items():
        # A name that two interventions claim is nobody's: a wrong name is worse than two names.
        if len(owners) > 1:
            continue
        (owner,) = owners
        names.setdefault(key, owner)
    return names


def _choose_name(bare: str, others: Sequence[str], mesh: Set[str]) -> str:
    """Return the name by which an intervention is shown: its usual name; its own name if that is
    a substance; else the first other name that is one, behind a code or brand; else its own.
    """
    usual = find_entry(bare, "agent_abbreviations")
    if usual:
        return usual.value
    if _is_substance(bare, mesh):
        return bare
    for other in others:
        if _is_substance(other, mesh):
            return other
    return bare


def _list_others(
    bare: str, intervention: Intervention, own: Set[str], mesh: Set[str]
) -> list[str]:
    """Return the other names of an intervention that surely name the same, bare.

    ``own`` has the keys of the names of all interventions, ``mesh`` those of the registry's
    terms. None is returned if the names may be the parts of a mixture: the intervention's own
    name joins several, or two of the names are of different substances.
    """
    if not intervention.other_names or names_several(intervention.name or ""):
        return []
    others = dict[str, str]()
    for written in intervention.other_names:
        other = bare_name(written)
        key = _make_key(other)
        # The name of another intervention, or of no single drug.
        if key in own or _is_placebo(other):
            continue
        if names_several(written) or _is_class(other):
            continue
        others.setdefault(key, other)
    substances = set[str]()
    for name in (bare, *others.values()):
        if _is_substance(name, mesh):
            # "MTX" and "methotrexate" are one substance.
            usual = find_entry(name, "agent_abbreviations")
            substances.add(_make_key(usual.value if usual else name))
    # Two substances under one name: a mixture, or a mistake of the registry.
    if len(substances) > 1:
        return []
    return list(others.values())


def _is_substance(name: str, mesh: Set[str]) -> bool:
    """Return whether a whole name is that of a known substance, or a term of the registry."""
    return _is_known(name) or _make_key(name) in mesh


def _is_class(name: str) -> bool:
    """Return whether a name is that of a class or a kind of treatment, "steroid", or of a
    placebo. A single letter counts as a class, too.
    """
    if is_vague(name) or len(name) < 2:
        return True
    tokens = read_text(name)
    if rule("class_noun").search(tokens):
        return True
    kinds = {kind for kind, _, _ in find_general(tokens)}
    return "class" in kinds or "placebo" in kinds
