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
        if not self.name:
            return self.other_names
        return (self.name, *self.other_names)


def read_interventions(record: TrialRecord) -> list[Intervention]:
    """Return the registered interventions of a record."""
    return [
        _read_intervention(section)
        for section in record.sections
        if section.name.startswith("interventions[")
    ]


def _read_intervention(section: Section) -> Intervention:
    """Return an intervention from its section, whose parts have names, or which is the name."""
    name = section.part("name") or None
    if name is None and not section.parts:
        name = section.text
    kind = section.part("type")
    if kind:
        kind = unify_word("intervention_type", kind)
    others: dict[str, None] = {}
    for part in section.parts:
        if part.name == "other_names":
            other = section.text[part.start : part.end]
            others[_join_words(other)] = None
    if name is not None:
        name = _join_words(name)
    return Intervention(
        name,
        kind,
        tuple(others),
        section.part("description"),
        section.name,
    )


def _join_words(text: str) -> str:
    """Return a text on one line, with one space between words."""
    return " ".join(text.split())


def describe_agent(
    agent: str, interventions: Sequence[Intervention], terms: Sequence[RegisteredTerm]
) -> dict[str, Any]:
    """Return, by column, the position of the registered intervention that is an agent, the other
    names that the agent has there, and the MeSH terms that stand in any of its names; None for
    what there is not.

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
    names = [agent]
    if index is not None:
        names += interventions[index].names
    others = dict.fromkeys(name for name in names if name_key(name) != key)
    mesh: dict[str, None] = {}
    for term in terms:
        if term.kind is not TermKind.INTERVENTION:
            continue
        term_key = name_key(term.name)
        if any(_has_name(name, term_key) for name in names):
            mesh[term.name] = None
    return {
        "intervention_index": index,
        "agent_other_names": "|".join(others) or None,
        "agent_mesh": "|".join(mesh) or None,
    }


def find_named(name: str, interventions: Sequence[Intervention]) -> int | None:
    """Return the position of the intervention that goes by a name, or whose name holds it."""
    return _find_intervention(name_key(name), interventions)


def _find_intervention(key: str, interventions: Sequence[Intervention]) -> int | None:
    """Return the position of the first intervention of which ``key`` is a name; else of the only
    one in whose names it stands as whole words; None if there are none, or several.
    """
    for index, intervention in enumerate(interventions):
        if key in map(name_key, intervention.names):
            return index
    holder = None
    for index, intervention in enumerate(interventions):
        if not any(_has_name(name, key) for name in intervention.names):
            continue
        if holder is not None:
            return None
        holder = index
    return holder


def _has_name(text: str, key: str) -> bool:
    """Return whether a name stands in a text as whole words."""
    wanted = " ".join(_list_words(key))
    if not wanted:
        return False
    words = " ".join(_list_words(name_key(text)))
    return f" {wanted} " in f" {words} "


def _list_words(text: str) -> Iterator[str]:
    """Yield the words and signs of a text in small letters."""
    return (word.lower() for word in lex(text).words)


def list_names(terms: Sequence[RegisteredTerm], kind: TermKind) -> str | None:
    """Return the terms of a kind, each once, joined by bars; None without any."""
    of_kind = [term.name for term in terms if term.kind is kind]
    return "|".join(dict.fromkeys(of_kind)) or None
