"""``extractor parse``: what the pre-parser sees, without a model."""

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import FAILED, errors_for_people, to_printable, without_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extractor.parse import ParsedRecord
    from extractor.parse.parsed import Reading, Span
    from extractor.schemas import TrialRecord
    from extractor.text.patterns import Found


def parse(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with every offset.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Under each value the rules that found its words, and these words.")
    ] = False,
) -> None:
    """Show the criteria, doses and outcomes that the rules read, and how sure they are.

    Exit codes: 0 done, 1 some records could not be read, 2 usage.
    """
    from extractor.errors import RepeatedRecord
    from extractor.parse import parse_record
    from extractor.read import read_records

    failures: list[Exception] = []

    def report(error: Exception) -> None:
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        print(f"extractor: {without_controls(str(error))}", file=sys.stderr)

    with errors_for_people():
        records = read_records(*inputs, on_error=report, stdin=sys.stdin.buffer)
        if explain:
            for record in records:
                typer.echo(explain_record(record))
        else:
            _show_all(map(parse_record, records), as_json=as_json)
        if failures:
            raise SystemExit(FAILED)


def _show_all(records: "Iterable[ParsedRecord]", *, as_json: bool) -> None:
    for parsed in records:
        if as_json:
            typer.echo(_as_json(parsed))
        else:
            _show(parsed)


def _as_json(parsed: "ParsedRecord") -> str:
    from pydantic_core import to_json

    from extractor.assemble import ModelResult, assemble_extraction
    from extractor.assemble.coverage import list_covered_spans

    items = assemble_extraction(parsed, ModelResult()).list_items()
    parts = {
        "record_id": parsed.record.record_id,
        "eligibility": parsed.eligibility,
        "dosing": parsed.dosing,
        "outcomes": parsed.outcomes,
        "coverage": tuple(list_covered_spans(parsed.record, items)),
    }
    # A terminal obeys some characters beyond ASCII, too.
    return to_json(parts, ensure_ascii=sys.stdout.isatty()).decode()


def _show(parsed: "ParsedRecord") -> None:
    typer.echo(f"# {to_printable(parsed.record.record_id)}")
    for name, reading in _list_readings(parsed.eligibility):
        typer.echo(f"{name}: {_mark(reading)}")
    for criterion in parsed.eligibility.criteria:
        typer.echo(f"\n[{criterion.chunk.number}] criterion {_mark(criterion.kind)}, stands {_mark(criterion.stands)}")
        typer.echo(f"    {to_printable(criterion.chunk.text)}")
        _show_fields(criterion, "kind", "stands")
    for regimen in parsed.dosing.regimens:
        typer.echo(f"\n[{regimen.chunk.number}] regimen {_mark(regimen.agent)}")
        typer.echo(f"    {to_printable(parsed.raw(regimen.quote))}")
        _show_fields(regimen, "agent", "exists")
    for chunk in parsed.dosing.candidates:
        typer.echo(f"\n[{chunk.number}] may hold a regimen\n    {to_printable(chunk.text)}")
    for outcome in parsed.outcomes:
        typer.echo(f"\n[{outcome.chunk.number}] {outcome.rank} outcome {outcome.index}: {_mark(outcome.measure)}")
        _show_fields(outcome, "measure")
    typer.echo()


def _list_readings(item: Any) -> "Iterator[tuple[str, Reading[Any]]]":
    """The readings of an item by the name of their field, in the order of the class."""
    from extractor.parse.parsed import Reading

    for each in fields(item):
        reading = getattr(item, each.name)
        if isinstance(reading, Reading):
            yield each.name, reading


def _show_fields(item: Any, *shown: str) -> None:
    for name, reading in _list_readings(item):
        if name not in shown and (reading.value not in (None, ()) or not reading.certain):
            typer.echo(f"    {name}: {_mark(reading)}")


def _mark(reading: "Reading[Any]") -> str:
    return "?" if reading.is_open else f"{_plain(reading.value)} ({reading.confidence:.2f})"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_plain, value)) or "none"
    if hasattr(value, "model_dump"):
        return " ".join(str(part) for part in value.model_dump(mode="json").values() if part is not None)
    return "none" if value is None else to_printable(str(value))


_SHOWN = 4
"""Rules that are shown for a value, those with the fewest words first."""


def explain_record(record: "TrialRecord") -> str:
    """Each value of a record with the words that it rests on, and the rules that found something in these words.

    A value without a rule was read by a pattern, by a learned scorer, or from its place in the record.
    """
    from extractor.parse import parse_record
    from extractor.text.patterns import trace_rules

    with trace_rules() as trace:
        parsed = parse_record(record)
    return "\n".join([f"# {to_printable(record.record_id)}", *_explain(parsed, trace), ""])


def _explain(parsed: "ParsedRecord", trace: "list[tuple[str, Found]]") -> "Iterator[str]":
    found = place_rules(parsed, trace)
    yield from _explain_item("eligibility", parsed.eligibility, parsed, found)
    for name, items in (
        ("criterion", parsed.eligibility.criteria),
        ("regimen", parsed.dosing.regimens),
        ("outcome", parsed.outcomes),
    ):
        for item in items:
            yield f"\n[{item.chunk.number}] {name}: {to_printable(item.chunk.text)}"
            yield from _explain_item(name, item, parsed, found)


def _explain_item(name: str, item: Any, parsed: "ParsedRecord", found: "list[tuple[str, Span]]") -> "Iterator[str]":
    for field, reading in _list_readings(item):
        if reading.value not in (None, ()) and reading.spans:
            words = "; ".join(to_printable(parsed.raw(span)) for span in reading.spans)
            yield f"  {name}.{field} ({reading.confidence:.2f}): {words}"
            yield from (f"      {rule}: {to_printable(parsed.raw(span))}" for rule, span in _choose(reading, found))


def _choose(reading: "Reading[Any]", found: "list[tuple[str, Span]]") -> "list[tuple[str, Span]]":
    """The rules that found words of a reading, the narrowest first, each once."""
    near = [(rule, span) for rule, span in found if any(span.overlaps(one) for one in reading.spans)]
    return list(dict(sorted(near, key=lambda one: -one[1].length)).items())[::-1][:_SHOWN]


def place_rules(parsed: "ParsedRecord", trace: "list[tuple[str, Found]]") -> "list[tuple[str, Span]]":
    """Where in the raw text the rules found something, each rule and place once."""
    from extractor.parse.parsed import Span

    sections = {cleaned.text: name for name, cleaned in parsed.cleaned.items()}
    placed: dict[tuple[str, Span], None] = {}
    for rule, found in trace:
        name = sections.get(found.tokens.text)
        if name and found.end > found.first:
            placed[rule, Span(name, *parsed.cleaned[name].raw_span(*found.span))] = None
    return list(placed)
