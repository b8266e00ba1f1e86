"""``extractor parse``: what the pre-parser sees, without a model."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import FAILED, errors_for_people
from .tables import to_printable, without_controls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from extractor.parse import ParsedRecord
    from extractor.parse.parsed import Reading

__all__ = ["parse"]


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
            from .explain import explain_record

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
    from extractor.ground.rederive import list_items

    items = list_items(assemble_extraction(parsed, ModelResult()))
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
    people = parsed.eligibility
    for name in ("minimum_age", "maximum_age", "sex", "healthy_volunteers"):
        typer.echo(f"{name}: {_mark(getattr(people, name))}")
    for criterion in people.criteria:
        typer.echo(f"\n[{criterion.chunk.number}] criterion {_mark(criterion.kind)}, stands {_mark(criterion.stands)}")
        typer.echo(f"    {to_printable(criterion.chunk.text)}")
        _show_fields(criterion, ("lead_in", "category", "constraints", "time_window"))
    for regimen in parsed.dosing.regimens:
        typer.echo(f"\n[{regimen.chunk.number}] regimen {_mark(regimen.agent)}")
        typer.echo(f"    {to_printable(parsed.raw(regimen.quote))}")
        _show_fields(regimen, ("role", "amounts", "route", "frequency", "cycle", "duration", "timing"))
    for chunk in parsed.dosing.candidates:
        typer.echo(f"\n[{chunk.number}] may hold a regimen\n    {to_printable(chunk.text)}")
    for outcome in parsed.outcomes:
        typer.echo(f"\n[{outcome.chunk.number}] {outcome.rank} outcome {outcome.index}: {_mark(outcome.measure)}")
        _show_fields(outcome, ("description", "time_frame", "time_points", "time_kind", "concept", "category"))
        _show_fields(outcome, ("instrument", "start_event", "end_events", "censored", "specimens", "methods"))
    typer.echo()


def _show_fields(item: Any, names: tuple[str, ...]) -> None:
    for name in names:
        reading = getattr(item, name)
        if reading.value not in (None, ()) or not reading.certain:
            typer.echo(f"    {name}: {_mark(reading)}")


def _mark(reading: "Reading[Any]") -> str:
    return "?" if reading.is_open else f"{_plain(reading.value)} ({reading.confidence:.2f})"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_plain, value)) or "none"
    if hasattr(value, "model_dump"):
        return " ".join(str(part) for part in value.model_dump(mode="json").values() if part is not None)
    return "none" if value is None else to_printable(str(value))
