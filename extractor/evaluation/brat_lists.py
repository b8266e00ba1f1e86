"""Convert a list of criteria, annotated in brat's standoff format, to the criteria of gold.

Each line of an ``.ann`` file is one tab-separated annotation; offsets count characters of the ``.txt`` file beside it::

    T1	Condition 3 9;14 20	asthma severe        a discontinuous entity has several spans
    R1	Has_value Arg1:T2 Arg2:T3
    E1	Treatment:T4 Duration:T5                  an event is its trigger's relation to each argument
    *	OR T1 T2 T3
    A1	Optional T1
    #1	AnnotatorNotes T1	see line 4

``brat_mapping.toml`` maps the names of a corpus to the guideline's terms. Each line of text with annotations is one
criterion. Annotations that the mapping or the grammars cannot convert are reported, and their fields left empty.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from extractor.parse.eligibility.limits import find_limits
from extractor.parse.eligibility.lines import Line, read_lines
from extractor.parse.eligibility.windows import read_window
from extractor.schemas import (
    Category,
    Constraint,
    Criterion,
    CriterionKind,
    Sex,
    TimeWindow,
)
from extractor.schemas.base import FrozenModel
from extractor.text.lexer import NUMBER
from extractor.text.numbers import find_durations
from extractor.text.passage import read_passage, read_section

_SPANS = re.compile(r"[0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*")
_LINE_END = re.compile(r"\r?\n")  # others, such as a form feed, may be inside a text
_ARGUMENT = re.compile(r"(?<!\w)(?P<role>\w[\w-]{0,99}?)\d{0,9}:(?P<id>[TE]\d+)")

EntityUse = Literal["domain", "value", "modifier", "no_criterion"]
RelationUse = Literal["constraint", "count", "time_window", "negation", "member", "peer", "modifier"]
_VALUED: tuple[RelationUse, ...] = ("constraint", "count", "time_window")
"""Relations from an entity to a number."""


def _match_beginnings(words: list[str]) -> re.Pattern[str]:
    """Match the beginnings of words. Up to four capital letters are an abbreviation, matched whole and in capitals."""
    parts = [rf"(?-i:{re.escape(w)}(?![a-z]))" if w.isupper() and len(w) <= 4 else re.escape(w) for w in words]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})", re.IGNORECASE)


def _match_whole(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})s?(?!\w)", re.IGNORECASE)


def _by_name(uses: dict[str, list[str]]) -> dict[str, str]:
    return {name: use for use, names in uses.items() for name in names}


_Beginnings = Annotated[re.Pattern[str], BeforeValidator(_match_beginnings)]


class CategoryRule(FrozenModel):
    """One entry of the mapping. A condition that is None always holds."""

    category: Category = Field(alias="value")
    entities: frozenset[str]
    words: _Beginnings | None = None
    time: _Beginnings | None = None
    kind: CriterionKind | None = Field(default=None, alias="list")
    negated: bool | None = None
    example: dict[str, Any]


class BratMapping(FrozenModel):
    """Mapping of a corpus: file suffixes, entities, relations, and category rules."""

    suffixes: dict[str, CriterionKind] = Field(alias="files")
    entities: Annotated[dict[str, EntityUse], BeforeValidator(_by_name)]
    relations: dict[str, RelationUse]
    rules: tuple[CategoryRule, ...] = Field(alias="category")
    sexes: dict[Sex, Annotated[re.Pattern[str], BeforeValidator(_match_whole)]]

    def choose_rule(
        self, entity: str, text: str, kind: CriterionKind, time: str = "", *, negated: bool = False
    ) -> CategoryRule | None:
        """Return the first rule for an entity of this type and text; ``time`` is the text of its Temporal.

        >>> load_mapping().choose_rule("Person", "Age", CriterionKind.INCLUSION).category.value
        'age'
        """
        for rule in self.rules:
            if (
                entity in rule.entities
                and (rule.words is None or rule.words.search(text))
                and (rule.time is None or rule.time.search(time))
                and rule.kind in (None, kind)
                and rule.negated in (None, negated)
            ):
                return rule
        return None


@cache
def load_mapping() -> BratMapping:
    """Load the mapping of Chia-like names."""
    text = (files(__package__) / "brat_mapping.toml").read_text("utf-8")
    return BratMapping.model_validate(tomllib.loads(text))


def read_annotated_value(quantity: str, value: str, kind: CriterionKind) -> Constraint | None:
    """Return the limit that an annotated value states, None unless it reads as exactly one.

    If the value alone does not show its kind of number ("III-IV", "18 years"), it is read together with its quantity.
    The list's ``kind`` decides how a bare number is read.

    >>> found = read_annotated_value("platelets", "> 100,000/mm3", CriterionKind.INCLUSION)
    >>> found.comparator.value, found.value, found.unit
    ('>', 100000, '/mm3')
    """
    for words in ("", quantity):
        first = len(read_passage(words).tokens) if words else 0
        tokens = read_passage(f"{words} {value}".strip()).tokens
        limits = [limit for limit in find_limits(tokens, kind) if limit.end > first]
        if len(limits) != 1 or NUMBER in tokens.codes[first : limits[0].first] + tokens.codes[limits[0].end :]:
            continue
        limit = limits[0]
        return Constraint(
            quantity=quantity,
            comparator=limit.comparator,
            value=limit.value,
            value_high=limit.value_high,
            unit=limit.time_unit or (tokens.read(*limit.unit) if limit.unit else None),
        )
    return None


def _read_annotated_time(pieces: Sequence[str]) -> TimeWindow | None:
    """Return the time limit in the first of an annotation's contiguous pieces that states one; the piece is its quote.

    A bare length of time ("4 weeks") says neither "within" nor "at least", and is not a limit.
    """
    for piece in pieces:
        passage = read_passage(piece)
        bare = any(one.first == 0 and one.end == len(passage.tokens) for one in find_durations(passage.tokens))
        if not bare and (window := read_window(passage).value):
            return window.model_copy(update={"quote": piece})
    return None


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed span of text that starts at ``start``; ``pieces`` are its contiguous parts."""

    id: str
    type: str
    use: EntityUse | None
    start: int
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.pieces)


class Link(NamedTuple):
    """A relation of two entities, by their ids."""

    id: str
    use: RelationUse | None
    head: str
    tail: str


class AnnotatedList:
    r"""One list of criteria, in text order, with the sexes that it names.

    ``problems`` are (place, problem) of everything left out of it; ``quoted`` counts by name the annotations without a
    field in gold: they are words of a quote, or left out, as notes are.

    >>> annotations = "T1\tCondition 3 9\tasthma\nT2\tQualifier 0 2\tno"
    >>> found = AnnotatedList("No asthma", annotations, CriterionKind.INCLUSION)
    >>> [criterion.category.value for criterion in found.criteria], found.problems
    (['diagnosis'], [('T2', "the text at its spans is 'No', not 'no'")])
    """

    def __init__(self, text: str, annotations: str, kind: CriterionKind) -> None:
        self.text, self.kind, self._mapping = text, kind, load_mapping()
        self.problems: list[tuple[str, str]] = []
        self.quoted: Counter[str] = Counter()
        self.sexes: set[Sex] = set()
        self._entities: dict[str, Entity] = {}
        self._links: list[Link] = []
        self._read_annotations(annotations)
        self.criteria = list(self._read_criteria())

    def _report(self, place: str, problem: str) -> None:
        self.problems.append((place, problem))

    def _read_annotations(self, annotations: str) -> None:
        lines = filter(str.strip, _LINE_END.split(annotations.removeprefix("\ufeff")))
        rows = [(name, rest) for name, _, rest in (line.partition("\t") for line in lines)]
        for name, rest in rows:
            if name.startswith("T"):
                self._add_entity(name, rest)
        events = {name: at["id"] for name, rest in rows if name.startswith("E") and (at := _ARGUMENT.search(rest))}
        for name, rest in rows:
            if name.startswith("#"):
                self.quoted["note"] += 1
            elif name.startswith(("R", "E")):
                self._add_links(name, rest, events)
            elif name == "*":
                self._add_group(rest.split())
            elif not name.startswith("T"):
                self._report(name, "annotations of this kind have no place in gold")

    def _add_entity(self, name: str, rest: str) -> None:
        head, tab, words = rest.partition("\t")
        kind, _, places = head.partition(" ")
        if not tab or not _SPANS.fullmatch(places):
            return self._report(name, "is not an entity of the form 'T1<tab>Type start end<tab>text'")
        spans = sorted((int(start), int(end)) for start, end in (pair.split(" ") for pair in places.split(";")))
        pieces = tuple(self.text[start:end] for start, end in spans)
        if not all(pieces) or spans[-1][1] > len(self.text):
            return self._report(name, "its spans lie outside the text, or are empty")
        if " ".join(pieces).split() != words.split():
            return self._report(name, f"the text at its spans is {' '.join(pieces)!r}, not {words!r}")
        if name in self._entities:
            return self._report(name, "occurs twice; the first one is used")
        use = self._mapping.entities.get(kind)
        if use is None:
            self._report(name, f"the entity type {kind!r} is not in the mapping")
        elif use in {"modifier", "no_criterion"}:
            self.quoted[kind] += 1
        self._entities[name] = Entity(name, kind, use, spans[0][0], pieces)
        return None

    def _find_use(self, place: str, name: str) -> RelationUse | None:
        use = self._mapping.relations.get(name)
        if use is None:
            self._report(place, f"the relation {name!r} is not in the mapping")
        elif use in {"modifier", "peer"}:
            self.quoted[name] += 1
        return use

    def _add_links(self, name: str, rest: str, events: Mapping[str, str]) -> None:
        """Add a relation, or those of an event."""
        arguments = [(part["role"], events.get(part["id"], part["id"])) for part in _ARGUMENT.finditer(rest)]
        if lost := sorted({entity for _, entity in arguments if entity not in self._entities}):
            self._report(name, f"names {', '.join(lost)}, which was not read")
        elif arguments and (name.startswith("E") or len(arguments) == 2):
            for role, tail in arguments[1:]:
                use = self._find_use(name, role if name.startswith("E") else rest.split(" ", 1)[0])
                self._links.append(Link(name, use, arguments[0][1], tail))
        else:
            self._report(name, "is not a relation of two entities")

    def _add_group(self, words: Sequence[str]) -> None:
        if len(words) < 2:
            return self._report("*", "is not a group of entities")
        self._find_use("*", words[0])
        for member in sorted(set(words[1:]) - self._entities.keys()):
            self._report("*", f"{words[0]} names {member}, which was not read")
        return None

    def _list_tails(self, entity: Entity, *uses: RelationUse) -> list[Entity]:
        """Return the entities that an entity links to by these uses, in text order."""
        tails = (self._entities[one.tail] for one in self._links if one.head == entity.id and one.use in uses)
        return sorted(tails, key=lambda found: found.start)

    def _read_criteria(self) -> Iterator[Criterion]:
        entities = self._entities.values()
        lines = read_lines(read_section("eligibility", self.text))
        inside = [[one for one in entities if line.start <= one.start < line.end] for line in lines]
        line_of = {one.id: number for number, found in enumerate(inside) for one in found}
        self._report_loose(line_of)
        lead_ins, introducing = self._find_lead_ins(lines, inside, line_of)
        for number, (line, found) in enumerate(zip(lines, inside, strict=True)):
            place = f"line {self.text.count(chr(10), 0, line.start) + 1} of the text"
            uses = {entity.use for entity in found}
            if not uses - {None}:
                self._report(place, "has no annotation in the mapping, so it gives no criterion")
            elif "no_criterion" not in uses and number not in introducing:
                lead_in = lines[lead_ins[number]] if number in lead_ins else None
                yield self._read_line(place, line, found, lead_in)

    def _report_loose(self, line_of: Mapping[str, int]) -> None:
        """Report values that belong to nothing or to another line, and entities outside the words of any line."""
        linked = {link.tail for link in self._links}
        for link in self._links:
            if link.use in _VALUED and line_of.get(link.head) != line_of.get(link.tail):
                self._report(link.id, "joins two lines; its value is left out")
        for entity in self._entities.values():
            if entity.id not in line_of:
                self._report(entity.id, "starts before the words of its line and is left out")
            elif entity.use == "value" and entity.id not in linked:
                self._report(entity.id, f"{entity.text!r} belongs to no other entity")

    def _find_lead_ins(
        self, lines: Sequence[Line], inside: Sequence[Sequence[Entity]], line_of: Mapping[str, int]
    ) -> tuple[dict[int, int], set[int]]:
        """Return the introducing line of each line, by number, and the lines that only introduce others.

        A line that ends with a colon introduces the later lines that hold members of its entities.
        It is also a criterion if it has a value, or an entity without such members.
        """
        lead_ins: dict[int, int] = {}
        heads: set[str] = set()
        for link in self._links:
            above, below = line_of.get(link.head), line_of.get(link.tail)
            if link.use != "member" or above is None or below is None or above >= below:
                continue
            if self.text[lines[above].start : lines[above].end].rstrip().endswith(":"):
                lead_ins.setdefault(below, above)
                heads.add(link.head)
        own = [[one.id for one in entities if one.use in {"domain", "value"}] for entities in inside]
        return lead_ins, {number for number in set(lead_ins.values()) if heads.issuperset(own[number])}

    def _read_line(self, place: str, line: Line, entities: Sequence[Entity], lead_in: Line | None) -> Criterion:
        ids = {entity.id for entity in entities}
        below = {one.tail for one in self._links if one.head in ids and one.use not in {None, "peer"}}
        # The subjects of the line: its domain entities that are not subordinate to another of its entities.
        about = [one for one in entities if one.use == "domain" and one.id not in below]
        about.sort(key=lambda entity: entity.start)
        category = self._choose_category(place, about)
        if category is Category.SEX and self.kind is CriterionKind.INCLUSION:
            named = (sex for one in about for sex, words in self._mapping.sexes.items() if words.search(one.text))
            self.sexes.update(named)
        constraints, windows = self._read_values(entities, ids)
        return Criterion(
            kind=self.kind,
            section="eligibility",
            lead_in=self.text[lead_in.start : lead_in.end] if lead_in else None,
            quote=self.text[line.start : line.end],
            category=category,
            constraints=constraints,
            time_window=windows[0] if windows else None,
        )

    def _categorise(self, entity: Entity) -> Category | None:
        time = " ".join(tail.text for tail in self._list_tails(entity, "time_window"))
        negated = bool(self._list_tails(entity, "negation"))
        rule = self._mapping.choose_rule(entity.type, entity.text, self.kind, time, negated=negated)
        return rule.category if rule else None

    def _choose_category(self, place: str, about: Sequence[Entity]) -> Category | None:
        """Return the category of the entities; a mere bearer of the others ("patients", "pregnant women") adds none."""
        persons = {self._categorise(entity) for entity in about if entity.type == "Person"}
        others = {self._categorise(entity) for entity in about if entity.type != "Person"}
        bare = {None, Category.SEX} if others == {Category.REPRODUCTIVE} else {None}
        categories = others | (persons - bare) or persons
        if len(categories) == 1 and (category := next(iter(categories))):
            return category
        named = ", ".join(f"{entity.type} {entity.text!r}" for entity in about)
        why = "no rule gives a category to" if categories == {None} else "the main condition is not decided among"
        self._report(
            place, f"{f'{why} {named}' if about else 'no entity says what it is about'}; the category is left empty"
        )
        return None

    def _read_values(
        self, entities: Sequence[Entity], ids: set[str]
    ) -> tuple[tuple[Constraint, ...], list[TimeWindow]]:
        """Return the constraints and time windows of a line, each in text order."""
        constraints: list[tuple[int, Constraint]] = []
        windows: dict[int, TimeWindow] = {}
        pairs = [(head, tail) for head in entities for tail in self._list_tails(head, *_VALUED) if tail.id in ids]
        for head, tail in pairs:
            is_time = self._is_time_limit(head, tail)
            if is_time and (window := _read_annotated_time(tail.pieces)):
                windows[tail.start] = window
            elif not is_time and (limit := read_annotated_value(" ".join(head.text.split()), tail.text, self.kind)):
                constraints.append((tail.start, limit))
            else:
                self._report(tail.id, f"{tail.text!r} of {head.text!r} does not read as one limit; it is left out")
        constraints.sort(key=lambda pair: pair[0])
        return tuple(limit for _, limit in constraints), [windows[start] for start in sorted(windows)]

    def _is_time_limit(self, head: Entity, tail: Entity) -> bool:
        if tail in self._list_tails(head, "time_window"):
            return True
        is_length = next(find_durations(read_passage(tail.text).tokens), None) is not None
        return is_length and self._categorise(head) not in {Category.AGE, Category.LIFE_EXPECTANCY}
