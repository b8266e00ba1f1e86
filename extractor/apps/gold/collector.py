"""Collect the items of a record from marks: read each value, and find each quote in the text."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from textwrap import shorten
from typing import Any

from extractor.apps.gold.homes import Homes
from extractor.apps.gold.layouts import Layout
from extractor.apps.gold.marks import (
    CRITERIA,
    DOSING,
    ENDPOINTS,
    HIDDEN,
    ITEMS,
    NONE,
    PEOPLE,
    RECORD,
    SCORED,
    WHOLE,
    WHOLE_BEFORE,
    Labelled,
    Labels,
    Lost,
    Mark,
    Problem,
    fold_name,
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
_LONGEST_QUOTE = 400
"""Most characters of a regimen's quote that marks of its parts make."""
_SHOWN = 60
"""Most characters of a quote in a message."""


@dataclass(slots=True)
class MarkedItem:
    """An item that marks build: its values, where it stands, and which fields marks gave it.
    ``extent`` are the words of all marks that were joined to it.
    """

    group: str
    values: dict[str, Any]
    span: Span | None
    places: list[str]
    is_marked: bool = True
    given: set[str] = field(default_factory=set)
    tool: Layout = Layout.SHEET
    extent: Span | None = None


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
    is_any_broken: bool = False
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
        self._break(mark.label)

    def add(self, mark: Mark) -> None:
        """Take a mark over. Raises ``ValueError`` with what is wrong, and what to write."""
        if mark.label == RECORD:
            self._add_lines(mark, self.people)
        elif self.is_item(mark):
            self._add_item(mark)
        else:
            self._add_value(mark)

    def lose(self, lost: Lost) -> None:
        """Note that a value of a field was lost before it came here."""
        self._break(self.labels.spell(lost.label))

    def _break(self, label: str) -> None:
        """Note that a label's fields are not whole."""
        if label == RECORD:
            return
        if label in self.labels.items:
            self.broken.add(self.labels.items[label])
            return
        try:
            fields = self.labels.find(label)
        except ArgumentError:
            self._break_unknown(label)
            return
        self.broken |= {f"{one.group}.{one.name}" for one in fields}

    def _break_unknown(self, label: str) -> None:
        """Note that the field is not whole that a misspelt label means, if one is like it."""
        nearest = self.labels.find_nearest(label)
        if nearest:
            self._break(nearest)
        else:
            self.is_any_broken = True

    def break_unsaid(self) -> None:
        """Note that no field is whole that nothing says, if a mark's field is not known: it may be
        any of them.
        """
        if not self.is_any_broken:
            return
        said = {f"{one.group}.{name}" for one in self.items for name in one.given}
        said |= self.named
        self.broken |= self.labels.list_paths() - said
        # nor is a list of items that has none
        listed = self.named | {one.group for one in self.items}
        self.broken |= {*ITEMS.values()} - listed

    def _add_item(self, mark: Mark) -> None:
        """Take over the mark of a whole item, with the values that its lines say."""
        group = self.labels.items[mark.label]
        self.named.add(group)
        says_none = [one.strip().casefold() for one in mark.says] == [NONE]
        if says_none and not mark.quote:
            return
        is_own = group.startswith("custom.")
        has_words = bool(mark.quote or mark.span)
        # a field of the user's own may be of the whole record
        span = self._locate(mark) if has_words or not is_own else None
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [mark.place], tool=mark.tool)
        self._add_lines(mark, item)
        self.items.append(item)
        if mark.id:
            self.by_id[mark.id] = item
        # a sheet has one column for the item of a row, and for that of its values
        if is_own and mark.of != mark.id:
            self.hosts[id(item)] = mark.of

    def _add_lines(self, mark: Mark, item: MarkedItem) -> None:
        """Add what the lines of an item's mark say, such as ``category: diagnosis``. A line that
        cannot be read costs no other.
        """
        for said in mark.says:
            before, _, value = said.partition(":")
            name = self._find_name(item.group, said)
            if name == SCORED:
                self.said_scored = value.strip()
            elif name in ITEMS and item.group == PEOPLE:
                self.named.add(ITEMS[name])
            elif name:
                self._add_line(mark, item, name, value)
            elif self._is_first_value(item.group, said):
                self._add_line(mark, item, self._name_first(item.group), said)
            else:
                self._refuse_line(mark, item, before.strip())

    def _find_name(self, group: str, said: str) -> str:
        """Return the field that a line names; empty if it names none."""
        before, colon, _ = said.partition(":")
        if not colon:
            return ""
        known = {fold_name(one): one for one in self._list_names(group)}
        return known.get(fold_name(before), "")

    def _list_names(self, group: str) -> list[str]:
        """Return what a line of an item of a group may name."""
        names = [*self.labels.list_infos(group)]
        return [*names, SCORED, *ITEMS] if group == PEOPLE else names

    def _name_first(self, group: str) -> str:
        """Return the field of a line that names none: inclusion is the kind of a criterion."""
        return _FIRST.get(group) or next(iter(self.labels.list_infos(group)))

    def _is_first_value(self, group: str, said: str) -> bool:
        """Return whether a line without the name of a field is the value of the first one.

        An unknown name before a colon is a misspelt field, unless the words of the record, or the
        form of the value, have the colon.
        """
        if group == PEOPLE:
            return False
        before, colon, _ = said.partition(":")
        if not colon:
            return True
        if find_nearest(fold_name(before), self._list_names(group)):
            return False
        name = self._name_first(group)
        info = self.labels.list_infos(group)[name]
        if info.type is str and not self._is_choice(group, name):
            return self.homes.shown.locate(said) is not None
        with suppress(ValueError):
            read_value(said, info, self.labels.attribute(group, name))
            return True
        return False

    def _is_choice(self, group: str, name: str) -> bool:
        attribute = self.labels.attribute(group, name)
        return bool(attribute and attribute.choices)

    def _add_line(self, mark: Mark, item: MarkedItem, name: str, value: str) -> None:
        label = Labelled(item.group, name)
        if item.group == PEOPLE:
            self.named.add(f"{label.group}.{label.name}")
        try:
            self._set(label, item, value)
        except ValueError as error:
            self.refuse(replace(mark, label=f"{label.group}.{name}"), str(error))

    def _refuse_line(self, mark: Mark, item: MarkedItem, name: str) -> None:
        """Keep a line whose field nobody knows as a problem. The field that it nearly names is not
        whole, or any that the item lacks.
        """
        names = self._list_names(item.group)
        nearest = find_nearest(fold_name(name), names)
        lost = [nearest] if nearest else [one for one in names if one not in item.given]
        self.broken |= {f"{item.group}.{one}" for one in lost}
        problem = f"{name!r} is no field of a {mark.label}{suggest(name, names)}"
        shown = ", ".join(one for one in names if one not in HIDDEN)
        remedy = f"write lines such as field: value, of {shown}"
        self.problems.append(Problem(mark.place, problem, remedy))

    def _add_value(self, mark: Mark) -> None:
        """Take over the mark of a single field."""
        label, item = self._find_home(mark)
        self.named.add(f"{label.group}.{label.name}")
        item.places.append(mark.place)
        if mark.quote and item is self.people:
            self._locate(mark)
        for said in mark.says or self._read_words(label, mark):
            self._set(label, item, said)
        if label.group == DOSING and not item.is_marked:
            self._stretch(item, mark)
        if mark.says and mark.quote:
            self._compare_words(label, mark, item.values.get(label.name))

    def _stretch(self, item: MarkedItem, mark: Mark) -> None:
        """Let the quote of a regimen that has no mark of its own reach over its marks, as long as
        it stays a passage.
        """
        if not (mark.quote or mark.span):
            return
        span = self._locate(mark)
        whole = item.extent or item.span or span
        if whole.section != span.section:
            return
        start = min(whole.start, span.start)
        end = max(whole.end, span.end)
        if end - start <= _LONGEST_QUOTE:
            item.extent = Span(span.section, start, end)
            item.values |= self.homes.derive(DOSING, item.extent)

    def _read_words(self, label: Labelled, mark: Mark) -> tuple[str, ...]:
        """Return what a mark without a value says: what the rules read in its words, else the
        words.
        """
        if not mark.quote:
            raise ValueError(f"there is no value; {self._advise(label)}, or {NONE}")
        info = self.labels.list_infos(label.group)[label.name]
        read = self._read_by_rules(label, info, mark)
        written = [one if isinstance(one, str) else json.dumps(one) for one in read]
        for one in written:
            try:
                read_value(one, info)
            except ValueError:
                return (mark.quote,)
        return tuple(written) or (mark.quote,)

    def _read_by_rules(self, label: Labelled, info: FieldInfo, mark: Mark) -> list[Any]:
        """Return the values that the rules read in the words of a mark; none where words may say
        several things.
        """
        if label.group == PEOPLE and not info.many:
            person = self.homes.read_person(mark.quote, label.name)
            return [] if person is None else [person]
        if label.group == DOSING and issubclass(info.type, StrEnum):
            word = self.homes.read_dose(mark.quote, label.name)
            return [] if word is None else [word]
        form = FIELDS.get(label.group, {}).get(label.name)
        if form is None or info.type not in _READ_BY_RULES:
            return []
        span = self._locate(mark)
        section = self.homes.record.section(span.section)
        assert section
        words = MarkedWords(self.homes.record, section, span.start, span.end)
        found = read_words({}, form, words)
        listed = found if info.many else [found]
        return [one for one in listed if one is not None]

    def _compare_words(self, label: Labelled, mark: Mark, value: Any) -> None:
        """Warn of a value whose number or unit its quote does not have. The check of gold looks
        for the numbers of criteria.
        """
        last = value[-1] if isinstance(value, list) and value else value
        if not isinstance(last, dict):
            return
        unit = last.get("unit") or ""
        shown = repr(mark.quote[:_SHOWN])
        if label.group != CRITERIA and (number := _find_unstated(last, mark.quote)):
            remedy = "correct the number, or quote the words that state it"
            self._warn(mark, f"{number:,} does not stand in the quote {shown}", remedy)
        elif (
            mark.quote.rstrip()[-1:].isdigit()
            and unit.casefold() not in mark.quote.casefold()
        ):
            remedy = "quote the unit, too, if the text has it there"
            self._warn(mark, f"the quote {shown} ends before the unit {unit}", remedy)

    def _warn(self, mark: Mark, problem: str, remedy: str) -> None:
        self.problems.append(Problem(mark.place, problem, remedy, warns=True))

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
                f"{mark.label} is of a regimen whose agent is not known; "
                f"{mark.tool.how_to_join_dose}"
            )
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [], is_marked=False, tool=mark.tool)
        if group == ENDPOINTS:
            item.span, words = self.homes.split_outcome(values)
            values |= words
        self.items.append(item)
        for name in filter(None, (mark.of, mark.id)):
            self.by_id.setdefault(name, item)
        return item


def _find_unstated(value: Mapping[str, Any], quote: str) -> float | None:
    """Return a number of a value that its quote lacks. Words for nought and one are many."""
    stated = {one.value for one in find_numbers(read_passage(quote).tokens)}
    for name in ("value", "low", "high"):
        number: float | None = value.get(name)
        if number is not None and number not in (*stated, 0, 1):
            return number
    return None
