"""The drugs of a trial: its registered interventions, a single name to replace all names of an
agent in the record, and the agent's dosage form.

Two names that may denote different drugs are kept separate, because one wrong name is worse than
two names for one drug.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from extractor.apps.export.registered import Arm, Intervention
from extractor.face import (
    find_entry,
    find_general,
    find_terms,
    fold_label,
    is_vague,
    lex,
    name_key,
    read_text,
    rule,
    trim_name,
)
from extractor.schemas import (
    Evidence,
    Regimen,
    RegisteredTerm,
    TermKind,
    TrialExtraction,
)
from extractor.schemas.values import index_evidence

_SEVERAL = re.compile(r"[+/,;&]|\b(?:and|plus|with|or)\b", re.IGNORECASE)
"""A character or word that separates the names of several agents."""
_PLACEBO = re.compile(
    r"placebos?|match(?:ing|ed|es)|comparator|control|oral|dummy|inactive|saline|arm|group"
    r"|(?:tablet|capsule|pill|injection)s?|infusion|cream|gel|ointment|solution"
)
"""A word that describes a placebo without naming the drug it replaces."""


class InterventionIndex:
    """Finds interventions by their names.

    >>> registered = [
    ...     Intervention("Fictumab plus samplin"),
    ...     Intervention("Fictumab"),
    ...     Intervention("Fictumab or salt"),
    ... ]
    >>> index = InterventionIndex(registered)
    >>> [index.find(name) for name in ("fictumab", "samplin", "mab", "salt")]
    [1, 0, None, 2]
    >>> InterventionIndex(registered[::2]).find("fictumab") is None
    True
    """

    def __init__(self, interventions: Iterable[Intervention]) -> None:
        keys: list[tuple[str, int]] = []
        for place, intervention in enumerate(interventions):
            keys += [(name_key(name), place) for name in intervention.names]
        # the first intervention with a name counts
        self._by_key = dict(reversed(keys))
        self._by_word: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for key, place in keys:
            padded = _pad_words(key)
            for word in padded.split():
                self._by_word[word].append((padded, place))

    def find(self, name: str) -> int | None:
        """Return the position of the first intervention with this name, or else of the only
        intervention with a name that contains its words. Return None if no intervention or several
        interventions match.
        """
        key = name_key(name)
        if key in self._by_key:
            return self._by_key[key]
        padded = _pad_words(key)
        named = (self._by_word[word] for word in padded.split())
        rarest = min(named, key=len, default=[])
        containing = {place for longer, place in rarest if padded in longer}
        if len(containing) == 1:
            return containing.pop()
        return None


@lru_cache(maxsize=4096)
def _pad_words(text: str) -> str:
    """Return the words of a text in lower case, with a space before and after each word."""
    return f" {' '.join(lex(text).words)} ".lower()


class AgentNamer:
    """Names the agents of a record consistently, based on the record itself.

    >>> registered = [Intervention("FCT-1 50 mg tablet", "DRUG", ("Fictumab", "FCT1"))]
    >>> namer = AgentNamer(registered)
    >>> [namer.name(agent) for agent in ("FCT-1", "fictumab", "Oral FCT1")]
    ['fictumab', 'fictumab', 'fictumab']
    """

    def __init__(
        self,
        interventions: Iterable[Intervention] = (),
        terms: Iterable[RegisteredTerm] = (),
    ) -> None:
        self._mesh = {
            _make_key(term.name) for term in terms if term.kind is TermKind.INTERVENTION
        }
        main_names = [
            (bare_name(each.name), each) for each in interventions if each.name
        ]
        main_keys = {_make_key(name) for name, _ in main_names}
        claims = defaultdict[str, set[str]](set)
        for main_name, intervention in main_names:
            names = self._list_names(intervention, main_keys)
            # "fictumab" rather than the code "FCT-1"
            preferred = next(filter(self._is_substance, names), names[0]).lower()
            for name in (main_name, *names):
                claims[_make_key(name)].add(preferred)
        # a name of two interventions is ambiguous, so it is not used
        self._names = {
            key: min(names) for key, names in claims.items() if len(names) == 1
        }

    def name(self, agent: str) -> str:
        """Return, in lower case, the single name to use for all names of an agent in the record:
        "placebo", the name of its intervention, its usual name, or else its first spelling.
        """
        bare = bare_name(agent)
        if _is_placebo(bare):
            return "placebo"
        usual = _find_usual(bare)
        for name in (bare, usual):
            registered = self._names.get(_make_key(name))
            if registered:
                return registered
        # "MK-8237" and "MK 8237" are the same name; the first spelling is used.
        return self._names.setdefault(_make_key(usual), usual.lower())

    def _list_names(self, intervention: Intervention, main_keys: set[str]) -> list[str]:
        """Return an intervention's usual name, followed by its other names if they definitely
        denote the same drug. Names of mixtures, and names of other interventions (whose keys are
        in ``main_keys``), are excluded.
        """
        written = intervention.name or ""
        first = _find_usual(bare_name(written))
        if _SEVERAL.search(written):
            return [first]
        names = [first]
        for other in intervention.other_names:
            bare = bare_name(other)
            is_main = _make_key(bare) in main_keys
            is_vague_name = _SEVERAL.search(other) or _is_class(bare)
            if not is_main and not is_vague_name:
                names += [_find_usual(bare), bare]
        substances = {_make_key(name) for name in names if self._is_substance(name)}
        if len(substances) < 2:
            return names
        return [first]

    def _is_substance(self, name: str) -> bool:
        """Return whether a name denotes a known substance or is a term in the register's data."""
        return _make_key(name) in self._mesh or _is_known(name)


@lru_cache(maxsize=4096)
def _find_usual(name: str) -> str:
    """Return the usual name for an abbreviation: "MTX" is methotrexate."""
    usual = find_entry(name, "agent_abbreviations")
    if usual:
        return usual.value
    return name


@lru_cache(maxsize=4096)
def bare_name(name: str) -> str:
    """Return a name without its form, strength, route and marks such as "®". If nothing would
    remain, return the name unchanged.

    >>> bare_name("Oral Fictumab® 50 mg tablet")
    'Fictumab'
    """
    tokens = read_text(" ".join(re.sub("[®™©]", " ", name).split()))
    span = None
    if len(tokens):
        span = trim_name(tokens, 0, len(tokens))
    if span:
        return tokens.read(*span)
    return tokens.text


@lru_cache(maxsize=4096)
def _make_key(name: str) -> str:
    """Return the key by which names are compared. Spaces and hyphens in codes are ignored."""
    key = name_key(name)
    if re.search(r"\d", key):
        return key.replace(" ", "")
    return key


def _is_placebo(name: str) -> bool:
    """Return whether a name denotes a placebo without stating which drug it replaces."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    if "placebo" not in name.lower():
        return False
    return all(map(_PLACEBO.fullmatch, words))


@lru_cache(maxsize=4096)
def _is_known(name: str) -> bool:
    """Return whether the whole name denotes a single known substance."""
    tokens = read_text(name)
    terms = [term for term in find_general(tokens) if term[0] in ("drug", "cells")]
    return terms == [("drug", 0, len(tokens))]


def _is_class(name: str) -> bool:
    """Return whether a name denotes a class ("steroid") or a placebo, or is a single letter."""
    if is_vague(name):
        return True
    if len(name) < 2:
        return True
    tokens = read_text(name)
    if rule("class_noun").search(tokens):
        return True
    kinds = {kind for kind, _, _ in find_general(tokens)}
    return not kinds.isdisjoint({"class", "placebo"})


def find_form(*sources: Iterable[str]) -> str | None:
    """Return a drug's dosage form, taken from the first of the ``sources`` that names a form.
    Return None if this source names several forms.

    >>> find_form(["Fictumab 50 mg"], ["Fictumab tablets"])
    'tablet'
    """
    for texts in sources:
        forms: set[str] = set()
        for text in texts:
            forms.update(_list_forms(text))
        if len(forms) > 1:
            return None
        if forms:
            return forms.pop()
    return None


@lru_cache(maxsize=4096)
def _list_forms(text: str) -> frozenset[str]:
    """Return the dosage forms that a text names. For "a capsule containing a tablet", only the
    capsule is returned.
    """
    product = read_text(text.partition(" contain")[0])
    return frozenset(term.value for term in find_terms(product, "dosage_forms"))


def list_mesh_terms(
    terms: Iterable[RegisteredTerm],
    kind: TermKind,
    interventions: InterventionIndex,
) -> Iterator[dict[str, object]]:
    """Yield the MeSH terms of a kind, together with their ancestors. A term for an intervention
    includes the position of the intervention that it denotes.
    """
    for term in terms:
        if term.kind not in (kind, f"{kind}_ancestor"):
            continue
        is_ancestor = term.kind is not kind
        index = None
        # an ancestor is more general than what is given
        if not is_ancestor:
            index = interventions.find(term.name)
        yield {
            "term": term.name,
            "mesh_id": term.id,
            "is_ancestor": is_ancestor,
            "intervention_index": index,
        }


class ArmLink(NamedTuple):
    """A link between an amount of a regimen and an arm that receives it, with their positions, and
    the label of the arm and its evidence. A position is None if there is no such amount or arm.
    """

    amount_index: int | None
    arm_index: int | None
    arm: str | None
    evidence: Sequence[Evidence]


def list_arms(extraction: TrialExtraction, registered: Sequence[Arm] = ()) -> list[Arm]:
    """Return the registered arms, followed by the arms that are named only by a regimen or an
    amount.

    Labels that differ only in case or whitespace refer to the same arm.

    >>> trial = TrialExtraction.model_validate(
    ...     {
    ...         "record_id": "A",
    ...         "eligibility": {},
    ...         "dosing": [
    ...             {
    ...                 "agent": "drugamide",
    ...                 "section": "arms[0]",
    ...                 "quote": "drugamide",
    ...                 "arms": ["active arm", "Open label"],
    ...             }
    ...         ],
    ...     }
    ... )
    >>> [arm.label for arm in list_arms(trial, [Arm("Active Arm"), Arm("Placebo")])]
    ['Active Arm', 'Placebo', 'Open label']
    """
    by_key: dict[str, str] = {}
    for regimen in extraction.dosing:
        for label in _list_labels(regimen):
            by_key[fold_label(label)] = label
    known = {arm.key for arm in registered}
    added = [Arm(label) for key, label in by_key.items() if key not in known]
    return [*registered, *added]


def link_arms(
    regimen: Regimen, arms_by_key: Mapping[str, Sequence[tuple[int, Arm]]]
) -> Iterator[ArmLink]:
    """Yield the links between the amounts in a regimen and the arms that receive them. An amount
    without arms applies to all arms of its regimen. If none of the regimen's amounts applies to an
    arm of the regimen, the arm is linked to the regimen with an ``amount_index`` of None. If the
    regimen does not have arms, its amounts have an ``arm_index`` of None.
    """
    labels = list(map(fold_label, _list_labels(regimen)))
    # the first of equal labels; they begin with the regimen's own, so the positions agree
    positions = {label: at for at, label in reversed([*enumerate(labels)])}
    proofs = index_evidence(regimen)
    amounts: dict[str, list[int]] = defaultdict(list)
    for index, amount in enumerate(regimen.amounts):
        own_keys = dict.fromkeys(map(fold_label, amount.arms))
        # an amount without arms is that of all arms, or of no arm
        for key in own_keys or positions or ("",):
            amounts[key].append(index)
    known = chain.from_iterable(arms_by_key.get(key, ()) for key in positions)
    places: list[tuple[int | None, Arm]] = [*sorted(known)]
    if not places:
        places.append((None, Arm(None)))
    for place, arm in places:
        evidence = proofs[f"arms[{positions.get(arm.key)}]"]
        # an arm without an amount has a row, too
        of_arm: Sequence[int | None] = amounts.get(arm.key, (None,))
        for amount_index in of_arm:
            yield ArmLink(amount_index, place, arm.label, evidence)


def _list_labels(regimen: Regimen) -> list[str]:
    """Return the arms that a regimen names, followed by the arms that are named only by its
    amounts.
    """
    of_amounts = (amount.arms for amount in regimen.amounts)
    return list(dict.fromkeys(chain(regimen.arms, *of_amounts)))
