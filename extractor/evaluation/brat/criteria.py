"""The criteria of one annotated list: each line with annotations is one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.eligibility.lines import Line, read_lines
from extractor.schemas import Category, Constraint, Criterion, TimeWindow
from extractor.text.passage import read_section

from .annotated import VALUED, Annotated, Trouble, find_loose, find_unknown
from .lead_ins import find_lead_ins
from .mapping import EntityUse, RelationUse, Setting
from .standoff import Entity
from .values import is_length_of_time, read_annotated_time, read_annotated_value

__all__ = ["AnnotatedCriterion", "read_criteria"]

_PERSON = "Person"
_SUBORDINATE = set(RelationUse) - {RelationUse.PEER}
_OF_TIME = (Category.AGE, Category.LIFE_EXPECTANCY)


@dataclass(frozen=True, slots=True)
class AnnotatedCriterion:
    """A criterion with the domain entities that it is about."""

    criterion: Criterion
    about: tuple[Entity, ...]


def read_criteria(found: Annotated) -> tuple[list[AnnotatedCriterion], list[Trouble]]:
    """The criteria in the order of the text, and (place, problem) for all that could not be carried over."""
    lines = read_lines(read_section("eligibility", found.text))
    inside = [[e for e in found.standoff.entities.values() if line.start <= e.start < line.end] for line in lines]
    problems: list[Trouble] = [*found.standoff.problems, *find_unknown(found), *find_loose(found, inside)]
    lead_ins = find_lead_ins(found, lines, inside)
    criteria = []
    for number, (line, entities) in enumerate(zip(lines, inside, strict=True)):
        place = f"line {found.text.count(chr(10), 0, line.start) + 1} of the text"
        if not any(found.entity_use(entity) for entity in entities):
            problems.append((place, "has no annotation that the mapping knows; no criterion is made of it"))
        elif not _is_left_out(found, entities) and number not in lead_ins.introducing:
            lead_in = lead_ins.of.get(number)
            read = _read_line(found, line, entities, lines[lead_in] if lead_in is not None else None)
            criteria.append(read[0])
            problems += [(place if at is None else at, problem) for at, problem in read[1]]
    return criteria, problems


def _is_left_out(found: Annotated, entities: Sequence[Entity]) -> bool:
    return any(found.entity_use(entity) is EntityUse.NO_CRITERION for entity in entities)


def _read_line(
    found: Annotated, line: Line, entities: Sequence[Entity], lead_in: Line | None
) -> tuple[AnnotatedCriterion, list[Trouble]]:
    about = _find_main(found, entities)
    category, problems = _choose_category(found, about)
    constraints, windows, unread = _read_values(found, entities)
    criterion = Criterion(
        kind=found.kind,
        section="eligibility",
        lead_in=found.text[lead_in.start : lead_in.end] if lead_in else None,
        quote=found.text[line.start : line.end],
        category=category,
        constraints=tuple(constraints),
        time_window=windows[0] if windows else None,
    )
    return AnnotatedCriterion(criterion, tuple(about)), [*problems, *unread]


def _find_main(found: Annotated, entities: Sequence[Entity]) -> list[Entity]:
    """The domain entities that are not subordinate to another one of the line."""
    ids = {entity.id for entity in entities}
    below = {r.tail for r in found.standoff.relations if r.head in ids and found.use(r) in _SUBORDINATE}
    main = [e for e in entities if found.entity_use(e) is EntityUse.DOMAIN and e.id not in below]
    return sorted(main, key=lambda entity: entity.start)


def _category_of(found: Annotated, entity: Entity) -> Category | None:
    time = " ".join(tail.text for tail in found.tails(entity, RelationUse.TIME_WINDOW))
    negated = bool(found.tails(entity, RelationUse.NEGATION))
    return found.mapping.choose_category(Setting(entity.type, entity.text, found.kind, time, negated))


def _list_categories(found: Annotated, about: Sequence[Entity]) -> set[Category | None]:
    """The categories of the entities; a person who only has the others' ("patients", "pregnant women") adds none."""
    persons = {_category_of(found, entity) for entity in about if entity.type == _PERSON}
    others = {_category_of(found, entity) for entity in about if entity.type != _PERSON}
    bare = {None, Category.SEX} if others == {Category.REPRODUCTIVE} else {None}
    return others | (persons - bare) or persons


def _choose_category(found: Annotated, about: Sequence[Entity]) -> tuple[Category | None, list[Trouble]]:
    categories = _list_categories(found, about)
    if len(categories) == 1 and (category := next(iter(categories))):
        return category, []
    if not about:
        return None, [(None, "no entity says what it is about; the category is left empty")]
    named = ", ".join(f"{entity.type} {entity.text!r}" for entity in about)
    why = "no rule gives a category to" if categories == {None} else "the main condition is not decided among"
    return None, [(None, f"{why} {named}; the category is left empty")]


def _read_values(
    found: Annotated, entities: Sequence[Entity]
) -> tuple[list[Constraint], list[TimeWindow], list[Trouble]]:
    """Constraints and time windows of a line, each in the order of the text."""
    constraints: list[tuple[int, Constraint]] = []
    windows: dict[int, TimeWindow] = {}
    problems: list[Trouble] = []
    for head, tail, timed in _values(found, entities):
        limit = None if timed else read_annotated_value(_quantity(found.text, head), tail.text, found.kind)
        window = read_annotated_time(_pieces(found.text, tail)) if timed else None
        if limit:
            constraints.append((tail.start, limit))
        elif window:
            windows[tail.start] = window
        else:
            problems.append((tail.id, f"{tail.text!r} of {head.text!r} does not read as one limit; it is left out"))
    constraints.sort(key=lambda item: item[0])
    return [read for _, read in constraints], [windows[start] for start in sorted(windows)], problems


def _values(found: Annotated, entities: Sequence[Entity]) -> Iterator[tuple[Entity, Entity, bool]]:
    """Each entity of a line with each of its values in that line, and whether the value is a time limit."""
    ids = {entity.id for entity in entities}
    for head in entities:
        timed = {tail.id for tail in found.tails(head, RelationUse.TIME_WINDOW)}
        for tail in found.tails(head, *VALUED):
            if tail.id in ids:
                yield head, tail, tail.id in timed or _is_time_limit(found, head, tail)


def _is_time_limit(found: Annotated, head: Entity, tail: Entity) -> bool:
    return is_length_of_time(tail.text) and _category_of(found, head) not in _OF_TIME


def _pieces(text: str, entity: Entity) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in entity.spans)


def _quantity(text: str, entity: Entity) -> str:
    return " ".join(" ".join(_pieces(text, entity)).split())
