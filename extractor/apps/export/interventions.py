"""The registered interventions of a trial as exports list them, and what the registry says of an
agent's name.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from extractor.concepts.doses.names import name_key, split_names
from extractor.language.book import read_text
from extractor.language.lexer import lex
from extractor.schemas import RegisteredTerm, Section, TermKind, TrialRecord
from extractor.schemas.registered_words import unify_word

_JOINING = frozenset({"+", "/", ",", ";", "&", "and", "plus", "with", "or"})
"""Signs and words between the names of several agents."""


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
    """Return, by column, what the registry says of an agent: the position of its intervention, its
    other names and its MeSH terms. A column is None if the registry says nothing for it.

    The intervention is the first of which the agent is a name; without one, the only one in whose
    names the agent's name stands; none if it stands in several. The other names are those of this
    intervention. Of an intervention of several drugs they may name another drug, so an agent that
    is only a part of it takes none of them. The MeSH terms are those that stand in the agent's name
    or in its other names.

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
    if index is not None and not _is_part(key, interventions[index]):
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


def _is_part(key: str, intervention: Intervention) -> bool:
    """Return whether an agent, by its key, may be one of several drugs of its intervention: the
    intervention's own name, or another name in which the agent stands, names several, and is not
    the agent's name itself.

    >>> both = Intervention(
    ...     "Fictumab and Samplinib", "DRUG", ("FS",), None, "interventions[0]"
    ... )
    >>> [_is_part(name_key(agent), both) for agent in ("samplinib", both.name)]
    [True, False]
    """
    naming = [name for name in intervention.other_names if _has_name(name, key)]
    if intervention.name:
        naming.append(intervention.name)
    return any(name_key(name) != key and names_several(name) for name in naming)


def names_several(name: str) -> bool:
    """Return whether a name may be that of several agents: "Fictumab + samplinib"."""
    tokens = read_text(name)
    if any(word.lower() in _JOINING for word in tokens.words):
        return True
    return len(split_names(tokens, 0, len(tokens))) > 1


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
