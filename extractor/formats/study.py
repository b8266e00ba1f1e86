"""Shared by the readers of JSON, XML and AACT tables: map the fields of a study to sections.

``fields.toml`` has the paths of the fields in each format.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Generic, NamedTuple, TypeVar

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
    """Build the content of a study.

    Args:
        study: The study, an element of XML or a node of JSON.
        paths: Where its format has each field.
        find: Returns the items at a path of a node.
        read: Returns the texts at a path of a node.
        derived: What holds the registry's own terms, if they are not in the study.
    """
    return _StudyReader(study, paths, find, read).read_content(derived)


class _StudyReader(Generic[_Node]):
    """Reads the fields of a study. The arguments are those of ``read_study``."""

    def __init__(
        self,
        study: _Node,
        paths: StudyPaths,
        find: Callable[[_Node, str], list[_Node]],
        read: Callable[[_Node, str], list[str]],
    ) -> None:
        self._study = study
        self._paths = paths
        self._find = find
        self._read = read
        self._items = {
            name: find(study, parts["path"]) for name, parts in paths.items.items()
        }

    def read_content(self, derived: _Node | None) -> RecordContent:
        """Return the content of the study, with its own terms or those in ``derived``."""
        paths = self._paths
        arms = self._list_arms()
        interventions = self._list_interventions()
        linked = [label for _, labels in interventions for label in labels]
        trial_id = self._read_first(self._study, paths.trial_id)
        return RecordContent(
            take_sections(self._list_sections()),
            paths.format,
            find_trial_id(paths.id_prefix + trial_id if trial_id else None),
            RegistryFields(
                **{
                    name: self._read_first(self._study, path)
                    for name, path in paths.registry.items()
                },
                phases=self._read_filled(paths.phases),
                who_masked=self._read_filled(paths.who_masked),
                bare_arms=find_bare_arms(arms, linked),
                arm_links=link_arms(arms, interventions),
                terms=tuple(
                    self._list_terms(self._study if derived is None else derived)
                ),
            ),
        )

    def _list_sections(self) -> Iterator[Section]:
        """Yield the sections in the order of the paths: texts, criteria, items with parts, and
        items of which each is one text; these are numbered behind items of the same name.
        """
        paths = self._paths
        for name, path in paths.texts.items():
            yield from text_section(name, "\n".join(self._read(self._study, path)))
        # Most registries have both lists in one text; CTIS, for one, keeps them apart.
        if paths.criteria:
            inclusion, exclusion = (
                "\n\n".join(self._read(self._study, path)) for path in paths.criteria
            )
            yield from criteria_section(inclusion, exclusion)
        for name, parts in paths.items.items():
            for number, item in enumerate(self._items[name]):
                texts = self._list_parts(item, parts)
                yield from join_parts(f"{name}[{number}]", texts)
        for name, path in paths.lists.items():
            # a semicolon parts items: each text is at least one
            stated = [text.strip() for text in self._read(self._study, path)]
            first = len(self._items.get(name, ()))
            yield from list_items(name, ";".join(stated), first)

    def _list_parts(
        self, item: _Node, parts: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Yield the texts of an item, each with the name of its part."""
        for part, path in parts.items():
            if part == "path":
                continue
            for text in self._read(item, path):
                yield part, text

    def _list_arms(self) -> list[_Linked]:
        """Return the label of each arm, and the interventions that it names."""
        arms: list[_Linked] = []
        for arm in self._items.get("arms", ()):
            label = self._read_first(arm, self._paths.items["arms"]["label"])
            names = self._read(arm, self._paths.names) if self._paths.names else []
            arms.append((label, names))
        return arms

    def _list_interventions(self) -> list[_Linked]:
        """Return the name of each intervention, and the labels of the arms that it names."""
        interventions: list[_Linked] = []
        for item in self._items["interventions"]:
            name = self._read_first(item, self._paths.items["interventions"]["name"])
            labels = self._read(item, self._paths.labels) if self._paths.labels else []
            interventions.append((name, labels))
        return interventions

    def _list_terms(self, root: _Node) -> Iterator[RegisteredTerm]:
        """Yield the registry's own terms. Only a name alone with a number alone has that number."""
        for kind, parts in self._paths.terms.items():
            for node in self._find(root, parts["path"]):
                names = [name.strip() for name in self._read(node, parts["name"])]
                numbers = self._read(node, parts["id"]) if "id" in parts else []
                number = numbers[0] if len(names) == len(numbers) == 1 else None
                for name in filter(None, names):
                    yield RegisteredTerm(kind=TermKind(kind), name=name, id=number)

    def _read_first(self, node: _Node, path: str) -> str | None:
        """Return the first text at a path that is not blank."""
        for text in self._read(node, path):
            if text.strip():
                return text.strip()
        return None

    def _read_filled(self, path: str | None) -> tuple[str, ...]:
        """Return all texts at a path that are not empty; none in a format without the path."""
        return tuple(filter(None, self._read(self._study, path))) if path else ()


def link_arms(
    arms: Iterable[_Linked], interventions: Iterable[_Linked]
) -> dict[str, tuple[str, ...]]:
    """Return the sections of the arms of each intervention, by its section. An intervention without
    any is left out.

    The labels that an intervention names count before the arms that name it, since two
    interventions may have one name. Case and white space do not matter.

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
    for arm, (label, names) in enumerate(arms):
        by_label[fold_label(label or "")].add(arm)
        for name in names:
            by_name[fold_label(name)].add(arm)
            by_name[fold_label(name.partition(": ")[2])].add(arm)
    links: dict[str, tuple[str, ...]] = {}
    for number, (title, labels) in enumerate(interventions):
        linked = set[int]()
        for label in labels:
            linked |= by_label[fold_label(label)]
        if not linked and title:
            linked = by_name[fold_label(title)]
        if linked:
            links[f"interventions[{number}]"] = tuple(
                f"arms[{arm}]" for arm in sorted(linked)
            )
    return links


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
    own = [(fold_label(label or ""), bool(names)) for label, names in arms]
    named = set(map(fold_label, linked))
    if not named <= {label for label, _ in own}:
        return ()
    links_nothing = not named and not any(has_names for _, has_names in own)
    if links_nothing:
        return ()
    bare: list[str] = []
    for number, (label, has_names) in enumerate(own):
        if not has_names and label not in named:
            bare.append(f"arms[{number}]")
    return tuple(bare)
