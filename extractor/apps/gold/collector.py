"""Collect the items of a record from marks: read each value, and find each quote in the text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import Any

from extractor.apps.gold.homes import CRITERIA, DOSING, ENDPOINTS, Homes
from extractor.apps.gold.marks import (
    ITEMS,
    NONE,
    PEOPLE,
    SCORED,
    WHOLE,
    WHOLE_BEFORE,
    Labelled,
    Labels,
    Mark,
    Problem,
)
from extractor.apps.gold.values import describe_form, read_value
from extractor.apps.review.forms import FIELDS
from extractor.apps.review.selection import MarkedWords
from extractor.apps.review.selection import read_value as read_words
from extractor.concepts.limits.rows import find_numbers
from extractor.errors import ArgumentError
from extractor.evidence.drafts import Span
from extractor.language.passage import read_passage
from extractor.schemas import (
    Amount,
    Constraint,
    FieldInfo,
    Instrument,
    TimePoint,
    TimeWindow,
)
from extractor.schemas.arguments import find_nearest, suggest

_FIRST = {CRITERIA: "kind", DOSING: "agent", ENDPOINTS: "measure"}
"""The field that the value of an item's own row has: inclusion, an agent, a measure."""
_READ_BY_RULES = (Amount, Constraint, Instrument, TimePoint, TimeWindow)
"""Classes of values that the rules read from the words of a mark; of others, such as a cycle beside
a duration, words may say several.
"""
_SHOWN = 60
"""Most characters of a quote in a message."""


@dataclass(slots=True)
class MarkedItem:
    """An item that marks build: its values, where it stands, and which fields marks gave it."""

    group: str
    values: dict[str, Any]
    span: Span | None
    places: list[str]
    is_marked: bool = True
    given: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Collector:
    """Takes marks over, one after the other, and keeps what cannot be."""

    homes: Homes
    labels: Labels
    items: list[MarkedItem] = field(default_factory=list)
    by_id: dict[str, MarkedItem] = field(default_factory=dict)
    people: MarkedItem = field(default_factory=lambda: MarkedItem(PEOPLE, {}, None, []))
    problems: list[Problem] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    said_scored: str = ""
    hosts: dict[int, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether gold was read for all fields of the guideline."""
        return self.said_scored in (WHOLE, WHOLE_BEFORE)

    def rank(self, mark: Mark) -> int:
        """Return the order of a mark: items come before what is said of them."""
        if self.is_item(mark):
            return 0
        # an agent makes a regimen
        return 1 if mark.label.endswith("agent") else 2

    def is_item(self, mark: Mark) -> bool:
        """Return whether a mark is of the record or an item, not of a field."""
        return mark.label in self.labels.items

    def refuse(self, mark: Mark, problem: str, remedy: str = "correct it") -> None:
        """Keep a mark that cannot be taken over as a problem; its field is not whole."""
        said, _, advice = problem.partition("; ")
        self.problems.append(Problem(mark.place, said, advice or remedy))
        self.lose(mark.label)

    def lose(self, label: str) -> None:
        """Keep that something of a label is lost: gold is not scored for it."""
        if label in self.labels.items:
            group = self.labels.items[label]
            self.broken |= {group} if group != PEOPLE else set()
            return
        try:
            found = self.labels.find(label)
        except ArgumentError:
            return
        self.broken |= {f"{one.group}.{one.name}" for one in found}

    def add(self, mark: Mark) -> None:
        """Take a mark over. Raises ``ValueError`` with what is wrong, and what to write."""
        if mark.label == "record":
            self._add_lines(mark, self.people)
        elif self.is_item(mark):
            self._add_item(mark)
        else:
            self._add_value(mark)

    def _add_item(self, mark: Mark) -> None:
        """Add an item, or keep that the record has none of its kind."""
        group = self.labels.items[mark.label]
        self.named.add(group)
        if _says_none(mark):
            return
        item = self._make_item(group, mark)
        self._add_lines(mark, item)
        self.items.append(item)
        if mark.id:
            self.by_id[mark.id] = item

    def _make_item(self, group: str, mark: Mark) -> MarkedItem:
        """Return an item with the values that follow from its place."""
        is_own = group.startswith("custom.")
        has_place = bool(mark.quote or mark.span)
        # a value of the user's own may stand nowhere
        span = self._locate(mark) if has_place or not is_own else None
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [mark.place])
        if is_own and mark.of and mark.of != mark.id:
            self.hosts[id(item)] = mark.of
        return item

    def _add_lines(self, mark: Mark, item: MarkedItem) -> None:
        """Add what the lines of an item's mark say, such as ``category: diagnosis``."""
        group = item.group
        infos = self.labels.list_infos(group)
        for said in mark.says:
            name, colon, value = said.partition(":")
            name = name.strip()
            if group == PEOPLE and name == SCORED:
                self.said_scored = value.strip()
                continue
            if group == PEOPLE and name in ITEMS:
                self.named.add(ITEMS[name])
                continue
            name = _spell(name, infos)
            if not colon or name not in infos:
                if colon and self._is_misspelt(group, name):
                    self._refuse_line(mark, group, name)
                    continue
                name, value = self._name_first(group, said)
            if group == PEOPLE:
                self.named.add(f"{group}.{name}")
            try:
                self._set(Labelled(group, name), item, value)
            except ValueError as error:
                self.refuse(replace(mark, label=f"{group}.{name}"), str(error))

    def _name_first(self, group: str, said: str) -> tuple[str, str]:
        """Return field and value of a line without the name of a field."""
        infos = self.labels.list_infos(group)
        if group == PEOPLE:
            names = ", ".join((*infos, SCORED))
            raise ValueError(f"{said!r} names no field; write field: value, of {names}")
        return _FIRST.get(group) or next(iter(infos)), said

    def _is_misspelt(self, group: str, name: str) -> bool:
        """Return whether what stands before the colon of a line is meant as a field, not as the
        beginning of a value.
        """
        # inclusion or exclusion: no value of it has a colon
        if group == CRITERIA:
            return True
        return find_nearest(name, self.labels.list_infos(group)) is not None

    def _refuse_line(self, mark: Mark, group: str, name: str) -> None:
        """Keep a line whose field there is not as a problem. The field that it may mean is not
        whole; without a guess none of the item is.
        """
        names = list(self.labels.list_infos(group))
        nearest = find_nearest(name, names)
        label = f"{group}.{nearest}" if nearest else mark.label
        problem = f"{name!r} is no field of a {mark.label}{suggest(name, names)}"
        remedy = f"write field: value, of {', '.join(names)}"
        self.refuse(replace(mark, label=label), problem, remedy)

    def _add_value(self, mark: Mark) -> None:
        label, item = self._find_home(mark)
        self.named.add(f"{label.group}.{label.name}")
        item.places.append(mark.place)
        if mark.quote and item is self.people:
            self._locate(mark)
        for said in mark.says or self._read_words(label, mark):
            self._set(label, item, said)
        if mark.says and mark.quote and label.group != CRITERIA:
            self._compare_numbers(mark, item.values.get(label.name))

    def _read_words(self, label: Labelled, mark: Mark) -> tuple[str, ...]:
        """Return what a mark without a value says: what the rules read in its words, else the
        words.
        """
        if not mark.quote:
            raise ValueError(f"there is no value; {self._advise(label)}, or {NONE}")
        info = self.labels.list_infos(label.group)[label.name]
        values = self._read_by_rules(label, info, mark)
        written = tuple(json.dumps(value) for value in values if value is not None)
        if not written or not all(_can_be_read(value, info) for value in written):
            return (mark.quote,)
        return written

    def _read_by_rules(
        self, label: Labelled, info: FieldInfo, mark: Mark
    ) -> Sequence[Any]:
        """Return the values that the rules read in the words of a mark, as JSON has them; none
        of a field that they do not read there.
        """
        if label.group == PEOPLE and not info.many:
            return [self.homes.read_person(mark.quote, label.name)]
        form = FIELDS.get(label.group, {}).get(label.name)
        if form is None or info.type not in _READ_BY_RULES:
            return []
        span = self._locate(mark)
        section = self.homes.record.section(span.section)
        assert section
        words = MarkedWords(self.homes.record, section, span.start, span.end)
        read = read_words({}, form, words)
        return read if info.many else [read]

    def _compare_numbers(self, mark: Mark, value: Any) -> None:
        """Warn of a value whose number its quote does not have; the check of gold does so for
        criteria.
        """
        last = value[-1] if isinstance(value, list) and value else value
        if not isinstance(last, dict):
            return
        stated = {one.value for one in find_numbers(read_passage(mark.quote).tokens)}
        for name in ("value", "low", "high"):
            number = last.get(name)
            if number is not None and number not in (*stated, 0, 1):
                problem = (
                    f"{number:,} does not stand in the quote {mark.quote[:_SHOWN]!r}"
                )
                remedy = "correct the number, or quote the words that state it"
                self.problems.append(Problem(mark.place, problem, remedy, warns=True))
                return

    def _advise(self, label: Labelled) -> str:
        info = self.labels.list_infos(label.group)[label.name]
        return f"write {describe_form(info, self.labels.attribute(*label))}"

    def _set(self, label: Labelled, item: MarkedItem, written: str) -> None:
        """Set a value, or add a member of a list."""
        name = label.name
        info = self.labels.list_infos(label.group)[name]
        values = item.values
        if written.strip().casefold() == NONE:
            if info.required:
                raise ValueError(f"{name} cannot be {NONE}; {self._advise(label)}")
            values[name] = values.get(name, []) if info.many else None
            item.given.add(name)
            return
        try:
            value = read_value(written, info, self.labels.attribute(*label))
        except ValueError as error:
            problem = f"{name}: {str(error).replace('; ', ': ')}"
            raise ValueError(f"{problem}; {self._advise(label)}") from None
        if info.many:
            values[name] = [*(values.get(name) or []), value]
        elif name in item.given and values[name] != value:
            raise ValueError(f"{name} is stated twice; leave one out")
        else:
            values[name] = value
        item.given.add(name)

    def _locate(self, mark: Mark) -> Span:
        if mark.span:
            return mark.span
        shown = self.homes.shown
        if mark.start is not None:
            end = mark.start + len(mark.quote)
            is_same = shown.text[mark.start : end] == mark.quote
            span = shown.find_span(mark.start, end) if is_same else None
            if span:
                return span
        if not mark.quote:
            raise ValueError(f"the quote of the {mark.label} is empty; copy its words")
        section = mark.section
        if section and section not in shown.places:
            raise ValueError(
                f"the record has no section {section!r}; leave it empty, or name another"
            )
        found = shown.locate(mark.quote, section)
        if found:
            return found
        short = shorten(mark.quote, _SHOWN, placeholder=" ...")
        nearest = shown.find_nearest(mark.quote)
        advice = "copy it from the text"
        if nearest:
            advice = f"the nearest words are {shorten(nearest, _SHOWN, placeholder=' ...')!r}"
        raise ValueError(
            f"{short!r} stands nowhere in {self.homes.record.record_id}; {advice}"
        )

    def _find_home(self, mark: Mark) -> tuple[Labelled, MarkedItem]:
        """Return the field that a mark means, and the item that has it."""
        found = self.labels.find(mark.label)
        host = self.by_id.get(mark.of)
        if host:
            fitting = [one for one in found if one.group == host.group]
            if not fitting:
                raise ValueError(
                    f"a {mark.label} is no field of {mark.of!r}; name another item"
                )
            return fitting[0], host
        if found[0].group == PEOPLE:
            return found[0], self.people
        span = self._locate(mark) if mark.quote or mark.span else None
        label = self._choose(found, span)
        if label.group.startswith("custom."):
            return label, self._open(label.group, mark, span)
        if span is None:
            raise ValueError(
                f"{mark.label} is of an item; give the words in quote, or the same item"
            )
        around = self._find_around(label.group, span)
        if around:
            return label, around
        return label, self._open(label.group, mark, self.homes.widen(label.group, span))

    def _find_around(self, group: str, span: Span) -> MarkedItem | None:
        """Return the item that contains a span, else one that has words of it."""
        around = [
            one
            for one in self.items
            if one.group == group and one.span and one.span.overlaps(span)
        ]
        whole = [one for one in around if one.span and one.span.contains(span)]
        return next(iter(whole or around), None)

    def _choose(self, found: Sequence[Labelled], span: Span | None) -> Labelled:
        """Return the field of several with the same name that fits the section."""
        if len(found) == 1:
            return found[0]
        in_outcome = span is not None and "_outcomes" in span.section
        fitting = [one for one in found if (one.group == ENDPOINTS) == in_outcome]
        if len(fitting) == 1 and span is not None:
            return fitting[0]
        names = " or ".join(f"{one.group}.{one.name}" for one in found)
        raise ValueError(f"{found[0].name} is a field of several items; write {names}")

    def _open(self, group: str, mark: Mark, span: Span | None) -> MarkedItem:
        """Return a new item for a value of which no mark names the item."""
        if group == DOSING and not mark.label.endswith("agent"):
            raise ValueError(
                f"{mark.label} is of a regimen that has no agent; add its agent as well, and name "
                "that as its item: the same text in the column item, or a relation to it"
            )
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [], is_marked=False)
        if group == ENDPOINTS:
            item.span, words = self.homes.split_outcome(values)
            values |= words
        self.items.append(item)
        for name in filter(None, (mark.id, mark.of)):
            self.by_id[name] = item
        return item


def _says_none(mark: Mark) -> bool:
    """Return whether a mark says that the record has no item of its kind."""
    says = [line.strip().casefold() for line in mark.says]
    return says == [NONE] and not mark.quote


def _spell(name: str, infos: Mapping[str, FieldInfo]) -> str:
    """Return the name of a field as it is spelt: capitals and blanks make no other field."""
    folded = "_".join(name.casefold().split())
    return folded if folded in infos and name not in infos else name


def _can_be_read(written: str, info: FieldInfo) -> bool:
    """Return whether gold can have a value."""
    try:
        read_value(written, info)
    except ValueError:
        return False
    return True
