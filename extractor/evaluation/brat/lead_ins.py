"""Lines that introduce other lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.parse.eligibility.lines import Line

from .annotated import Annotated
from .mapping import EntityUse, RelationUse
from .standoff import Entity

__all__ = ["LeadIns", "find_lead_ins"]


@dataclass(frozen=True, slots=True)
class LeadIns:
    """``of``: the line that introduces a line; ``introducing``: lines that do nothing else."""

    of: dict[int, int]
    introducing: set[int]


def find_lead_ins(found: Annotated, lines: Sequence[Line], inside: Sequence[Sequence[Entity]]) -> LeadIns:
    """A line that ends with a colon introduces the later lines to which its entities are joined as to their members.

    It is a criterion as well if it has a value, or an entity without such members.
    """
    line_of = {entity.id: number for number, entities in enumerate(inside) for entity in entities}
    of: dict[int, int] = {}
    heads: set[str] = set()
    for relation in found.standoff.relations:
        above, below = line_of.get(relation.head), line_of.get(relation.tail)
        if found.use(relation) is not RelationUse.MEMBER or above is None or below is None or above >= below:
            continue
        if found.text[lines[above].start : lines[above].end].rstrip().endswith(":"):
            of.setdefault(below, above)
            heads.add(relation.head)
    own = (EntityUse.DOMAIN, EntityUse.VALUE)
    domain = [[e.id for e in entities if found.entity_use(e) in own] for entities in inside]
    return LeadIns(of, {number for number in set(of.values()) if heads.issuperset(domain[number])})
