"""Collect the items of a record from marks: read each value, and find each quote in the text."""

import json
from collections.abc import Mapping, Sequence
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
from extractor.apps.gold.values import describe_form, list_unsaid, read_value
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
_FORM = ": write "
"""What stands before the form of a value in an error that names it."""
_SHOWN = 60
"""Most characters of a quote in a message."""


@dataclass(slots=True)
class MarkedItem:
    """An item that marks build: its values, where it stands, and which fields marks gave it.

    ``extent`` are the words of all marks that were joined to it. ``has_unknown`` says whether a
    line of it names no field that anybody knows, and may have meant any.
    """

    group: str
    values: dict[str, Any]
    span: Span | None
    places: list[str]
    is_marked: bool = True
    given: set[str] = field(default_factory=set)
    tool: Layout = Layout.SHEET
    extent: Span | None = None
    has_unknown: bool = False


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
    unsaid: set[str] = field(default_factory=set)
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
        if mark.label.endswith("agent"):
            return 1
        return 2

    def is_item(self, mark: Mark) -> bool:
        """Return whether a mark is of the record or an item, not of a field."""
        return mark.label in self.labels.items

    def refuse(self, mark: Mark, problem: str, remedy: str = "correct it") -> None:
        """Keep a mark that cannot be taken over as a problem; its field is not whole.

        A remedy within ``problem``, after a semicolon, stands for ``remedy``.
        """
        what, _, advice = problem.partition("; ")
        self.problems.append(Problem(mark.place, what, advice or remedy))
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
        """Note that the fields which a label may mean are not whole, so that they are not
        scored: those of an item, of a field, or of the field that a misspelt label is most like.
        The record is no field.
        """
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
        self.broken |= {f"{field.group}.{field.name}" for field in fields}

    def _break_unknown(self, label: str) -> None:
        """Note that the field is not whole that a misspelt label means, if one is like it."""
        nearest = self.labels.find_nearest(label)
        if nearest:
            self._break(nearest)
        else:
            self.is_any_broken = True

    def break_unsaid(self) -> None:
        """Note which fields are not whole because a name is like no field, and may have meant any
        that nothing says. To be called after the last mark: a later line or mark may say it.

        For a line of an item, these are the fields that the item lacks; for a mark, those of which
        no mark of the record says anything, and the lists without items.
        """
        for item in (self.people, *self.items):
            if item.has_unknown:
                lacking = set(self._list_names(item.group)) - item.given
                self.broken |= {f"{item.group}.{name}" for name in lacking}
        if not self.is_any_broken:
            return
        stated = set(self.named)
        listed = set(self.named)
        for item in self.items:
            stated |= {f"{item.group}.{name}" for name in item.given}
            listed.add(item.group)
        self.broken |= self.labels.list_paths() - stated
        self.broken |= {*ITEMS.values()} - listed

    def _add_item(self, mark: Mark) -> None:
        """Take over the mark of a whole item, with the values that its lines say. A mark of no
        words that only says "none" makes no item: the record has none of this kind.
        """
        group = self.labels.items[mark.label]
        self.named.add(group)
        says_none = [line.strip().casefold() for line in mark.says] == [NONE]
        if says_none and not mark.quote:
            return
        is_own = group.startswith("custom.")
        has_words = bool(mark.quote or mark.span)
        span = None
        # A field of the user's own may be of the whole record, and need no words.
        if has_words or not is_own:
            span = self._locate(mark)
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [mark.place], tool=mark.tool)
        self._add_lines(mark, item)
        self.items.append(item)
        if mark.id:
            self.by_id[mark.id] = item
        # A sheet has one column for the item of a row, and for that of its values.
        if is_own and mark.of != mark.id:
            self.hosts[id(item)] = mark.of

    def _add_lines(self, mark: Mark, item: MarkedItem) -> None:
        """Add what the lines of an item's mark say. A line is ``field: value``, or the value of
        the item's first field alone; of the record also what gold was read for, and ``criterion:
        none``. A line that cannot be read becomes a problem, and costs no other.
        """
        for line in mark.says:
            before, _, value = line.partition(":")
            name = self._find_name(item.group, line)
            if name == SCORED:
                self.said_scored = value.strip()
            elif name in ITEMS and item.group == PEOPLE:
                self.named.add(ITEMS[name])
            elif name:
                self._add_line(mark, item, name, value)
            elif self._is_first_value(item.group, line):
                self._add_line(mark, item, self._name_first(item.group), line)
            else:
                self._refuse_line(mark, item, before.strip())

    def _find_name(self, group: str, line: str) -> str:
        """Return the field that a line names; empty if it names none."""
        before, colon, _ = line.partition(":")
        if not colon:
            return ""
        names = {fold_name(name): name for name in self._list_names(group)}
        return names.get(fold_name(before), "")

    def _list_names(self, group: str) -> list[str]:
        """Return what a line of an item of a group may name."""
        names = [*self.labels.list_infos(group)]
        if group == PEOPLE:
            # The mark of the record also says what was read, and which lists are empty.
            names += [SCORED, *ITEMS]
        return names

    def _name_first(self, group: str) -> str:
        """Return the field of a line that names none: inclusion is the kind of a criterion."""
        return _FIRST.get(group) or next(iter(self.labels.list_infos(group)))

    def _is_first_value(self, group: str, line: str) -> bool:
        """Return whether a line without the name of a field is the value of the first one.

        An unknown name before a colon is a misspelt field, unless the words of the record, or the
        form of the value, have the colon.
        """
        if group == PEOPLE:
            return False
        before, colon, _ = line.partition(":")
        if not colon:
            return True
        # "categori: age" names a misspelt field.
        if find_nearest(fold_name(before), self._list_names(group)):
            return False
        name = self._name_first(group)
        info = self.labels.list_infos(group)[name]
        if info.type is str and not self._is_choice(group, name):
            return self.homes.shown.locate(line) is not None
        try:
            read_value(line, info, self.labels.attribute(group, name))
        except ValueError:
            return False
        return True

    def _is_choice(self, group: str, name: str) -> bool:
        """Return whether a user's attribute has a closed set of words."""
        attribute = self.labels.attribute(group, name)
        return attribute is not None and bool(attribute.choices)

    def _add_line(self, mark: Mark, item: MarkedItem, name: str, value: str) -> None:
        """Set the field that a line of an item's mark names, or keep the line as a problem."""
        path = f"{item.group}.{name}"
        if item.group == PEOPLE:
            self.named.add(path)
        try:
            self._set(Labelled(item.group, name), item, value)
        except ValueError as error:
            self.refuse(replace(mark, label=path), str(error))

    def _refuse_line(self, mark: Mark, item: MarkedItem, name: str) -> None:
        """Keep a line whose field ``name`` nobody knows as a problem. The field that it nearly
        names is then not whole in this record; if it is like none, all fields are not that no mark
        gives the item (see ``break_unsaid``).
        """
        names = self._list_names(item.group)
        nearest = find_nearest(fold_name(name), names)
        if nearest:
            self.broken.add(f"{item.group}.{nearest}")
        else:
            item.has_unknown = True
        suggestion = suggest(name, names)
        shown = ", ".join(field for field in names if field not in HIDDEN)
        problem = Problem(
            mark.place,
            f"{name!r} is no field of a {mark.label}{suggestion}",
            f"write lines such as field: value, of {shown}",
        )
        self.problems.append(problem)

    def _add_value(self, mark: Mark) -> None:
        """Take over the mark of a single field: set its values, or else what its words say, in
        the item to which it belongs. Raises ``ValueError`` for a quote that stands nowhere.
        """
        label, item = self._find_home(mark)
        self.named.add(f"{label.group}.{label.name}")
        item.places.append(mark.place)
        # Of other items, finding the home has looked for the quote already.
        if mark.quote and item is self.people:
            self._locate(mark)
        # An empty value is read from the quote.
        written = mark.says or self._read_words(label, mark)
        for value in written:
            self._set(label, item, value)
        # A regimen without a mark of its own has the words of its parts as quote.
        if label.group == DOSING and not item.is_marked:
            self._stretch(item, mark)
        if mark.says and mark.quote:
            self._compare_words(label, mark, item.values.get(label.name))

    def _stretch(self, item: MarkedItem, mark: Mark) -> None:
        """Let the quote of a regimen that has no mark of its own reach over this mark, too. It
        stays as it is for a mark without words, in another section, or too far away.
        """
        if not mark.quote and not mark.span:
            return
        span = self._locate(mark)
        extent = item.extent or item.span or span
        if extent.section != span.section:
            return
        start = min(extent.start, span.start)
        end = max(extent.end, span.end)
        if end - start > _LONGEST_QUOTE:
            return
        item.extent = Span(span.section, start, end)
        item.values |= self.homes.derive(DOSING, item.extent)

    def _read_words(self, label: Labelled, mark: Mark) -> tuple[str, ...]:
        """Return what a mark without a value says: the values that the rules read in its words;
        the words themselves if the rules read none, or a value that the field cannot have. Raises
        ``ValueError`` for a mark without words.
        """
        if not mark.quote:
            raise ValueError(f"there is no value; {self._advise(label)}, or {NONE}")
        info = self.labels.list_infos(label.group)[label.name]
        written: list[str] = []
        for value in self._read_by_rules(label, info, mark):
            form = value
            if not isinstance(value, str):
                form = json.dumps(value)
            try:
                read_value(form, info)
            except ValueError:
                return (mark.quote,)
            written.append(form)
        return tuple(written) or (mark.quote,)

    def _read_by_rules(self, label: Labelled, info: FieldInfo, mark: Mark) -> list[Any]:
        """Return the values that the rules read in the words of a mark. They read ages and other
        single values of who may take part, closed sets of a dose, and fields of certain types; for
        all others there are none.
        """
        value: Any = None
        if label.group == PEOPLE and not info.many:
            value = self.homes.read_person(mark.quote, label.name)
        elif label.group == DOSING and issubclass(info.type, StrEnum):
            value = self.homes.read_dose(mark.quote, label.name)
        elif info.type in _READ_BY_RULES:
            value = self._read_field(label, mark)
        members = [value]
        if info.many and isinstance(value, list):
            members = value
        return [member for member in members if member is not None]

    def _read_field(self, label: Labelled, mark: Mark) -> Any:
        """Return what the rules read for a field in the words of a mark; None for a field of the
        user's own.
        """
        form = FIELDS.get(label.group, {}).get(label.name)
        if form is None:
            return None
        span = self._locate(mark)
        section = self.homes.record.section(span.section)
        assert section
        words = MarkedWords(self.homes.record, section, span.start, span.end)
        return read_words({}, form, words)

    def _compare_words(self, label: Labelled, mark: Mark, value: Any) -> None:
        """Warn of a value whose number its quote does not have, or else of a quote that ends in a
        number and lacks the value's unit. Of a list, the last member is compared, which this mark
        added. For the numbers of criteria, the check of gold warns.
        """
        last = value
        if isinstance(value, list) and value:
            last = value[-1]
        if not isinstance(last, dict):
            return
        quote = mark.quote
        shown = repr(quote[:_SHOWN])
        number = None
        if label.group != CRITERIA:
            number = _find_unstated(last, quote)
        if number:
            remedy = "correct the number, or quote the words that state it"
            self._warn(mark, f"{number:,} does not stand in the quote {shown}", remedy)
            return
        unit = last.get("unit") or ""
        ends_in_number = quote.rstrip()[-1:].isdigit()
        if ends_in_number and unit.casefold() not in quote.casefold():
            remedy = "quote the unit, too, if the text has it there"
            self._warn(mark, f"the quote {shown} ends before the unit {unit}", remedy)

    def _warn(self, mark: Mark, problem: str, remedy: str) -> None:
        self.problems.append(Problem(mark.place, problem, remedy, warns=True))

    def _advise(self, label: Labelled) -> str:
        """Say how a value of a field is written."""
        info = self.labels.list_infos(label.group)[label.name]
        attribute = self.labels.attribute(label.group, label.name)
        return f"write {describe_form(info, attribute)}"

    def _set(self, label: Labelled, item: MarkedItem, written: str) -> None:
        """Set a value as people write it, or add it to a list. ``none`` says that the record states
        none. Raises ``ValueError`` for what cannot be read, for ``none`` in a required field, and
        for a second, other value of a field that is no list.
        """
        name = label.name
        info = self.labels.list_infos(label.group)[name]
        values = item.values
        if written.strip().casefold() == NONE:
            if info.required:
                raise ValueError(f"{name} cannot be {NONE}; {self._advise(label)}")
            # Members that other marks of a list have added stay.
            if info.many:
                values.setdefault(name, [])
            else:
                values[name] = None
            item.given.add(name)
            return
        attribute = self.labels.attribute(label.group, name)
        try:
            value = read_value(written, info, attribute)
        except ValueError as error:
            what, names_form, form = str(error).partition(_FORM)
            if names_form:
                raise ValueError(
                    f"{name}: {what} cannot be read; write {form}"
                ) from None
            problem = what.replace("; ", ": ")
            raise ValueError(f"{name}: {problem}; {self._advise(label)}") from None
        if info.type is TimeWindow:
            path = f"{label.group}.{name}"
            self.unsaid |= {f"{path}.{part}" for part in list_unsaid(written)}
        if info.many:
            values[name] = [*(values.get(name) or []), value]
        elif name in item.given and values[name] != value:
            raise ValueError(f"{name} is stated twice; leave one out")
        else:
            values[name] = value
        item.given.add(name)

    def _locate(self, mark: Mark) -> Span:
        """Return the place of a mark's words: its own span, else its offsets if the words stand
        there, else the place where they are found, in its section first. Raises ``ValueError``
        if they stand nowhere.
        """
        if mark.span:
            return mark.span
        shown = self.homes.shown
        if mark.start is not None:
            end = mark.start + len(mark.quote)
            # The text of the tool may be another than that of the record.
            if shown.text[mark.start : end] == mark.quote:
                span = shown.find_span(mark.start, end)
                if span:
                    return span
        if not mark.quote:
            raise ValueError(f"the quote of the {mark.label} is empty; copy its words")
        section = mark.section
        if section and section not in shown.places:
            raise ValueError(
                f"the record has no section {section!r}; leave it empty, or name another"
            )
        span = shown.locate(mark.quote, section)
        if span:
            return span
        nearest = shown.find_nearest(mark.quote)
        advice = "copy it from the text"
        if nearest:
            advice = f"the nearest words are {_shorten(nearest)!r}"
        record_id = self.homes.record.record_id
        raise ValueError(
            f"{_shorten(mark.quote)!r} stands nowhere in {record_id}; {advice}"
        )

    def _find_home(self, mark: Mark) -> tuple[Labelled, MarkedItem]:
        """Return the field that a mark means, and the item that gets its value.

        That is the item that the mark names in ``of``; else the record's people, for a field of who
        may take part; else the item in which the mark's words stand; else a new item. A name in
        ``of`` that no item has yet becomes a name of that item, so that later marks may use it.

        Raises ``ArgumentError`` for a label that is no field, and ``ValueError`` if the field or
        the item is not clear.
        """
        meant = self.labels.find(mark.label)
        host = self.by_id.get(mark.of)
        if host:
            for label in meant:
                if label.group == host.group:
                    return label, host
            raise ValueError(
                f"a {mark.label} is no field of {mark.of!r}; name another item"
            )
        # The field names its item: a record has one item "who may take part".
        if meant[0].group == PEOPLE:
            return meant[0], self.people
        span = None
        if mark.quote or mark.span:
            span = self._locate(mark)
        label = self._choose(meant, span)
        if label.group.startswith("custom."):
            return label, self._open(label.group, mark, span)
        if span is None:
            raise ValueError(
                f"{mark.label} is of an item; give the words in quote, or the same item"
            )
        # A value belongs to the item in which its quote stands.
        item = self._find_around(label.group, span)
        if item is None:
            item = self._open(label.group, mark, self.homes.widen(label.group, span))
        elif mark.of:
            self.by_id[mark.of] = item
        return label, item

    def _find_around(self, group: str, span: Span) -> MarkedItem | None:
        """Return the first item of a group that contains a span, else the first that overlaps
        it; None without one.
        """
        overlapping = None
        for item in self.items:
            if item.group != group or item.span is None:
                continue
            if item.span.contains(span):
                return item
            if overlapping is None and item.span.overlaps(span):
                overlapping = item
        return overlapping

    def _choose(self, meant: Sequence[Labelled], span: Span | None) -> Labelled:
        """Return the field of several with the same name that fits the section of its words: a
        field of an endpoint in the outcomes, another field elsewhere. Raises ``ValueError`` if none
        fits, or several do.
        """
        if len(meant) == 1:
            return meant[0]
        if span is not None:
            is_in_outcome = "_outcomes" in span.section
            fitting = []
            for label in meant:
                is_of_outcome = label.group == ENDPOINTS
                if is_of_outcome == is_in_outcome:
                    fitting.append(label)
            if len(fitting) == 1:
                return fitting[0]
        names = " or ".join(f"{label.group}.{label.name}" for label in meant)
        raise ValueError(f"{meant[0].name} is a field of several items; write {names}")

    def _open(self, group: str, mark: Mark, span: Span | None) -> MarkedItem:
        """Return a new item for the value of a mark that belongs to no item yet, with what follows
        from its place: section, quote and list of a criterion, section and quote of a regimen,
        rank, index and words of an outcome.

        Later marks may name the item by ``of`` or ``id`` of this one. Raises ``ValueError`` for a
        part of a dose other than the agent, and for words that are in no outcome.
        """
        if group == DOSING and not mark.label.endswith("agent"):
            raise ValueError(
                f"{mark.label} is of a regimen whose agent is not known; "
                f"{mark.tool.how_to_join_dose}"
            )
        values = self.homes.derive(group, span)
        item = MarkedItem(group, values, span, [], is_marked=False, tool=mark.tool)
        if group == ENDPOINTS:
            # measure, description and time frame as the rules cut the outcome
            item.span, parts = self.homes.split_outcome(values)
            item.values |= parts
        self.items.append(item)
        for name in (mark.of, mark.id):
            if name:
                self.by_id.setdefault(name, item)
        return item


def _shorten(text: str) -> str:
    """Return a text on one line, without its end if it is long."""
    return shorten(text, _SHOWN, placeholder=" ...")


def _find_unstated(value: Mapping[str, Any], quote: str) -> float | None:
    """Return the first number of a value that its quote lacks; None if it has all. 0 and 1 are not
    looked for, since there are many words for them.
    """
    stated = {number.value for number in find_numbers(read_passage(quote).tokens)}
    for name in ("value", "low", "high"):
        number: float | None = value.get(name)
        if number is None or number in (0, 1):
            continue
        if number not in stated:
            return number
    return None
