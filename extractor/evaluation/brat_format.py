"""brat's standoff format, and what the names of a corpus mean in the guideline's terms (``brat_mapping.toml``).

One annotation a line, tab-separated; offsets count characters of the text::

    T1	Condition 3 9;14 20	asthma severe        a discontinuous entity has several spans
    R1	Has_value Arg1:T2 Arg2:T3
    E1	Treatment:T4 Duration:T5                  an event is its trigger's relation to each argument
    *	OR T1 T2 T3
    A1	Optional T1
    #1	AnnotatorNotes T1	see line 4
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from extractor.parse.eligibility.limits import Limit, find_limits
from extractor.parse.eligibility.windows import read_window
from extractor.schemas import Category, Constraint, CriterionKind, Sex, TimeWindow
from extractor.schemas.base import FrozenModel
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.numbers import find_durations
from extractor.text.passage import read_passage

_SPANS = re.compile(r"[0-9]{1,9} [0-9]{1,9}(?:;[0-9]{1,9} [0-9]{1,9})*")
_LINE_END = re.compile(r"\r?\n")  # others, such as a form feed, may be inside a text
_ARGUMENT = re.compile(r"(?P<role>\w[\w-]*?)\d*:(?P<id>[TE]\d+)")


@dataclass(frozen=True, slots=True)
class Entity:
    """A named span of text; ``spans`` are half-open, in ascending order."""

    id: str
    type: str
    spans: tuple[tuple[int, int], ...]
    text: str

    @property
    def start(self) -> int:
        return self.spans[0][0]


@dataclass(frozen=True, slots=True)
class Relation:
    """``head`` and ``tail`` are ids of entities."""

    id: str
    type: str
    head: str
    tail: str


@dataclass(slots=True)
class Standoff:
    """All annotations of one text.

    ``groups`` are the names of unordered groups of entities, ``problems`` (place, problem) for each line that could
    not be used, ``notes`` the number of notes.
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: int = 0


def read_standoff(annotations: str, text: str) -> Standoff:
    r"""Read the lines of an ``.ann`` file and compare each entity with the text.

    >>> found = read_standoff("T1\tCondition 3 9\tasthma\nT2\tQualifier 0 2\tno", "No asthma")
    >>> list(found.entities), found.problems
    (['T1'], [('T2', "the text at its spans is 'No', not 'no'")])
    """
    found = Standoff()
    lines = [line for line in _LINE_END.split(annotations.removeprefix("\ufeff")) if line.strip()]
    rows = [line for line in lines if not line.startswith("#")]
    found.notes = len(lines) - len(rows)
    for row in rows:
        if row.startswith("T"):
            _add_entity(found, row, text)
    events = {row.split("\t", 1)[0]: at["id"] for row in rows if row[0] == "E" and (at := _ARGUMENT.search(row))}
    for row in rows:
        name, _, rest = row.partition("\t")
        if name == "*":
            _add_group(found, rest.split())
        elif row.startswith(("R", "E", "*")):
            _add_relations(found, name, rest, events)
        elif not row.startswith("T"):
            found.problems.append((name, "annotations of this kind have no place in gold"))
    return found


def _add_entity(found: Standoff, row: str, text: str) -> None:
    name, *fields = row.split("\t", 2)
    kind, _, places = fields[0].partition(" ") if len(fields) == 2 else ("", "", "")
    if not _SPANS.fullmatch(places):
        found.problems.append((name, "is no entity of the form 'T1<tab>Type start end<tab>text'"))
        return
    spans = tuple(sorted((int(pair.split(" ")[0]), int(pair.split(" ")[1])) for pair in places.split(";")))
    covered = " ".join(text[start:end] for start, end in spans)
    if any(start >= end for start, end in spans) or spans[-1][1] > len(text):
        found.problems.append((name, "its spans lie outside of the text, or are empty"))
    elif covered.split() != fields[1].split():
        found.problems.append((name, f"the text at its spans is {covered!r}, not {fields[1]!r}"))
    elif name in found.entities:
        found.problems.append((name, "occurs twice; the first one is used"))
    else:
        found.entities[name] = Entity(name, kind, spans, covered)


def _add_relations(found: Standoff, name: str, rest: str, events: Mapping[str, str]) -> None:
    arguments = [(part["role"], events.get(part["id"], part["id"])) for part in _ARGUMENT.finditer(rest)]
    if lost := sorted({entity for _, entity in arguments if entity not in found.entities}):
        found.problems.append((name, f"names {', '.join(lost)}, which was not read"))
    elif name.startswith("E") and arguments:
        found.relations += [Relation(name, role, arguments[0][1], tail) for role, tail in arguments[1:]]
    elif name.startswith("R") and len(arguments) == 2:
        found.relations.append(Relation(name, rest.split(" ", 1)[0], arguments[0][1], arguments[1][1]))
    else:
        found.problems.append((name, "is no relation of two entities"))


def _add_group(found: Standoff, words: list[str]) -> None:
    if len(words) < 2:
        found.problems.append(("*", "is no group of entities"))
        return
    found.groups.append(words[0])
    lost = sorted(set(words[1:]) - found.entities.keys())
    found.problems += [("*", f"{words[0]} names {member}, which was not read") for member in lost]


class EntityUse(StrEnum):
    """How an entity is used; see the mapping."""

    DOMAIN = "domain"
    VALUE = "value"
    MODIFIER = "modifier"
    NO_CRITERION = "no_criterion"


class RelationUse(StrEnum):
    """How a relation is used; see the mapping."""

    CONSTRAINT = "constraint"
    COUNT = "count"
    TIME_WINDOW = "time_window"
    NEGATION = "negation"
    MEMBER = "member"
    PEER = "peer"
    MODIFIER = "modifier"


@dataclass(frozen=True, slots=True)
class Setting:
    """An entity as the rules for categories see it; ``time`` is the text of its Temporal."""

    type: str
    text: str
    kind: CriterionKind
    time: str = ""
    negated: bool = False


def _match_beginnings(words: list[str]) -> re.Pattern[str]:
    """Words of up to four letters in capitals are abbreviations: whole, and in capitals only."""
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

    def applies(self, setting: Setting) -> bool:
        """Whether the rule gives the entity its category, unless an earlier one does."""
        return (
            setting.type in self.entities
            and (self.words is None or self.words.search(setting.text) is not None)
            and (self.time is None or self.time.search(setting.time) is not None)
            and self.kind in (None, setting.kind)
            and self.negated in (None, setting.negated)
        )


class BratMapping(FrozenModel):
    """The names of a corpus: suffixes of files, entities, relations, and the rules for categories."""

    suffixes: dict[str, CriterionKind] = Field(alias="files")
    entities: Annotated[dict[str, EntityUse], BeforeValidator(_by_name)]
    relations: dict[str, RelationUse]
    rules: tuple[CategoryRule, ...] = Field(alias="category")
    sexes: dict[Sex, Annotated[re.Pattern[str], BeforeValidator(_match_whole)]]

    def choose_category(self, setting: Setting) -> Category | None:
        """The category of the first rule that applies, or None.

        >>> load_mapping().choose_category(Setting("Person", "Age", CriterionKind.INCLUSION)).value
        'age'
        """
        return next((rule.category for rule in self.rules if rule.applies(setting)), None)


@cache
def load_mapping() -> BratMapping:
    """The mapping of Chia-like names."""
    text = (files(__package__) / "brat_mapping.toml").read_text("utf-8")
    return BratMapping.model_validate(tomllib.loads(text))


def read_annotated_value(quantity: str, value: str, kind: CriterionKind) -> Constraint | None:
    """The limit that an annotated value states, None if it does not read as exactly one.

    Where the value alone does not show what kind of number it is ("III-IV", "18 years"), it is read behind the
    words that it limits. A bare number takes the sense of its list.

    >>> found = read_annotated_value("platelets", "> 100,000/mm3", CriterionKind.INCLUSION)
    >>> found.comparator.value, found.value, found.unit
    ('>', 100000, '/mm3')
    """
    for words in ("", quantity):
        tokens = read_passage(f"{words} {value}" if words else value).tokens
        if limit := _read_only_limit(tokens, len(read_passage(words).tokens) if words else 0, kind):
            return Constraint(
                quantity=quantity,
                comparator=limit.comparator,
                value=limit.value,
                value_high=limit.value_high,
                unit=limit.time_unit or (tokens.read(*limit.unit) if limit.unit else None),
            )
    return None


def _read_only_limit(tokens: Tokens, first: int, kind: CriterionKind) -> Limit | None:
    limits = [limit for limit in find_limits(tokens, kind) if limit.end > first]
    if len(limits) != 1:
        return None
    limit = limits[0]
    unread = NUMBER in tokens.codes[first : limit.first] + tokens.codes[limit.end :]
    return None if unread else limit


def read_annotated_time(pieces: Sequence[str]) -> TimeWindow | None:
    """The time limit in the first of an annotation's contiguous pieces that states one; the piece is its quote.

    A bare length of time ("4 weeks") says neither "within" nor "at least" and is no limit.
    """
    for piece in pieces:
        passage = read_passage(piece)
        bare = any(one.first == 0 and one.end == len(passage.tokens) for one in find_durations(passage.tokens))
        if not bare and (window := read_window(passage).value):
            return window.model_copy(update={"quote": piece})
    return None
