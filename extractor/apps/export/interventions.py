"""The registered interventions of a trial as exports list them, and what the registry says of an
agent's name.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from extractor.concepts.doses.names import name_key
from extractor.language.lexer import lex
from extractor.schemas import RegisteredTerm, Section, TermKind, TrialRecord
from extractor.schemas.registered_words import unify_word


class Intervention(NamedTuple):
    """An intervention with the registered words, and the section in which they stand."""

    name: str | None
    type: str | None
    other_names: tuple[str, ...]
    description: str | None
    section: str

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its other names."""
        return (self.name, *self.other_names) if self.name else self.other_names


def read_interventions(record: TrialRecord) -> list[Intervention]:
    """Return the registered interventions of a record."""
    return [
        _read_intervention(one)
        for one in record.sections
        if one.name.startswith("interventions[")
    ]


def _read_intervention(section: Section) -> Intervention:
    name = section.part("name")
    kind = section.part("type")
    others = (
        section.text[part.start : part.end]
        for part in section.parts
        if part.name == "other_names"
    )
    return Intervention(
        " ".join((name or section.text).split()) if name or not section.parts else None,
        kind and unify_word("intervention_type", kind),
        tuple(dict.fromkeys(" ".join(other.split()) for other in others)),
        section.part("description"),
        section.name,
    )


def describe_agent(
    agent: str, interventions: Sequence[Intervention], terms: Sequence[RegisteredTerm]
) -> dict[str, Any]:
    """Return the registered intervention that is an agent, its other names, and its MeSH terms, by
    column.

    >>> registered = [
    ...     Intervention(
    ...         "Fictumab 5 mg", "DRUG", ("Fictira", "FCT-1"), None, "interventions[0]"
    ...     )
    ... ]
    >>> mesh = [RegisteredTerm(kind="intervention", name="fictumab", id="C000001")]
    >>> describe_agent("Fictira", registered, mesh)
    {'intervention_index': 0, 'agent_other_names': 'Fictumab 5 mg|FCT-1', 'agent_mesh': 'fictumab'}
    """
    key = name_key(agent)
    index = _find_intervention(key, interventions)
    names = [agent] if index is None else [agent, *interventions[index].names]
    others = dict.fromkeys(name for name in names if name_key(name) != key)
    mesh = (one.name for one in terms if one.kind is TermKind.INTERVENTION)
    named = dict.fromkeys(
        term for term in mesh if any(_has_name(name, name_key(term)) for name in names)
    )
    return {
        "intervention_index": index,
        "agent_other_names": "|".join(others) or None,
        "agent_mesh": "|".join(named) or None,
    }


def find_named(name: str, interventions: Sequence[Intervention]) -> int | None:
    """Return the position of the intervention that goes by a name, or whose name holds it."""
    return _find_intervention(name_key(name), interventions)


def _find_intervention(key: str, interventions: Sequence[Intervention]) -> int | None:
    """Return the intervention of which it is a name; else the only one in whose names it stands."""
    exact = [
        at for at, one in enumerate(interventions) if key in map(name_key, one.names)
    ]
    if exact:
        return exact[0]
    inside = [
        at
        for at, one in enumerate(interventions)
        if any(_has_name(name, key) for name in one.names)
    ]
    return inside[0] if len(inside) == 1 else None


def _has_name(text: str, key: str) -> bool:
    """Return whether a name stands in a text as whole words."""
    wanted, words = (" ".join(_list_words(one)) for one in (key, name_key(text)))
    return bool(wanted) and f" {wanted} " in f" {words} "


def _list_words(text: str) -> Iterator[str]:
    return (word.lower() for word in lex(text).words)


def list_names(terms: Sequence[RegisteredTerm], kind: TermKind) -> str | None:
    """Return the terms of a kind, joined by bars."""
    return (
        "|".join(dict.fromkeys(one.name for one in terms if one.kind is kind)) or None
    )
