"""brat's standoff format: entities with spans, relations, events, attributes and groups.

One annotation a line, tab-separated; offsets count characters of the text::

    T1	Condition 3 9;14 20	asthma severe        a discontinuous entity has several spans
    R1	Has_value Arg1:T2 Arg2:T3
    E1	Treatment:T4 Duration:T5                  an event is its trigger's relation to each argument
    *	OR T1 T2 T3
    A1	Optional T1
    #1	AnnotatorNotes T1	see line 4
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Entity", "Group", "Relation", "Standoff", "read_standoff"]

_SPANS = re.compile(r"[0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*")
_LINE_END = re.compile(r"\r?\n")  # others, such as a form feed, may stand inside of a text
_ARGUMENT = re.compile(r"(?P<role>\w[\w-]*?)\d*:(?P<id>[TE]\d+)")


@dataclass(frozen=True, slots=True)
class Entity:
    """A named stretch of text; ``spans`` are half-open, in ascending order."""

    id: str
    type: str
    spans: tuple[tuple[int, int], ...]
    text: str

    @property
    def start(self) -> int:
        return self.spans[0][0]


@dataclass(frozen=True, slots=True)
class Relation:
    """``head`` and ``tail`` are ids of entities."""

    id: str
    type: str
    head: str
    tail: str


@dataclass(frozen=True, slots=True)
class Group:
    """Entities that are alternatives, or belong together, without an order."""

    type: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Standoff:
    """All annotations of one text, (place, problem) for each line that could not be used, and the number of notes."""

    entities: dict[str, Entity] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: int = 0


def read_standoff(annotations: str, text: str) -> Standoff:
    r"""Read the lines of an ``.ann`` file and hold each entity against the text.

    >>> found = read_standoff("T1\tCondition 3 9\tasthma\nT2\tQualifier 0 2\tno", "No asthma")
    >>> list(found.entities), found.problems
    (['T1'], [('T2', "the text at its spans is 'No', not 'no'")])
    """
    found = Standoff()
    lines = [line for line in _LINE_END.split(annotations.removeprefix("\ufeff")) if line.strip()]
    rows = [line for line in lines if not line.startswith("#")]
    found.notes = len(lines) - len(rows)
    for row in rows:
        if row.startswith("T"):
            _take(found, row, _read_entity(row, text))
    events = dict(_triggers(rows))
    for row in rows:
        if row.startswith(("R", "E", "*")):
            _read_links(found, row, events)
        elif not row.startswith("T"):
            found.problems.append((_name(row), "annotations of this kind have no place in gold"))
    return found


def _name(row: str) -> str:
    return row.split("\t", 1)[0]


def _take(found: Standoff, row: str, read: Entity | str) -> None:
    if isinstance(read, str):
        found.problems.append((_name(row), read))
    elif read.id in found.entities:
        found.problems.append((read.id, "stands twice; the first one is used"))
    else:
        found.entities[read.id] = read


def _read_entity(row: str, text: str) -> Entity | str:
    fields = row.split("\t", 2)
    head = fields[1].split(" ", 1) if len(fields) >= 3 else []
    if len(head) != 2 or not _SPANS.fullmatch(head[1]):
        return "is no entity of the form 'T1<tab>Type start end<tab>text'"
    pairs = [pair.split(" ") for pair in head[1].split(";")]
    spans = tuple(sorted((int(start), int(end)) for start, end in pairs))
    if any(start >= end for start, end in spans) or spans[-1][1] > len(text):
        return "its spans lie outside of the text, or are empty"
    covered = " ".join(text[start:end] for start, end in spans)
    if covered.split() != fields[2].split():
        return f"the text at its spans is {covered!r}, not {fields[2]!r}"
    return Entity(fields[0], head[0], spans, covered)


def _triggers(rows: list[str]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row.startswith("E") and (trigger := _ARGUMENT.search(row)):
            yield _name(row), trigger["id"]


def _read_links(found: Standoff, row: str, events: Mapping[str, str]) -> None:
    name, _, rest = row.partition("\t")
    if name == "*":
        _read_group(found, rest.split())
        return
    arguments = [(part["role"], events.get(part["id"], part["id"])) for part in _ARGUMENT.finditer(rest)]
    lost = {entity for _, entity in arguments if entity not in found.entities}
    if lost:
        found.problems.append((name, f"names {', '.join(sorted(lost))}, which was not read"))
    elif name.startswith("E") and arguments:
        found.relations += [Relation(name, role, arguments[0][1], tail) for role, tail in arguments[1:]]
    elif name.startswith("R") and len(arguments) == 2:
        found.relations.append(Relation(name, rest.split(" ", 1)[0], arguments[0][1], arguments[1][1]))
    else:
        found.problems.append((name, "is no relation of two entities"))


def _read_group(found: Standoff, words: list[str]) -> None:
    if len(words) < 2:
        found.problems.append(("*", "is no group of entities"))
        return
    kind, *members = words
    known = tuple(member for member in members if member in found.entities)
    found.groups.append(Group(kind, known))
    lost = sorted(set(members) - set(known))
    found.problems += [("*", f"{kind} names {member}, which was not read") for member in lost]
