"""``extractor parse``: show what the rules read, without a model."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, OK, say, to_printable
from extractor.apps.cli.options import FieldsOption, option
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
        bool, option(FILES, "Show each value's words and rules.", "--explain")
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
    unread = explain_unread(custom)
    if unread:
        say(unread)

    def report(error: Exception) -> None:
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        say(str(error))

    for record in read_records(*inputs, on_error=report):
        with trace_rules() if explain else nullcontext() as trace:
            parsed = parse_record(record, custom)
        shown = _Shown(parsed, None if trace is None else place_rules(parsed, trace))
        typer.echo("\n".join(shown.list_lines()) + "\n")
    return FAILED if failures else OK


class _Shown:
    """A record in lines; with ``places`` of rules, also the words and rules of each value."""

    def __init__(self, parsed: "ParsedRecord", places: "Places | None") -> None:
        self._parsed = parsed
        self._places = places

    def list_lines(self) -> "Iterator[str]":
        parsed = self._parsed
        yield f"# {to_printable(parsed.record.record_id)}"
        yield from self._list_fields(parsed.whole, indent="")
        for criterion in parsed.criteria:
            kind = _mark(criterion.rules["kind"])
            stands = _mark(criterion.rules["stands"])
            yield f"\n[{criterion.number}] criterion {kind}, stands {stands}"
            yield f"    {to_printable(criterion.chunk.text)}"
            yield from self._list_fields(criterion, "kind", "stands")
        for regimen in parsed.regimens:
            yield f"\n[{regimen.number}] regimen {_mark(regimen.rules['agent'])}"
            yield f"    {to_printable(parsed.raw(regimen.span))}"
            yield from self._list_fields(regimen, "agent", "stands")
        for chunk in parsed.candidates:
            yield f"\n[{chunk.number}] may hold a regimen\n    {to_printable(chunk.text)}"
        for outcome in parsed.outcomes:
            rank = outcome.rules["rank"].value
            index = outcome.rules["index"].value
            measure = _mark(outcome.rules["measure"])
            yield f"\n[{outcome.number}] {rank} outcome {index}: {measure}"
            yield from self._list_fields(outcome, "measure", "rank", "index")

    def _list_fields(
        self, item: "Draft", *in_title: str, indent: str = "    "
    ) -> "Iterator[str]":
        """Yield a line for each field of an item that has a value or is open.

        Fields that are ``in_title`` have a line only where rules are shown.
        """
        for name, reading in _list_readings(item):
            is_stated = reading.value not in (None, ())
            is_known_to_be_empty = not is_stated and reading.certain and bool(indent)
            is_in_title = name in in_title and self._places is None
            if is_in_title or is_known_to_be_empty:
                continue
            yield f"{indent}{name}: {_mark(reading)}"
            if is_stated and self._places is not None and reading.spans:
                words = "; ".join(
                    to_printable(self._parsed.raw(one)) for one in reading.spans
                )
                yield f"{indent}    from: {words}"
                for rule, span in _choose(reading, self._places):
                    yield f"{indent}        {rule}: {to_printable(self._parsed.raw(span))}"


def _list_readings(item: "Draft") -> "Iterator[tuple[str, Reading[Any]]]":
    """Yield the fields of an item, then the user's own, whose attributes stand behind a dot."""
    yield from item.rules.items()
    for field, values in item.own.items():
        for value in values:
            for name, reading in value.rules.items():
                yield f"{field}.{name}", reading


def _mark(reading: "Reading[Any]") -> str:
    return (
        "?"
        if reading.is_open
        else f"{_plain(reading.value)} ({reading.confidence:.2f})"
    )


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_plain, value)) or "none"
    if hasattr(value, "quote"):  # a time window, which prints as its quote alone
        return to_printable(
            f"{value.quote}: {value.comparator} {value.value} {value.unit}"
        )
    return "none" if value is None else to_printable(str(value))


def _choose(reading: "Reading[Any]", places: "Places") -> "Places":
    """Return the rules that matched words of a reading, the narrowest first, each once.

    A value without a rule comes from a pattern, a learned scorer, or its place in the record.
    """
    narrowest: dict[str, Span] = {}
    for rule, span in sorted(places, key=lambda place: place[1].length):
        if any(span.overlaps(one) for one in reading.spans):
            narrowest.setdefault(rule, span)
    return list(narrowest.items())[:_MOST_RULES]


def place_rules(parsed: "ParsedRecord", trace: "list[tuple[str, Found]]") -> "Places":
    """Return the places in the raw text where rules matched, each rule and place once."""
    from extractor.evidence.drafts import Span

    sections = {cleaned.text: name for name, cleaned in parsed.cleaned.items()}
    placed: dict[tuple[str, Span], None] = {}
    for rule, found in trace:
        name = sections.get(found.tokens.text)
        if name and found.end > found.first:
            placed[rule, Span(name, *parsed.cleaned[name].raw_span(*found.span))] = None
    return list(placed)
