"""Eligibility annotations in brat's standoff format become gold of this project.

Each line with annotations is one criterion; the inclusion and the exclusion list of a trial become one annotation.
What the mapping or the grammars cannot carry over is reported and left empty, never guessed.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from extractor.errors import StoreError
from extractor.parse.eligibility.lines import Line, read_lines
from extractor.schemas import (
    Age,
    Category,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Eligibility,
    Sex,
    TimeWindow,
    TrialExtraction,
)
from extractor.text.numbers import find_durations
from extractor.text.passage import read_passage, read_section

from .brat_format import (
    BratMapping,
    Entity,
    EntityUse,
    Relation,
    RelationUse,
    Setting,
    Standoff,
    load_mapping,
    read_annotated_time,
    read_annotated_value,
    read_standoff,
)
from .comparers import AGE_UNITS, count_days

_VALUED = (RelationUse.CONSTRAINT, RelationUse.COUNT, RelationUse.TIME_WINDOW)
"""The relations that lead from an entity to a number."""
_WORDLESS = (RelationUse.MODIFIER, RelationUse.PEER)
_QUOTED = (EntityUse.MODIFIER, EntityUse.NO_CRITERION)
_OF_TIME = (Category.AGE, Category.LIFE_EXPECTANCY)
_PERSON = "Person"
_HEADINGS = {CriterionKind.INCLUSION: "Inclusion Criteria:", CriterionKind.EXCLUSION: "Exclusion Criteria:"}
_NAMED = re.compile(r"""'[^']*'|"[^"]*"|\b[TRE]\d+(?:, [TRE]\d+)*|\[Errno.*""")
_THINGS = re.compile(r"(?:[\w-]+ )?\.\.\.(?:, (?:[\w-]+ )?\.\.\.)+")


@dataclass(frozen=True, slots=True)
class BratProblem:
    """An annotation, a line or a file that did not become gold, wholly or in part.

    >>> print(BratProblem("t_inc.ann", "T4", "the entity type 'Colour' is not in the mapping"))
    t_inc.ann, T4: the entity type 'Colour' is not in the mapping
    """

    file: str
    place: str | None
    problem: str

    def __str__(self) -> str:
        return f"{self.file}{f', {self.place}' if self.place else ''}: {self.problem}"

    @property
    def kind(self) -> str:
        """The problem without the words of the text, to count by.

        >>> BratProblem("t_inc.ann", "T4", "the entity type 'Colour' is not in the mapping").kind
        'the entity type ... is not in the mapping'
        """
        return _THINGS.sub("several entities", _NAMED.sub("...", self.problem))


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import wrote, and all that it could not carry over.

    ``quoted`` counts annotations that gold has no field for, by their names; ``problems`` are all others.
    """

    trials: int
    criteria: int
    without_category: int
    quoted: Counter[str]
    problems: tuple[BratProblem, ...]


OnProblem = Callable[[BratProblem], None]
_Trouble = tuple[str | None, str]
"""An annotation's id or another place, and what could not be carried over."""


def import_brat(folder: str | PathLike[str], on_problem: OnProblem) -> Iterator[TrialExtraction]:
    """The trials of a folder of ``.txt`` and ``.ann`` files in the order of their names, one at a time.

    A trial is the pair ``<id>_inc.txt`` and ``<id>_exc.txt``, of which one may be missing. Each line with
    annotations is one criterion. All that the mapping or the grammars cannot carry over goes to ``on_problem``
    and is left empty. Only eligibility is annotated in such corpora: dosing, endpoints and ``healthy_volunteers``
    stay empty.
    """
    return (trial.extraction for trial in _read_trials(Path(folder), on_problem))


def write_brat_import(folder: str | PathLike[str], out: str | PathLike[str]) -> ImportCounts:
    """Write ``out/gold/<id>.json`` and ``out/records/<id>.json`` for each trial of a folder of brat files.

    The records hold the annotated lists as the eligibility section of a registry's JSON, so that
    ``extractor run out/records`` and ``extractor evaluate out/gold`` read the text that was annotated.

    Raises ``StoreError`` if ``out`` holds gold or records already.
    """
    gold, records = Path(out) / "gold", Path(out) / "records"
    for place in (gold, records):
        if place.is_dir() and any(place.iterdir()):
            raise StoreError(f"{place}: holds files already; name another folder, or empty this one")
        place.mkdir(parents=True, exist_ok=True)
    problems: list[BratProblem] = []
    quoted: Counter[str] = Counter()
    trials = criteria = without = 0
    for trial in _read_trials(Path(folder), problems.append):
        record_id, found = trial.extraction.record_id, trial.extraction.eligibility.criteria
        text = "\n\n".join(f"{_HEADINGS[kind]}\n\n{listed.strip()}" for kind, listed in trial.texts.items())
        study = {
            "identificationModule": {"nctId": record_id},
            "eligibilityModule": {"eligibilityCriteria": text},
        }
        _write(gold / f"{record_id}.json", trial.extraction.to_gold())
        _write(records / f"{record_id}.json", {"protocolSection": study})
        quoted += trial.quoted
        trials += 1
        criteria += len(found)
        without += sum(criterion.category is None for criterion in found)
    return ImportCounts(trials, criteria, without, quoted, tuple(problems))


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")


class _Trial(NamedTuple):
    """An annotation, the text of its lists, and how many annotations gold has no field for, by name."""

    extraction: TrialExtraction
    texts: dict[CriterionKind, str]
    quoted: Counter[str]


def _pair_files(folder: Path, mapping: BratMapping, on_problem: OnProblem) -> dict[str, dict[CriterionKind, Path]]:
    trials: dict[str, dict[CriterionKind, Path]] = {}
    texts = sorted(folder.glob("*.txt"))
    if not texts:
        on_problem(BratProblem(str(folder), None, "the folder holds no .txt file"))
    for orphan in sorted(path for path in folder.glob("*.ann") if path.with_suffix(".txt") not in texts):
        on_problem(BratProblem(str(orphan), None, "there is no .txt file beside it"))
    for path in texts:
        suffix = next((suffix for suffix in mapping.suffixes if path.stem.endswith(suffix)), None)
        if suffix:
            trials.setdefault(path.stem.removesuffix(suffix), {})[mapping.suffixes[suffix]] = path
        else:
            ends = " or ".join(mapping.suffixes)
            on_problem(BratProblem(str(path), None, f"its name does not end with {ends}: which list is it?"))
    return trials


def _read_trials(folder: Path, on_problem: OnProblem) -> Iterator[_Trial]:
    mapping = load_mapping()
    for name, paths in _pair_files(folder, mapping, on_problem).items():
        lists: list[_AnnotatedList] = []
        for kind in CriterionKind:
            if path := paths.get(kind):
                lists += _read_list(path, kind, mapping, on_problem)
        if lists:
            criteria = tuple(criterion for one in lists for criterion in one.criteria)
            minimum, maximum = _read_age_limits(criteria)
            sexes = set[Sex]().union(*(one.sexes for one in lists))
            sex = Sex.ALL if len(sexes) > 1 else next(iter(sexes), None)
            eligibility = Eligibility(minimum_age=minimum, maximum_age=maximum, sex=sex, criteria=criteria)
            quoted = sum((one.count_quoted() for one in lists), Counter[str]())
            texts = {one.kind: one.text for one in lists}
            yield _Trial(TrialExtraction(record_id=name, eligibility=eligibility), texts, quoted)


def _read_list(
    path: Path, kind: CriterionKind, mapping: BratMapping, on_problem: OnProblem
) -> Iterator["_AnnotatedList"]:
    """The list of one file, none if it cannot be read."""
    notes = path.with_suffix(".ann")
    try:
        # Offsets count the characters of the file: its line ends are left alone.
        text, annotations = (one.read_bytes().decode("utf-8") for one in (path, notes))
    except (OSError, UnicodeDecodeError) as problem:
        on_problem(BratProblem(str(path), None, f"the list is left out, a file cannot be read: {problem}"))
        return
    found = _AnnotatedList(text, read_standoff(annotations, text), kind, mapping)
    for place, problem_text in found.problems:
        on_problem(BratProblem(str(notes), place, problem_text))
    yield found


class _AnnotatedList:
    """One list of criteria, in the order of the text, with the sexes that it names and all that is left out of it."""

    def __init__(self, text: str, standoff: Standoff, kind: CriterionKind, mapping: BratMapping) -> None:
        self.text, self._standoff, self.kind, self._mapping = text, standoff, kind, mapping
        self.problems: list[_Trouble] = [*standoff.problems, *self._find_unknown()]
        self.sexes: set[Sex] = set()
        self.criteria = self._read_criteria()

    def _read_criteria(self) -> list[Criterion]:
        entities = self._standoff.entities.values()
        lines = read_lines(read_section("eligibility", self.text))
        inside = [[one for one in entities if line.start <= one.start < line.end] for line in lines]
        self.problems += self._find_loose(inside)
        lead_ins, introducing = self._find_lead_ins(lines, inside)
        criteria = []
        for number, (line, found) in enumerate(zip(lines, inside, strict=True)):
            place = f"line {self.text.count(chr(10), 0, line.start) + 1} of the text"
            uses = {self._use(entity) for entity in found}
            if not uses - {None}:
                self.problems.append((place, "has no annotation that the mapping knows; no criterion is made of it"))
            elif EntityUse.NO_CRITERION not in uses and number not in introducing:
                lead_in = lines[lead_ins[number]] if number in lead_ins else None
                criteria.append(self._read_line(place, line, found, lead_in))
        return criteria

    def count_quoted(self) -> Counter[str]:
        """How many annotations of each name gold has no field for: words of a quote, or, as notes are, left out."""
        entities = (one.type for one in self._standoff.entities.values() if self._use(one) in _QUOTED)
        relations = (one.type for one in self._standoff.relations if self._use(one) in _WORDLESS)
        groups = (name for name in self._standoff.groups if self._mapping.relations.get(name) in _WORDLESS)
        return Counter([*entities, *relations, *groups, *["note"] * self._standoff.notes])

    def _use(self, one: Entity | Relation) -> EntityUse | RelationUse | None:
        return (self._mapping.entities if isinstance(one, Entity) else self._mapping.relations).get(one.type)

    def _list_tails(self, entity: Entity, *uses: RelationUse) -> list[Entity]:
        """The entities to which relations of these uses lead from an entity, in the order of the text."""
        ids = [one.tail for one in self._standoff.relations if one.head == entity.id and self._use(one) in uses]
        return sorted((self._standoff.entities[tail] for tail in ids), key=lambda found: found.start)

    def _find_unknown(self) -> Iterator[_Trouble]:
        for entity in self._standoff.entities.values():
            if self._use(entity) is None:
                yield entity.id, f"the entity type {entity.type!r} is not in the mapping"
        relations = [(one.id, one.type) for one in self._standoff.relations]
        for place, name in (*relations, *(("*", name) for name in self._standoff.groups)):
            if name not in self._mapping.relations:
                yield place, f"the relation {name!r} is not in the mapping"

    def _find_loose(self, inside: Sequence[Sequence[Entity]]) -> Iterator[_Trouble]:
        """Values that belong to nothing, or to another line, and entities outside of the words of any line."""
        linked = {relation.tail for relation in self._standoff.relations}
        placed = {entity.id: number for number, entities in enumerate(inside) for entity in entities}
        for relation in self._standoff.relations:
            if self._use(relation) in _VALUED and placed.get(relation.head) != placed.get(relation.tail):
                yield relation.id, "joins two lines; its value is left out"
        for entity in self._standoff.entities.values():
            if entity.id not in placed:
                yield entity.id, "begins in front of the words of its line and is left out"
            elif self._use(entity) is EntityUse.VALUE and entity.id not in linked:
                yield entity.id, f"{entity.text!r} belongs to no other entity"

    def _find_lead_ins(
        self, lines: Sequence[Line], inside: Sequence[Sequence[Entity]]
    ) -> tuple[dict[int, int], set[int]]:
        """The line that introduces a line, by number, and the lines that do nothing else.

        A line that ends with a colon introduces the later lines to which its entities are joined as to their members.
        It is a criterion as well if it has a value, or an entity without such members.
        """
        line_of = {entity.id: number for number, entities in enumerate(inside) for entity in entities}
        lead_ins: dict[int, int] = {}
        heads: set[str] = set()
        for relation in self._standoff.relations:
            above, below = line_of.get(relation.head), line_of.get(relation.tail)
            if self._use(relation) is not RelationUse.MEMBER or above is None or below is None or above >= below:
                continue
            if self.text[lines[above].start : lines[above].end].rstrip().endswith(":"):
                lead_ins.setdefault(below, above)
                heads.add(relation.head)
        own = [
            [one.id for one in entities if self._use(one) in {EntityUse.DOMAIN, EntityUse.VALUE}] for entities in inside
        ]
        return lead_ins, {number for number in set(lead_ins.values()) if heads.issuperset(own[number])}

    def _read_line(self, place: str, line: Line, entities: Sequence[Entity], lead_in: Line | None) -> Criterion:
        about = self._find_main(entities)
        category = self._choose_category(place, about)
        if category is Category.SEX and self.kind is CriterionKind.INCLUSION:
            named = (sex for one in about for sex, words in self._mapping.sexes.items() if words.search(one.text))
            self.sexes.update(named)
        constraints, windows = self._read_values(entities)
        return Criterion(
            kind=self.kind,
            section="eligibility",
            lead_in=self.text[lead_in.start : lead_in.end] if lead_in else None,
            quote=self.text[line.start : line.end],
            category=category,
            constraints=constraints,
            time_window=windows[0] if windows else None,
        )

    def _find_main(self, entities: Sequence[Entity]) -> list[Entity]:
        """The domain entities that are not subordinate to another one of the line."""
        ids = {entity.id for entity in entities}
        relations = (one for one in self._standoff.relations if one.head in ids)
        below = {one.tail for one in relations if self._use(one) not in {None, RelationUse.PEER}}
        main = [one for one in entities if self._use(one) is EntityUse.DOMAIN and one.id not in below]
        return sorted(main, key=lambda entity: entity.start)

    def _categorise(self, entity: Entity) -> Category | None:
        time = " ".join(tail.text for tail in self._list_tails(entity, RelationUse.TIME_WINDOW))
        negated = bool(self._list_tails(entity, RelationUse.NEGATION))
        return self._mapping.choose_category(Setting(entity.type, entity.text, self.kind, time, negated))

    def _choose_category(self, place: str, about: Sequence[Entity]) -> Category | None:
        """The category of the entities; a person who only has the others' ("patients", "pregnant women") adds none."""
        persons = {self._categorise(entity) for entity in about if entity.type == _PERSON}
        others = {self._categorise(entity) for entity in about if entity.type != _PERSON}
        bare = {None, Category.SEX} if others == {Category.REPRODUCTIVE} else {None}
        categories = others | (persons - bare) or persons
        if len(categories) == 1 and (category := next(iter(categories))):
            return category
        why = "no entity says what it is about"
        if about:
            named = ", ".join(f"{entity.type} {entity.text!r}" for entity in about)
            undecided = "the main condition is not decided among"
            why = f"{'no rule gives a category to' if categories == {None} else undecided} {named}"
        self.problems.append((place, f"{why}; the category is left empty"))
        return None

    def _read_values(self, entities: Sequence[Entity]) -> tuple[tuple[Constraint, ...], list[TimeWindow]]:
        """Constraints and time windows of a line, each in the order of the text."""
        constraints: list[tuple[int, Constraint]] = []
        windows: dict[int, TimeWindow] = {}
        ids = {entity.id for entity in entities}
        pairs = [(head, tail) for head in entities for tail in self._list_tails(head, *_VALUED) if tail.id in ids]
        for head, tail in pairs:
            pieces, quantity = self._cut(tail), " ".join(" ".join(self._cut(head)).split())
            if self._is_time_limit(head, tail):
                if window := read_annotated_time(pieces):
                    windows[tail.start] = window
                    continue
            elif limit := read_annotated_value(quantity, tail.text, self.kind):
                constraints.append((tail.start, limit))
                continue
            problem = f"{tail.text!r} of {head.text!r} does not read as one limit; it is left out"
            self.problems.append((tail.id, problem))
        constraints.sort(key=lambda pair: pair[0])
        return tuple(limit for _, limit in constraints), [windows[start] for start in sorted(windows)]

    def _is_time_limit(self, head: Entity, tail: Entity) -> bool:
        if tail in self._list_tails(head, RelationUse.TIME_WINDOW):
            return True
        is_length = next(find_durations(read_passage(tail.text).tokens), None) is not None
        return is_length and self._categorise(head) not in _OF_TIME

    def _cut(self, entity: Entity) -> list[str]:
        return [self.text[start:end] for start, end in entity.spans]


def _read_age_limits(criteria: Sequence[Criterion]) -> tuple[Age | None, Age | None]:
    """The lowest and highest age that the criteria of category age admit; ages without a unit are left out.

    The widest limits count. What an exclusion keeps out bounds the other side.
    """
    lower: list[Age] = []
    upper: list[Age] = []
    for criterion in criteria:
        admits = criterion.kind is CriterionKind.INCLUSION
        for limit in criterion.constraints if criterion.category is Category.AGE else ():
            unit = next((unit for unit in AGE_UNITS if unit == limit.unit), None)
            if unit is None:
                continue
            if limit.comparator in (Comparator.AT_LEAST, Comparator.MORE, Comparator.AT_MOST, Comparator.LESS):
                is_lower = limit.comparator in (Comparator.AT_LEAST, Comparator.MORE)
                (lower if is_lower is admits else upper).append(Age(value=limit.value, unit=unit))
            elif limit.value_high is not None and admits:
                lower.append(Age(value=limit.value, unit=unit))
                upper.append(Age(value=limit.value_high, unit=unit))
    return min(lower, key=_order_ages, default=None), max(upper, key=_order_ages, default=None)


def _order_ages(age: Age) -> float:
    return count_days(age) or 0.0
