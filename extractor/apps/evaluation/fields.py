"""The scored fields, derived from their groups: a field's metadata sets how its values are
compared and weighted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from extractor.apps.evaluation.comparers import (
    COMPARERS,
    EXTENT,
    TEXT,
    WHOLE,
    WINDOWS,
    WORDS,
    Comparer,
)
from extractor.concepts.own.declaration import CustomField
from extractor.schemas import (
    Comparison,
    Criterion,
    CustomItem,
    Eligibility,
    Endpoint,
    ExtractedItem,
    FieldInfo,
    FieldRef,
    ItemGroup,
    Regimen,
    TrialExtraction,
    list_groups,
)
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.fields import list_model

_FIRST = ("agent", "quote", "kind", "section")
"""Identifying fields of items, in report order; all other fields follow in schema order."""


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    ``attribute`` is the place in the item, such as ``route`` or ``values.cutoff``; None for the
    item itself, which is right if it has a counterpart. Fields of one ``family`` have values that a
    reader could confuse; a right value on a wrong item is searched within it. ``weight`` multiplies
    the harm of an error. ``counts`` says whether it may be part of the scores of its task and of
    all fields.

    A part of a value, such as ``time_windows.of``, has the attribute of the ``whole``: it is scored
    in the values that both extractions have; with ``only_stated`` where gold has it, and such a
    line names no errors.
    """

    name: str
    attribute: str | None
    comparer: Comparer
    family: str | None = None
    weight: float = 1.0
    counts: bool = True
    whole: str | None = None
    only_stated: bool = False

    @property
    def in_total(self) -> bool:
        """Return whether the field is part of the scores of its task and of all fields.

        Extents of the guideline's quotes are not: they prove other fields. Those of a user's field
        are what it says.
        """
        return self.counts and (not self.comparer.is_extent or self.task == "custom")

    @property
    def part(self) -> str:
        """Return the last name in the attribute: of a part, its name in the value."""
        return str(self.attribute).rpartition(".")[2]

    @property
    def is_words(self) -> bool:
        """Return whether the values are words of the record."""
        return self.comparer in (TEXT, EXTENT, WORDS, WHOLE)

    @property
    def task(self) -> str:
        """Return the task of the field; ``custom`` for a field of the user's own."""
        return self.name.partition(".")[0]

    def is_named(self, names: Iterable[str]) -> bool:
        """Return whether its path has one of these names in it: ``constraints``, ``dosing``."""
        return any(f".{name}." in f".{self.name}." for name in names)

    def read(self, item: ExtractedItem) -> Any:
        """Return the value that an item has in this field; of a part, the values that have it."""
        return item.value_of(self.whole or self.part)


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields, at ``path`` in an extraction; ``items`` lists those of
    an extraction.

    Those of a user's field are ``of`` the items at that path, which may have ``many``.
    """

    path: str
    model: type[ExtractedItem]
    fields: tuple[Field, ...]
    items: Callable[[TrialExtraction], tuple[Any, ...]]
    of: str | None = None
    many: bool = True

    def keep(self, chosen: Callable[[Field], bool]) -> "Group":
        """Return the group with these fields alone."""
        fields = tuple(filter(chosen, self.fields))
        return self if fields == self.fields else replace(self, fields=fields)


_ITEMS: dict[str, tuple[type[ExtractedItem], str | None]] = {
    "eligibility": (Eligibility, None),
    "eligibility.criteria": (Criterion, "eligibility.criteria"),
    "dosing": (Regimen, "dosing.regimens"),
    "endpoints": (Endpoint, "endpoints.outcomes"),
}
"""The model of the guideline's items, and the name of the field that says whether there is one."""


_MARKS = {
    "eligibility.criteria.group": "eligibility.groups",
    "eligibility.criteria.constraints.condition": "eligibility.criteria.time_windows",
    "dosing.amounts.arms": "dosing.arms",
}
"""The place of the key by which gold shows that it was read for a field, if that is not the field's
own: most limits have no condition.
"""


def _make_fields(info: FieldInfo) -> Iterator[Field]:
    """Yield a field, and the parts of its values that are scored by themselves: the fields of the
    models in a list, such as ``time_windows.of``; none for a user's field. A part that is rare is
    yielded twice, the second time for the values alone of which gold states it.
    """
    is_own = info.group.startswith("custom.")
    attribute = info.name
    if is_own:
        attribute = f"values.{info.name}"
    comparer = COMPARERS[info.metadata.comparison]
    if info.many and info.metadata.comparison is Comparison.WINDOW:
        comparer = WINDOWS
    yield Field(
        info.path,
        attribute,
        comparer,
        family=info.metadata.family,
        weight=info.metadata.weight,
        counts=info.metadata.in_total,
    )
    has_parts = info.many and issubclass(info.type, BaseModel)
    if is_own or not has_parts:
        return
    for part in list_model(info.path, info.type):
        part_comparer = COMPARERS[part.metadata.comparison]
        # a list that groups items is compared in one way with all of its parts
        if comparer.of_groups:
            part_comparer = comparer
        scored_part = Field(
            part.path,
            f"{attribute}.{part.name}",
            part_comparer,
            family=part.metadata.family,
            weight=part.metadata.weight,
            counts=part.metadata.in_total,
            whole=info.name,
        )
        yield scored_part
        if part.metadata.rare:
            yield replace(
                scored_part, name=f"{scored_part.name}.stated", only_stated=True
            )


def _make_group(group: ItemGroup, *, many: bool = True) -> Group:
    """Return the group of items with all fields that gold has, in report order."""
    model, whole = _ITEMS.get(group.path, (CustomItem, None))
    infos: list[FieldInfo] = []
    for info in group.fields:
        # An endpoint's index is not scored, since it is not read from text.
        if not info.metadata.in_gold or info.path == "endpoints.index":
            continue
        infos.append(info)
    infos.sort(
        key=lambda info: _FIRST.index(info.name) if info.name in _FIRST else len(_FIRST)
    )
    fields: list[Field] = []
    if whole:
        fields.append(Field(whole, None, TEXT))
    for info in infos:
        fields += _make_fields(info)
    return Group(group.path, model, tuple(fields), group.list_items, group.of, many)


GROUPS = ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS = tuple(
    map(_make_group, list_groups())
)

FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""The guideline's scored fields, in report order."""


def add_groups(fields: Iterable[CustomField]) -> tuple[Group, ...]:
    """Return the guideline's groups, and those of a user's fields.

    >>> from extractor.concepts.own.models import read_fields
    >>> [
    ...     field.name
    ...     for field in add_groups(read_fields("extractor.catalogue:Blinding"))[
    ...         -1
    ...     ].fields
    ... ]
    ['custom.blinding.level']
    """
    return (*GROUPS, *(_make_group(field.group, many=field.many) for field in fields))


def list_known(group: Group) -> tuple[Field, ...]:
    """Return all fields of a group, also those that are not scored."""
    for complete in GROUPS:
        if complete.path == group.path:
            return complete.fields
    return group.fields


def list_scored_groups(
    groups: Iterable[Group],
    gold: TrialExtraction,
    chosen: Collection[str] | None = None,
) -> Iterator[Group]:
    """Yield the groups of gold that are scored, each with its scored fields alone; a group without
    any is left out.

    Scored are the fields whose key gold has: null and an empty list say that the record states
    none. One item with the key is enough for all items of its list. Gold that names what it was
    read for (``scored``) says nothing of other fields. ``chosen`` are the names of the fields to
    score; by default all.

    >>> from extractor.schemas import Age
    >>> people = Eligibility(minimum_age=Age(value=18, unit="year"), sex=None)
    >>> gold = TrialExtraction(record_id="A", eligibility=people)
    >>> [
    ...     field.name
    ...     for group in list_scored_groups(GROUPS, gold)
    ...     for field in group.fields
    ... ]
    ['eligibility.minimum_age', 'eligibility.sex']
    """
    stated = _find_stated(gold)
    for group in groups:
        has_no_items = group.path in stated and not group.items(gold)
        annotated: list[Field] = []
        for field in group.fields:
            # An empty list of a reading before guideline 1.5 says nothing of what that added.
            is_empty = has_no_items and field.counts
            if not is_empty and find_mark(field) not in stated:
                continue
            if gold.scored and not _is_read_for(field, gold.scored):
                continue
            if chosen is not None and field.name not in chosen:
                continue
            annotated.append(field)
        if annotated:
            yield group.keep(annotated.__contains__)


def _is_read_for(field: Field, names: Collection[str]) -> bool:
    """Return whether gold that names what it was read for was read for a field. Where it names a
    list by its whole path, the parts of its values have names of their own.
    """
    if field.whole and find_mark(field) in names:
        return field.name in names
    return field.is_named(names)


def _find_stated(gold: TrialExtraction) -> set[str]:
    """Return the places whose keys gold has, such as ``dosing`` and ``dosing.route``."""
    stated = {f"custom.{name}" for name in gold.custom}
    stated |= gold.model_fields_set & {"dosing", "endpoints"}
    for path, item in gold.list_items():
        group = FieldRef(path).path
        stated |= {f"{group}.{name}" for name in item.model_fields_set}
    return stated


def find_mark(field: Field) -> str:
    """Return the path of the key by which gold shows that it was read for a field, even if only to
    say that it is empty: of an item itself that of its list, of a part that of the whole, of a
    user's field that field, of the fields in ``_MARKS`` that of another one.

    >>> [find_mark(field) for field in DOSING.fields if not field.counts]
    ['dosing.arms', 'dosing.arms']
    """
    if field.task == "custom":
        return ".".join(field.name.split(".")[:2])
    name = field.name.removesuffix(".stated")
    if field.attribute is None:
        return name if name == CRITERIA.path else field.task
    if name in _MARKS:
        return _MARKS[name]
    # A part of a value is annotated by the key of the whole.
    return name.removesuffix(f".{field.part}") if field.whole else name


def choose_fields(names: Iterable[str], groups: Iterable[Group]) -> frozenset[str]:
    """Return the scored fields with a name in their path: ``minimum_age``, ``constraints``,
    ``dosing``. Raises ``ArgumentError`` for a name that no field has.

    >>> sorted(choose_fields(["minimum_age", "constraints"], GROUPS))[:2]
    ['eligibility.criteria.constraints', 'eligibility.criteria.constraints.condition']
    """
    wanted = list(names)
    fields = [field for group in groups for field in group.fields]
    unknown = []
    for name in wanted:
        if any(field.is_named([name]) for field in fields):
            continue
        unknown.append(name)
    paths = [field.name for field in fields]
    parts = [part for path in paths for part in path.split(".")]
    refuse_unknown("field", unknown, tuple(dict.fromkeys([*parts, *paths])))
    return frozenset(field.name for field in fields if field.is_named(wanted))


def list_quotes(group: Group, item: ExtractedItem) -> Iterator[tuple[str, str | None]]:
    """Yield the quotes of an item, including those of and in its values, with their paths.

    >>> list(
    ...     list_quotes(
    ...         ENDPOINTS,
    ...         Endpoint(rank="primary", index=0, measure="Pain", methods=("MRI",)),
    ...     )
    ... )[-1]
    ('methods[0]', 'MRI')
    """
    for field in group.fields:
        if field.attribute is None or field.only_stated:
            continue
        place = field.whole or field.attribute
        for path, value in _list_members(place, field.read(item)):
            if field.whole and field.is_words:
                yield f"{path}.{field.part}", getattr(value, field.part)
            elif field.is_words:
                yield path, value
            elif not field.whole and hasattr(value, "quote"):
                yield f"{path}.quote", value.quote


def _list_members(path: str, value: Any) -> list[tuple[str, Any]]:
    """Return the members of a list with their paths, or another value with its own."""
    if not isinstance(value, tuple):
        return [(path, value)]
    return [(f"{path}[{number}]", member) for number, member in enumerate(value)]
