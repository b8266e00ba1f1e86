"""Marks: what a row of a spreadsheet, or an annotation of a tool, says of a record.

Every way in and out of gold is a list of marks, so that there is one reader of them and one writer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from extractor.apps.evaluation.fields import GROUPS
from extractor.apps.gold.layouts import Layout
from extractor.concepts.own.attributes import Attribute
from extractor.concepts.own.declaration import CustomField
from extractor.errors import ArgumentError
from extractor.evidence.drafts import Span
from extractor.schemas import FieldInfo, list_groups
from extractor.schemas.arguments import find_nearest, suggest

RECORD = "record"
ITEMS = {
    "criterion": "eligibility.criteria",
    "regimen": "dosing",
    "endpoint": "endpoints",
}
"""The label of an item's mark, and the path of its group."""
PEOPLE = "eligibility"
CRITERIA = ITEMS["criterion"]
DOSING = ITEMS["regimen"]
ENDPOINTS = ITEMS["endpoint"]
NONE = "none"
"""What is written where gold says that the record states none."""
WHOLE = "all"
WHOLE_BEFORE = "guideline 1.4"
"""What a record's ``scored`` says if gold was read for all fields, or all before guideline 1.5."""
SCORED = "scored"
HIDDEN = frozenset(
    {"section", "quote", "rank", "index", "time_window", "groups", "group"}
)
"""Fields that follow from where an item stands, or need more than a value."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is said at one place of a record.

    Attributes:
        record: The record's id.
        place: Where it was read, for messages: ``sheet.csv, row 7``.
        label: ``record``, the kind of an item (``criterion``), or a field (``minimum_age``).
        quote: The words of the record; empty without.
        span: Where they stand, if that is known.
        start: Where they start in the text that annotation tools show, if that is known.
        section: The section in which they stand, if that is known.
        says: Of a field its value, one for each member of a list. Of an item or the record a
            ``field: value`` each.
        id: A name by which other marks refer to it.
        of: The name of the mark of the item to which it belongs.
        links: The names of marks that a relation joins to it, in either direction.
        tool: Where it was made, for remedies in the words of the tool.
        confidence: Of an item of an extraction, that of its least certain value.
    """

    record: str
    place: str
    label: str
    quote: str = ""
    span: Span | None = None
    start: int | None = None
    section: str = ""
    says: tuple[str, ...] = ()
    id: str = ""
    of: str = ""
    confidence: float | None = None
    links: tuple[str, ...] = ()
    tool: Layout = Layout.SHEET


class Lost(NamedTuple):
    """A field of a record of which a value is lost, so that it is not scored."""

    record: str
    label: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be taken over, where it stands, and what to do. What ``warns`` may be right.
    ``loses`` are the fields that it costs.

    >>> print(Problem("sheet.csv, row 7", "'x' is no age", "write one such as 18 year"))
    sheet.csv, row 7: 'x' is no age; write one such as 18 year
    """

    place: str
    problem: str
    remedy: str
    warns: bool = False
    loses: tuple[Lost, ...] = ()

    def __str__(self) -> str:
        kind = "warning: " if self.warns else ""
        return f"{kind}{self.place}: {self.problem}; {self.remedy}"


def fold_name(name: str) -> str:
    """Return the name of a field without what people write otherwise.

    >>> fold_name(" Minimum age")
    'minimum_age'
    """
    return "_".join(name.casefold().split())


class Labelled(NamedTuple):
    """A field that a label names: the path of its items, and its name there."""

    group: str
    name: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels that marks may have, by the user's own ``fields``."""

    fields: Mapping[str, CustomField] = field(default_factory=dict)

    def list_infos(self, group: str) -> dict[str, FieldInfo]:
        """Return the fields of the items of a group, by name: of a user's field its attributes, of
        the guideline's items the fields that gold has.
        """
        own = self.fields.get(group.removeprefix("custom."))
        if own is not None and group.startswith("custom."):
            return {info.name: info for info in own.group.fields}
        (of_guideline,) = (listed for listed in list_groups() if listed.path == group)
        return {
            info.name: info for info in of_guideline.fields if info.metadata.in_gold
        }

    def attribute(self, group: str, name: str) -> Attribute | None:
        """Return the attribute of a user's field; None for a field of the guideline."""
        if not group.startswith("custom."):
            return None
        return self.fields[group.removeprefix("custom.")].attribute(name)

    @property
    def items(self) -> dict[str, str]:
        """The path of the items that a label marks as a whole."""
        own = {name: f"custom.{name}" for name in self.fields}
        return {RECORD: PEOPLE, **ITEMS, **own}

    def spell(self, label: str) -> str:
        """Return a label as items and fields are spelt here, whatever its case, with underscores
        for spaces.

        >>> Labels().spell("Criterion"), Labels().spell("Minimum age")
        ('criterion', 'minimum_age')
        """
        folded = fold_name(label)
        items = {fold_name(item): item for item in self.items}
        return items.get(folded, folded)

    def find(self, label: str) -> list[Labelled]:
        """Return the fields that a label may mean: those whose path ends with it. Raises
        ``ArgumentError`` if there is none.

        >>> Labels().find("minimum_age"), len(Labels().find("category"))
        ([Labelled(group='eligibility', name='minimum_age')], 2)
        """
        wanted = fold_name(label).removeprefix("custom.")
        all_fields = self._list_known()
        meant = []
        for labelled in all_fields:
            path = fold_name(f".{labelled.group}.{labelled.name}")
            if not path.endswith(f".{wanted}"):
                continue
            meant.append(labelled)
        if meant:
            return meant
        names = [*self.items, *(labelled.name for labelled in all_fields)]
        raise ArgumentError(
            f"{label!r} is no field{suggest(label, names)}; `extractor gold template` lists "
            "them, and --fields adds your own"
        )

    def find_nearest(self, label: str) -> str:
        """Return the label that a misspelt one means; empty if none is like it.

        >>> Labels().find_nearest("constraint"), Labels().find_nearest("colour")
        ('constraints', '')
        """
        names = [*self.items, *(labelled.name for labelled in self._list_known())]
        folded = fold_name(label)
        last = folded.rpartition(".")[2]
        return find_nearest(folded, names) or find_nearest(last, names) or ""

    def list_paths(self) -> set[str]:
        """Return the dotted paths of all fields."""
        return {f"{labelled.group}.{labelled.name}" for labelled in self._list_known()}

    def _list_known(self) -> list[Labelled]:
        """Return all fields, those of the guideline first."""
        of_guideline = [group.path for group in GROUPS]
        own = [f"custom.{name}" for name in self.fields]
        return [
            Labelled(group, name)
            for group in (*of_guideline, *own)
            for name in self.list_infos(group)
        ]

    def list_all(self) -> list[str]:
        """Return the labels that people use, the items' first; those that follow from the place
        of an item are left out.

        >>> Labels().list_all()[:4]
        ['criterion', 'regimen', 'endpoint', 'minimum_age']
        """
        labels = [label for label in self.items if label != RECORD]
        for group, name in self._list_known():
            if group.startswith("custom."):
                labels.append(f"{group}.{name}".removeprefix("custom."))
            elif name in HIDDEN:
                continue
            elif len(self.find(name)) == 1:
                labels.append(name)
            else:
                # Items of several kinds have such a field, such as a category.
                labels.append(f"{group}.{name}")
        return labels
