"""Shared by the readers of JSON, XML and AACT tables: map the fields of a study to sections.

``fields.toml`` has the paths of the fields in each format.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

from extractor.formats.found import (
    RecordContent,
    criteria_section,
    find_trial_id,
    join_parts,
    list_items,
    take_sections,
    text_section,
)
from extractor.language.clean import fold_label
from extractor.schemas import RegisteredTerm, RegistryFields, Section, TermKind

_Node = TypeVar("_Node")
_Linked = tuple[str | None, Sequence[str]]
"""An arm's label with the names of its interventions, or an intervention's name with the labels
of its arms.
"""


class StudyPaths(NamedTuple):
    """Paths of the fields that are read, in a format's own notation.

    Attributes:
        format: The name of the format, as in ``Source.format``.
        trial_id: The registry's number.
        texts: Sections of plain text, in order.
        items: Numbered sections: the ``path`` of the items, and the paths of the parts within an
            item.
        registry: Structured fields with one value; ``phases`` and ``who_masked`` have several.
        labels: Within an intervention, the labels of its arms; None if the format has none.
        names: Within an arm, the names of its interventions; None if the format has none.
        criteria: Inclusion and exclusion criteria, in formats that keep them apart.
        lists: Numbered sections that a text holds as a list; they follow ``items`` of that name.
        id_prefix: Letters that the number lacks.
        terms: The registry's own terms by kind: the ``path`` of the nodes, and the paths of
            ``name`` and ``id`` in one.
    """

    format: str
    trial_id: str
    texts: Mapping[str, str]
    items: Mapping[str, Mapping[str, str]]
    registry: Mapping[str, str]
    phases: str
    labels: str | None = None
    names: str | None = None
    criteria: Sequence[str] = ()
    lists: Mapping[str, str] = {}
    id_prefix: str = ""
    who_masked: str | None = None
    terms: Mapping[str, Mapping[str, str]] = {}


@cache
def load_fields(part: str = "") -> Mapping[str, Any]:
    """Load ``fields.toml``: a table for each format. ``part`` replaces "{part}" in paths."""
    return tomllib.loads(
        (files(__package__) / "fields.toml").read_text("utf-8").replace("{part}", part)
    )


@cache
def list_paths(format: str, part: str = "") -> StudyPaths:  # noqa: A002 - named as in RecordContent
    """Return the paths of a format.

    >>> list_paths("ctgov_xml").texts["title"]
    'brief_title'
    """
    return StudyPaths(format=format, **load_fields(part)[format])


def read_study(
    study: _Node,
    paths: StudyPaths,
    find: Callable[[_Node, str], list[_Node]],
    read: Callable[[_Node, str], list[str]],
    derived: _Node | None = None,
) -> RecordContent:
    """Build the content of a study. ``find`` returns the items at a path, and ``read`` the texts.

    ``derived`` holds the registry's own terms, where they are not in the study.
    """

    def read_one(node: _Node, path: str) -> str | None:
        return next((text.strip() for text in read(node, path) if text.strip()), None)

    items = {name: find(study, parts["path"]) for name, parts in paths.items.items()}

    def list_sections() -> Iterator[Section]:
        for name, path in paths.texts.items():
            yield from text_section(name, "\n".join(read(study, path)))
        if paths.criteria:
            yield from criteria_section(
                *("\n\n".join(read(study, path)) for path in paths.criteria)
            )
        for name, parts in paths.items.items():
            for number, item in enumerate(items[name]):
                texts = (
                    (part, text)
                    for part, path in parts.items()
                    if part != "path"
                    for text in read(item, path)
                )
                yield from join_parts(f"{name}[{number}]", texts)
        for name, path in paths.lists.items():
            cell = ";".join(map(str.strip, read(study, path)))  # each text ends an item
            yield from list_items(name, cell, len(items.get(name, ())))

    label = paths.items["arms"]["label"] if "arms" in items else ""
    arms = [
        (read_one(arm, label), read(arm, paths.names) if paths.names else [])
        for arm in items.get("arms", ())
    ]
    name = paths.items["interventions"]["name"]
    interventions = [
        (read_one(item, name), read(item, paths.labels) if paths.labels else [])
        for item in items["interventions"]
    ]

    trial_id = read_one(study, paths.trial_id)
    return RecordContent(
        take_sections(list_sections()),
        paths.format,
        find_trial_id(trial_id and paths.id_prefix + trial_id),
        RegistryFields(
            **{name: read_one(study, path) for name, path in paths.registry.items()},
            phases=tuple(filter(None, read(study, paths.phases))),
            who_masked=tuple(filter(None, read(study, paths.who_masked)))
            if paths.who_masked
            else (),
            bare_arms=find_bare_arms(
                arms, (text for _, linked in interventions for text in linked)
            ),
            arm_links=link_arms(arms, interventions),
            terms=tuple(
                _list_terms(study if derived is None else derived, paths, find, read)
            ),
        ),
    )


def _list_terms(
    root: _Node,
    paths: StudyPaths,
    find: Callable[[_Node, str], list[_Node]],
    read: Callable[[_Node, str], list[str]],
) -> Iterator[RegisteredTerm]:
    for kind, parts in paths.terms.items():
        for node in find(root, parts["path"]):
            names = [name.strip() for name in read(node, parts["name"])]
            numbers = read(node, parts["id"]) if "id" in parts else []
            number = numbers[0] if len(names) == len(numbers) == 1 else None
            yield from (
                RegisteredTerm(kind=TermKind(kind), name=name, id=number)
                for name in names
                if name
            )


def link_arms(
    arms: Iterable[_Linked], interventions: Iterable[_Linked]
) -> dict[str, tuple[str, ...]]:
    """Return the sections of the arms of each intervention, by its section.

    Args:
        arms: Each arm's label, and the interventions that it names, each behind its type or not.
        interventions: Each intervention's name, and the labels that it names.

    >>> link_arms(
    ...     [("Low", ["Drug: Fictumab"]), ("High", ["Drug: Pump"])],
    ...     [("Fictumab", ["low "]), ("Pump", [])],
    ... )
    {'interventions[0]': ('arms[0]',), 'interventions[1]': ('arms[1]',)}
    """
    by_label = defaultdict[str, set[int]](set)
    by_name = defaultdict[str, set[int]](set)
    for place, (label, names) in enumerate(arms):
        by_label[fold_label(label or "")].add(place)
        for name in names:
            by_name[fold_label(name)].add(place)
            by_name[fold_label(name.partition(": ")[2])].add(place)
    found: dict[str, tuple[str, ...]] = {}
    for number, (title, labels) in enumerate(interventions):
        places = set[int]().union(*(by_label[fold_label(label)] for label in labels))
        # two interventions may have one name, so that labels say more
        if not places and title:
            places = by_name[fold_label(title)]
        if places:
            found[f"interventions[{number}]"] = tuple(
                f"arms[{place}]" for place in sorted(places)
            )
    return found


def find_bare_arms(arms: Iterable[_Linked], linked: Iterable[str]) -> tuple[str, ...]:
    """Return the sections of arms without an intervention. Arms name their interventions, or
    interventions their arms.

    The result is empty if a study links nothing, or if an intervention names a missing arm: the
    label may be a variant of any arm's.

    Args:
        arms: Each arm's label, and the interventions that it names.
        linked: The labels that interventions name.

    >>> find_bare_arms([("Low", []), ("High", ["Drug: A"]), ("Sham", [])], ["low "])
    ('arms[2]',)
    """
    folded = [(fold_label(label or ""), bool(names)) for label, names in arms]
    labels = set(map(fold_label, linked))
    if not labels <= {label for label, _ in folded} or not (
        labels or any(names_one for _, names_one in folded)
    ):
        return ()
    return tuple(
        f"arms[{n}]"
        for n, (label, names_one) in enumerate(folded)
        if not names_one and label not in labels
    )
