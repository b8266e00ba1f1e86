"""Typed token spans, and the productions that combine them."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

from extractor.language.book import list_possible, read_table, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.values import value_class

Parts = Mapping[str, "Expression"]
Maker = Callable[[Parts], object]
# Chosen by hand; without it, every case is the same, but the time is not linear.
LONGEST_SPAN = 30
"""Maximum number of tokens in a span, used to search backwards for spans that cover a token."""
_BEGINNING = attrgetter("first")
_ITEM = re.compile(r"(?:(?P<name>\w+):)?(?P<kinds>[\w<>|]+)(?P<optional>\?)?")
_RULE = re.compile(r"<(\w+)>")


@value_class()
class Expression:
    """The tokens ``first:end``, read as one kind of expression, with the value of the expression
    and its component spans.

    ``rule`` is the name of the rule or production that created the span. ``weight`` is the
    preference for this reading over other readings of the same tokens: the weight of the production
    plus the weights of the component spans.
    """

    kind: str
    first: int
    end: int
    rule: str
    value: Any = None
    parts: tuple["Expression", ...] = ()
    weight: float = 0.0

    @property
    def place(self) -> Range:
        """Its tokens as a half-open range."""
        return self.first, self.end


@dataclass(frozen=True, slots=True)
class Slot:
    """One position in a production, which matches a span of any of the given kinds."""

    name: str
    kinds: tuple[str, ...]
    is_optional: bool


@dataclass(eq=False)
class Production:
    """A sequence of span kinds, with the kind of the span that they form and the function that
    builds its value.
    """

    kind: str
    name: str
    items: tuple[Slot, ...]
    make: Maker
    weight: float

    @cached_property
    def required(self) -> tuple[tuple[str, ...], ...]:
        """The kinds of each item that is not optional."""
        return tuple(item.kinds for item in self.items if not item.is_optional)

    @cached_property
    def opening_kinds(self) -> tuple[str, ...]:
        """The kinds of the spans with which a match can begin: those of the optional items at the
        start, and of the first item that is not optional.
        """
        kinds: list[str] = []
        for item in self.items:
            kinds += item.kinds
            if not item.is_optional:
                break
        return tuple(kinds)


class Chart:
    """The spans found so far, indexed by kind and first token."""

    def __init__(self, spans: Iterable[Expression] = ()) -> None:
        self._spans: dict[str, dict[int, list[Expression]]] = {}
        self._ends: dict[str, dict[int, list[Expression]]] = {}
        self._listed: dict[tuple[str, ...], list[Expression]] = {}
        for span in spans:
            self.add(span)

    def add(self, span: Expression) -> None:
        """Add a span."""
        starting = self._spans.setdefault(span.kind, {})
        starting.setdefault(span.first, []).append(span)
        ending = self._ends.setdefault(span.kind, {})
        ending.setdefault(span.end, []).append(span)
        self._listed.clear()

    def has_all(self, required: tuple[tuple[str, ...], ...]) -> bool:
        """Return whether there is a span of one of the kinds of each item."""
        return not any(map(self._spans.keys().isdisjoint, required))

    def list_starts(self, kinds: tuple[str, ...]) -> list[int]:
        """Return the first tokens of the spans of these kinds, from left to right."""
        return sorted({at for kind in kinds for at in self._spans.get(kind, ())})

    def at(self, kind: str, first: int) -> list[Expression]:
        """Return the spans of a kind that begin at a token."""
        return self._spans.get(kind, {}).get(first, [])

    def ending(self, kind: str, end: int) -> list[Expression]:
        """Return the spans of a kind that end immediately before a token."""
        return self._ends.get(kind, {}).get(end, [])

    def between(self, first: int, end: int, *kinds: str) -> list[Expression]:
        """Return the spans of these kinds whose first token is in ``first:end``, from left to
        right.
        """
        spans = self.all(*kinds)
        low = bisect_left(spans, first, key=_BEGINNING)
        high = bisect_left(spans, end, key=_BEGINNING)
        return spans[low:high]

    def all(self, *kinds: str) -> list[Expression]:
        """Return all spans of these kinds, from left to right. The result is cached until a span is
        added.
        """
        if kinds in self._listed:
            return self._listed[kinds]
        listed = []
        for kind in kinds:
            for spans in self._spans.get(kind, {}).values():
                listed += spans
        self._listed[kinds] = sorted(listed, key=lambda span: (span.first, -span.end))
        return self._listed[kinds]


@cache
def _list_rules(table: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the rules in the patterns of productions, in the order of their use."""
    productions = [
        fields for kind in kinds for fields in read_table(table)[kind].values()
    ]
    patterns = " ".join(fields["pattern"] for fields in productions)
    return tuple(dict.fromkeys(_RULE.findall(patterns)))


def find_rules(
    tokens: Tokens, table: str, kinds: tuple[str, ...]
) -> Iterator[Expression]:
    """Yield a span for each match of a rule that the productions of these kinds name. The kind of
    the span is the name of the rule.
    """
    for name in list_possible(_list_rules(table, kinds), tokens):
        for match in rule(name).find(tokens):
            yield Expression(name, match.first, match.end, name, match.text)


def read_productions(
    table: str, kinds: Iterable[str], makers: Mapping[str, Maker]
) -> tuple[Production, ...]:
    """Read the productions of spans of these kinds in a table. In a pattern, ``<rule>`` is a match
    of a rule over tokens, and a name is a span of this kind. Raises ``KeyError`` if a maker is
    unknown.
    """
    return tuple(
        Production(
            kind,
            name,
            tuple(_read_items(fields["pattern"])),
            makers[fields["make"]],
            fields["weight"],
        )
        for kind in kinds
        for name, fields in read_table(table)[kind].items()
    )


def _read_items(pattern: str) -> Iterator[Slot]:
    for written in pattern.split():
        item = _ITEM.fullmatch(written)
        assert item, f"invalid item in a production: {written}"
        kinds = _RULE.sub(r"\1", item["kinds"])
        name = item["name"] or kinds
        yield Slot(name, tuple(kinds.split("|")), bool(item["optional"]))


def compose(chart: Chart, productions: Iterable[Production]) -> None:
    """Apply the productions and add the resulting spans to the chart. Each production is applied
    once, in order, and can use spans created by earlier productions.
    """
    for production in productions:
        if not chart.has_all(production.required):
            continue
        created = []
        for start in chart.list_starts(production.opening_kinds):
            for match in _match(chart, production.items, start):
                span = _make(production, match)
                if span is not None:
                    created.append(span)
        # only now, so that a production is not applied to its own spans
        for span in created:
            chart.add(span)


def _match(
    chart: Chart, items: tuple[Slot, ...], at: int
) -> Iterator[list[tuple[str, Expression]]]:
    """Yield each sequence of adjacent spans from token ``at`` that matches the items, as (name,
    span) pairs. An item's name is the name of its part in the production.
    """
    if not items:
        yield []
        return
    item = items[0]
    rest = items[1:]
    for kind in item.kinds:
        for span in chart.at(kind, at):
            for following in _match(chart, rest, span.end):
                yield [(item.name, span), *following]
    if item.is_optional:
        yield from _match(chart, rest, at)


def _make(
    production: Production, match: list[tuple[str, Expression]]
) -> Expression | None:
    """Return the span that a match of a production forms, or None if the value of that span is
    invalid.
    """
    value = production.make(dict(match))
    if value is None:
        return None
    parts = tuple(span for _, span in match)
    weight = production.weight + sum(span.weight for span in parts)
    return Expression(
        production.kind,
        parts[0].first,
        parts[-1].end,
        production.name,
        value,
        parts,
        weight,
    )
