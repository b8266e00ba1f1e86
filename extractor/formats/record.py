"""From the fields of a record to its sections and registered fields, by its register's table."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

from extractor.formats.found import (
    RecordContent,
    criteria_section,
    find_trial_id,
    join_parts,
    join_texts,
    list_interventions,
    list_items,
    list_products,
    take_sections,
)
from extractor.formats.registers import Register, SectionRow
from extractor.language.clean import fold_label
from extractor.schemas import RegisteredTerm, RegistryFields, Section, TermKind

_LISTS: Mapping[str, Callable[[str, str, int], Iterator[Section]]] = {
    "marks": list_items,
    "types": list_interventions,
    "products": list_products,
}
_SEVERAL = ("phases", "who_masked")
"""Registered fields with several values."""
_NUMBERS = (int, float)
_OTHER_TYPES: Mapping[str, tuple[type, ...]] = {
    "enrollment": _NUMBERS,
    "minimum_age": _NUMBERS,
    "maximum_age": _NUMBERS,
    "healthy_volunteers": (bool,),
}
"""Registered fields that JSON has as texts or as these."""


_NAMES = ("label", "name")


class _Link(NamedTuple):
    """The name of an arm or an intervention, and those of the other kind that it names."""

    name: str
    linked: Sequence[str]


class Fields(Protocol):
    """The fields of a record, or of an item in it."""

    def list_items(self, path: str, group: str = "", /) -> Sequence[Self]:
        """Return the items at a path; those with the same value at ``group`` are one."""

    def read(self, path: str, types: tuple[type, ...] = (), /) -> list[str]:
        """Return the texts at a path, or at the first of several that has one; values of other
        ``types`` as texts.
        """


def read_record(register: Register, fields: Fields, container: str) -> RecordContent:
    """Return the content of a record. Raises ``UnreadableSource`` for a field of a wrong type."""
    sections: list[Section] = []
    counts: dict[str, int] = defaultdict(int)
    links: dict[str, list[_Link]] = {"arms": [], "interventions": []}
    for row in register.rows:
        if not row.items:
            found = _read_row(row, fields, counts[row.name])
            counts[row.name] += len(found)
            sections += found
            continue
        for item in fields.list_items(row.items, row.group):
            texts = [
                (part, text) for part, path in row.parts for text in item.read(path)
            ]
            sections += join_parts(f"{row.name}[{counts[row.name]}]", texts)
            counts[row.name] += 1
            if row.name in links:
                names = [text.strip() for part, text in texts if part in _NAMES]
                linked = item.read(row.links) if row.links else []
                links[row.name].append(_Link(next(filter(None, names), ""), linked))
    registry: dict[str, Any] = {}
    for name, row in register.registry.items():
        value = _read_registered(fields, name, row)
        # what is absent need not be checked, which takes time
        if value:
            registry[name] = value
    return RecordContent(
        take_sections(sections),
        register.formats[container],
        _read_id(register, fields),
        RegistryFields(
            **registry,
            bare_arms=_find_bare_arms(**links),
            arm_links=_link_arms(**links),
            terms=tuple(_list_terms(register, fields)),
        ),
        notes=_note_languages(sections),
    )


def _read_id(register: Register, fields: Fields) -> str | None:
    """Return the number of the trial, None if it has not the form of one."""
    written = _read_first(fields, register.id)
    if not written or not register.id_pattern:
        return find_trial_id(f"{register.id_prefix}{written or ''}")
    is_number = re.fullmatch(register.id_pattern, written.upper(), re.ASCII)
    return written if is_number else None


def _read_row(row: SectionRow, fields: Fields, count: int) -> Sequence[Section]:
    """Return the sections of a row without items; ``count`` have been read of that name."""
    if row.list:
        # a semicolon separates items: each text is at least one
        cell = _join(fields.read(row.list), ";")
        times = fields.read(row.time_frame) if row.time_frame else []
        listed = list(_LISTS[row.by](row.name, cell, count))
        return [_add_times(item, times) for item in listed] if times else listed
    if count:
        return ()
    if row.path:
        return join_texts(row.name, fields.read(row.path))
    inclusion, exclusion = (
        _join(fields.read(path), "\n\n") for path in (row.inclusion, row.exclusion)
    )
    return criteria_section(inclusion, exclusion)


def _join(texts: Sequence[str], separator: str) -> str:
    """Return the texts as one; a single one keeps its language."""
    return texts[0] if len(texts) == 1 else separator.join(texts)


def _add_times(item: Section, times: Sequence[str]) -> Section:
    parts = [("measure", item.text), *(("time_frame", time) for time in times)]
    return join_parts(item.name, parts)[0]


def _read_first(fields: Fields, path: str, types: tuple[type, ...] = ()) -> str | None:
    """Return the first text at a path that is not blank."""
    for text in fields.read(path, types):
        if text.strip():
            return text.strip()
    return None


def _read_registered(fields: Fields, name: str, row: str | Mapping[str, Any]) -> Any:
    """Return the value of a registered field."""
    types = _OTHER_TYPES.get(name, ())
    if isinstance(row, str):
        if name in _SEVERAL:
            return tuple(filter(None, fields.read(row)))
        return _read_first(fields, row, types)
    value = _read_first(fields, row["path"], types)
    if value and "unit" in row:
        unit = _read_first(fields, row["unit"]) or ""
        return f"{value} {unit.capitalize()}" if unit in row["units"] else None
    if value:
        part = re.search(rf"(?:^|\|){row['label']}: *([^|]+)", value)
        return part[1].strip() if part else None
    return None


def _list_terms(register: Register, fields: Fields) -> Iterator[RegisteredTerm]:
    """Yield the registry's own terms. Only a name alone with a number alone has that number."""
    for kind, row in register.terms.items():
        for item in fields.list_items(row["items"]):
            names = [name.strip() for name in item.read(row["name"])]
            numbers = item.read(row["id"]) if "id" in row else []
            number = numbers[0] if len(names) == len(numbers) == 1 else None
            for name in filter(None, names):
                yield RegisteredTerm(kind=TermKind(kind), name=name, id=number)


def _note_languages(sections: Iterable[Section]) -> tuple[str, ...]:
    """Return a note for each other language that a text of the record is in."""
    names: dict[str, dict[str, None]] = {}
    for section in sections:
        for span in section.other_languages:
            names.setdefault(span.language, {})[section.name] = None
    return tuple(
        f"given in {language} only, which is not read: {', '.join(found)}"
        for language, found in names.items()
    )


def _link_arms(
    arms: Sequence[_Link], interventions: Sequence[_Link]
) -> dict[str, tuple[str, ...]]:
    """Return the sections of the arms of each intervention, by its section. An intervention without
    any is left out.

    The labels that an intervention names count before the arms that name it, since two
    interventions may have one name. Case and white space do not matter.
    """
    by_label = defaultdict[str, set[int]](set)
    by_name = defaultdict[str, set[int]](set)
    for number, arm in enumerate(arms):
        by_label[fold_label(arm.name)].add(number)
        for name in arm.linked:
            # arms name an intervention with its type in front, too
            by_name[fold_label(name)].add(number)
            by_name[fold_label(name.partition(": ")[2])].add(number)
    links: dict[str, tuple[str, ...]] = {}
    for number, intervention in enumerate(interventions):
        found: set[int] = set()
        for label in intervention.linked:
            found |= by_label[fold_label(label)]
        if not found and intervention.name:
            found = by_name[fold_label(intervention.name)]
        if found:
            names = tuple(f"arms[{arm}]" for arm in sorted(found))
            links[f"interventions[{number}]"] = names
    return links


def _find_bare_arms(
    arms: Sequence[_Link], interventions: Sequence[_Link]
) -> tuple[str, ...]:
    """Return the sections of arms without an intervention; empty if the record links nothing, or if
    an intervention names a missing arm: the label may be a variant of any arm's.
    """
    labels = [fold_label(arm.name) for arm in arms]
    named = {fold_label(label) for item in interventions for label in item.linked}
    links_nothing = not named and not any(arm.linked for arm in arms)
    if links_nothing or not named <= set(labels):
        return ()
    bare: list[str] = []
    for number, arm in enumerate(arms):
        if not arm.linked and labels[number] not in named:
            bare.append(f"arms[{number}]")
    return tuple(bare)
