"""One annotated list of criteria, and what in it leads nowhere."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.schemas import CriterionKind

from .mapping import BratMapping, EntityUse, RelationUse
from .standoff import Entity, Relation, Standoff

__all__ = ["VALUED", "Annotated", "Trouble", "count_quoted", "find_loose", "find_unknown"]

VALUED = (RelationUse.CONSTRAINT, RelationUse.COUNT, RelationUse.TIME_WINDOW)
"""The relations that lead from an entity to a number."""

_QUOTED = (EntityUse.MODIFIER, EntityUse.NO_CRITERION)

Trouble = tuple[str | None, str]
"""An annotation's id or another place, and what could not be carried over."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """One list: its text, its annotations, and which list it is."""

    text: str
    standoff: Standoff
    kind: CriterionKind
    mapping: BratMapping

    def use(self, relation: Relation) -> RelationUse | None:
        return self.mapping.relations.get(relation.type)

    def entity_use(self, entity: Entity) -> EntityUse | None:
        return self.mapping.entities.get(entity.type)

    def tails(self, entity: Entity, *uses: RelationUse) -> list[Entity]:
        """The entities to which relations of these uses lead from an entity, in the order of the text."""
        ids = [r.tail for r in self.standoff.relations if r.head == entity.id and self.use(r) in uses]
        return sorted((self.standoff.entities[tail] for tail in ids), key=lambda found: found.start)


def find_unknown(found: Annotated) -> Iterator[Trouble]:
    for entity in found.standoff.entities.values():
        if found.entity_use(entity) is None:
            yield entity.id, f"the entity type {entity.type!r} is not in the mapping"
    for relation in found.standoff.relations:
        if found.use(relation) is None:
            yield relation.id, f"the relation {relation.type!r} is not in the mapping"
    for group in found.standoff.groups:
        if group.type not in found.mapping.relations:
            yield "*", f"the relation {group.type!r} is not in the mapping"


def find_loose(found: Annotated, inside: Sequence[Sequence[Entity]]) -> Iterator[Trouble]:
    """Values that belong to nothing, or to another line, and entities outside of the words of any line."""
    linked = {relation.tail for relation in found.standoff.relations}
    placed = {entity.id: number for number, entities in enumerate(inside) for entity in entities}
    for relation in found.standoff.relations:
        if found.use(relation) in VALUED and placed.get(relation.head) != placed.get(relation.tail):
            yield relation.id, "joins two lines; its value is left out"
    for entity in found.standoff.entities.values():
        if entity.id not in placed:
            yield entity.id, "begins in front of the words of its line and is left out"
        elif found.entity_use(entity) is EntityUse.VALUE and entity.id not in linked:
            yield entity.id, f"{entity.text!r} belongs to no other entity"


def count_quoted(found: Annotated) -> Counter[str]:
    """How many annotations of each name gold has no field for: words of a quote, or, as notes are, left out."""
    entities = (one.type for one in found.standoff.entities.values() if found.entity_use(one) in _QUOTED)
    wordless = (RelationUse.MODIFIER, RelationUse.PEER)
    relations = (one.type for one in found.standoff.relations if found.use(one) in wordless)
    groups = (one.type for one in found.standoff.groups if found.mapping.relations.get(one.type) in wordless)
    notes = ["note"] * found.standoff.notes
    return Counter([*entities, *relations, *groups, *notes])
