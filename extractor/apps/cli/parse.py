"""``extractor parse``: show what the rules read, without a model."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, OK, say, to_printable
from extractor.apps.cli.options import FieldsOption, option
from extractor.apps.cli.rule_places import PLACES, list_next_steps, name_rules
from extractor.options import FILES, read_own_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.concepts.parse import ParsedRecord
    from extractor.evidence.drafts import Draft, Reading, Span
    from extractor.language.patterns import Found

    Places = list[tuple[str, Span]]

_MOST_RULES = 4
"""Most rules shown for a value, those with the fewest words first."""


def parse(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for stdin."),
    ],
    explain: Annotated[
        bool,
        option(
            FILES,
            "Show each value's words and rules, and which rules decide what was not read.",
            "--explain",
        ),
    ] = False,
    fields: FieldsOption = None,
) -> int:
    """Show the criteria, doses and outcomes that the rules read, with their confidence.

    With --fields, also what the rules of your own fields read.

    Exit codes: 0 done, 1 some records could not be read, 2 usage.
    """
    from extractor.concepts.own.declaration import explain_unread
    from extractor.concepts.parse import parse_record
    from extractor.errors import RepeatedRecord
    from extractor.formats import read_records
    from extractor.language.patterns import trace_rules

    failures: list[Exception] = []
    custom = read_own_fields(fields)
    without_rules = explain_unread(custom)
    if without_rules:
        say(without_rules)
    unread: set[str] = set()

    def report(error: Exception) -> None:
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        say(str(error))

    for record in read_records(*inputs, on_error=report):
        with trace_rules() if explain else nullcontext() as trace:
            parsed = parse_record(record, custom)
        places = None if trace is None else place_rules(parsed, trace)
        shown = _Shown(parsed, places)
        typer.echo("\n".join(shown.list_lines()) + "\n")
        unread |= shown.unread
    if explain and unread:
        typer.echo("Not read, and the rules that decide it:")
        typer.echo("\n".join(f"    {step}" for step in list_next_steps(unread)))
    return FAILED if failures else OK


class _Shown:
    """A record in lines; with ``places`` of rules, also the words and rules of each value, and
    where the rules are of what was not read.
    """

    def __init__(self, parsed: "ParsedRecord", places: "Places | None") -> None:
        self._parsed = parsed
        self._places = places
        self.unread: set[str] = set()
        """Fields that rules decide and that were not read, of the lines listed so far."""

    def list_lines(self) -> "Iterator[str]":
        """Yield the lines of the record: its id, its own fields, then each criterion, regimen,
        passage that may hold a regimen, and outcome, with the item's number and its fields.
        """
        parsed = self._parsed
        yield f"# {to_printable(parsed.record.record_id)}"
        yield from self._list_fields(parsed.whole, indent="")
        for criterion in parsed.criteria:
            yield from self._list_criterion(criterion)
        for regimen in parsed.regimens:
            agent = _mark(regimen.rules["agent"])
            text = to_printable(parsed.raw(regimen.span))
            yield f"\n[{regimen.number}] regimen {agent}"
            yield f"    {text}"
            yield from self._list_fields(regimen, "agent", "stands")
        for chunk in parsed.candidates:
            yield f"\n[{chunk.number}] may hold a regimen\n    {to_printable(chunk.text)}"
        for outcome in parsed.outcomes:
            rank = outcome.rules["rank"].value
            index = outcome.rules["index"].value
            measure = _mark(outcome.rules["measure"])
            yield f"\n[{outcome.number}] {rank} outcome {index}: {measure}"
            yield from self._list_fields(outcome, "measure", "rank", "index")
        if not (parsed.criteria or parsed.regimens or parsed.outcomes):
            self.unread |= {"criteria", "regimens", "outcomes"}

    def _list_criterion(self, criterion: "Draft") -> "Iterator[str]":
        """Yield the lines of a criterion: its kind and whether it stands, its text, its other
        fields.
        """
        kind = _mark(criterion.rules["kind"])
        stands = _mark(criterion.rules["stands"])
        text = to_printable(criterion.chunk.text)
        yield f"\n[{criterion.number}] criterion {kind}, stands {stands}"
        yield f"    {text}"
        yield from self._list_fields(criterion, "kind", "stands")

    def _list_fields(
        self, item: "Draft", *in_title: str, indent: str = "    "
    ) -> "Iterator[str]":
        """Yield a line for each field of an item that has a value or is open; for the whole record,
        which has no ``indent``, also for each field that is surely not stated.

        Fields that are ``in_title`` have a line only where rules are shown. There, the words and
        rules of a value stand below its line.
        """
        is_of_record = not indent
        for name, reading in _list_readings(item):
            is_in_title = name in in_title and self._places is None
            if is_in_title:
                continue
            is_stated = reading.value not in (None, ())
            is_known_to_be_empty = not is_stated and reading.certain
            if is_known_to_be_empty and not is_of_record:
                continue
            yield f"{indent}{name}: {_mark(reading)}"
            if is_stated and self._places is not None:
                for line in self._explain(name, reading, self._places):
                    yield f"{indent}    {line}"
        unread = [name for name in PLACES if _is_unread(item.rules.get(name))]
        self.unread.update(unread)
        if unread and self._places is not None and not is_of_record:
            yield f"{indent}not read: {', '.join(unread)}"

    def _explain(
        self, name: str, reading: "Reading[Any]", places: "Places"
    ) -> "Iterator[str]":
        """Yield the words of a value, and the rules that read them."""
        if name == "negated" and reading.value is False:
            yield f"no rule found a denial: {name_rules(PLACES[name])}"
            return
        if not reading.spans:
            return
        words = [to_printable(self._parsed.raw(span)) for span in reading.spans]
        joined = "; ".join(words)
        yield f"from: {joined}"
        for rule, span in _choose(reading, places):
            matched = to_printable(self._parsed.raw(span))
            yield f"    {rule}: {matched}"


def _list_readings(item: "Draft") -> "Iterator[tuple[str, Reading[Any]]]":
    """Yield the fields of an item, then the user's own, whose attributes stand behind a dot."""
    yield from item.rules.items()
    for field, values in item.own.items():
        for value in values:
            for name, reading in value.rules.items():
                yield f"{field}.{name}", reading


def _is_unread(reading: "Reading[Any] | None") -> bool:
    """Return whether a field of an item is empty or open."""
    return reading is not None and reading.value in (None, ())


def _mark(reading: "Reading[Any]") -> str:
    """Return a value with its confidence, "?" for a question that the rules leave open."""
    if reading.is_open:
        return "?"
    return f"{_plain(reading.value)} ({reading.confidence:.2f})"


def _plain(value: Any) -> str:
    """Return a value on one line, "none" for an empty one."""
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return "; ".join(map(_plain, value))
    # A time window, which prints as its quote alone.
    if hasattr(value, "quote"):
        limit = f"{value.comparator} {value.value} {value.unit}"
        return to_printable(f"{value.quote}: {limit}")
    return to_printable(str(value))


def _choose(reading: "Reading[Any]", places: "Places") -> "Places":
    """Return the rules that matched words of a reading, the narrowest first, each once.

    A value without a rule comes from a pattern, a learned scorer, or its place in the record.
    """
    narrowest: dict[str, Span] = {}
    for rule, span in sorted(places, key=lambda place: place[1].length):
        matches_value = any(map(span.overlaps, reading.spans))
        if matches_value and rule not in narrowest:
            narrowest[rule] = span
    return list(narrowest.items())[:_MOST_RULES]


def place_rules(parsed: "ParsedRecord", trace: "list[tuple[str, Found]]") -> "Places":
    """Return the places in the raw text where rules matched, each rule and place once. A match in
    another text than a section, such as a name, is left out, and so is a match of no words.
    """
    from extractor.evidence.drafts import Span

    sections = {cleaned.text: name for name, cleaned in parsed.cleaned.items()}
    places: dict[tuple[str, Span], None] = {}
    for rule, match in trace:
        name = sections.get(match.tokens.text)
        has_words = match.end > match.first
        if name is None or not has_words:
            continue
        start, end = parsed.cleaned[name].raw_span(*match.span)
        places[rule, Span(name, start, end)] = None
    return list(places)
