"""``extractor parse``: show the output of the pre-parser, without a model."""

import sys
from contextlib import nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, OK, say, to_printable
from extractor.apps.cli.options import FieldsOption, option
from extractor.options import FILES, read_own_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.concepts.own.declaration import CustomField
    from extractor.concepts.parse import ParsedRecord
    from extractor.evidence.drafts import Draft, Reading, Span
    from extractor.language.patterns import Found

    Places = list[tuple[str, Span]]

_MOST_RULES = 4
"""Most rules shown for a value, those with the fewest words first."""


def parse(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for stdin.")
    ],
    as_json: Annotated[
        bool, option(FILES, "One JSON object a line, with every offset.", "--json")
    ] = False,
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
    if unread := explain_unread(custom):
        say(unread)

    def report(error: Exception) -> None:
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        say(str(error))

    for record in read_records(*inputs, on_error=report):
        with trace_rules() if explain else nullcontext() as trace:
            parsed = parse_record(record, custom)
        found = None if trace is None else place_rules(parsed, trace)
        typer.echo(
            _as_json(parsed, custom)
            if as_json and not explain
            else "\n".join(_describe(parsed, found)) + "\n"
        )
    return FAILED if failures else OK


def _as_json(parsed: "ParsedRecord", custom: "tuple[CustomField, ...]") -> str:
    from pydantic_core import to_json

    from extractor.assembly.assemble import ModelResult, assemble_extraction
    from extractor.assembly.coverage import list_covered_spans

    items = assemble_extraction(parsed, ModelResult(), fields=custom).list_items()
    parts = {
        "record_id": parsed.record.record_id,
        "eligibility": {**parsed.whole.rules, "criteria": tuple(map(_dump, parsed.criteria))},
        "dosing": {"regimens": tuple(map(_dump, parsed.regimens)), "candidates": parsed.candidates},
        "outcomes": tuple(map(_dump, parsed.outcomes)),
        **_dump_own(parsed.whole),
        "coverage": tuple(list_covered_spans(parsed.record, items)),
    }
    # Some characters beyond ASCII control a terminal, too.
    return to_json(parts, ensure_ascii=sys.stdout.isatty()).decode()


def _dump(draft: "Draft") -> dict[str, Any]:
    return {"chunk": draft.chunk, "span": draft.span, **draft.rules, **_dump_own(draft)}


def _dump_own(draft: "Draft") -> dict[str, Any]:
    own = {name: tuple(map(_dump, values)) for name, values in draft.own.items()}
    return {"custom": own} if own else {}


def _describe(parsed: "ParsedRecord", found: "Places | None") -> "Iterator[str]":
    """Yield the lines that show a record; with ``found``, also the words and rules of each
    value.
    """
    describe = partial(_describe_fields, parsed=parsed, found=found)
    yield f"# {to_printable(parsed.record.record_id)}"
    yield from describe(parsed.whole, indent="")
    for criterion in parsed.criteria:
        kind, stands = (_mark(criterion.rules[name]) for name in ("kind", "stands"))
        yield f"\n[{criterion.number}] criterion {kind}, stands {stands}"
        yield f"    {to_printable(criterion.chunk.text)}"
        yield from describe(criterion, "kind", "stands")
    for regimen in parsed.regimens:
        yield f"\n[{regimen.number}] regimen {_mark(regimen.rules['agent'])}"
        yield f"    {to_printable(parsed.raw(regimen.span))}"
        yield from describe(regimen, "agent", "stands")
    for chunk in parsed.candidates:
        yield f"\n[{chunk.number}] may hold a regimen\n    {to_printable(chunk.text)}"
    for outcome in parsed.outcomes:
        rank, index = (outcome.rules[name].value for name in ("rank", "index"))
        yield f"\n[{outcome.number}] {rank} outcome {index}: {_mark(outcome.rules['measure'])}"
        yield from describe(outcome, "measure", "rank", "index")


def _describe_fields(
    item: "Draft", *shown: str, parsed: "ParsedRecord", found: "Places | None", indent: str = "    "
) -> "Iterator[str]":
    """Yield a line for each field of an item that is not ``shown`` elsewhere and has a value or is
    open.

    With ``found``, each value gets a line with its words, and one for each rule that matched some
    of them. A value without a rule comes from a pattern, a learned scorer, or its place in the
    record.
    """
    # Attributes of the user's own fields stand behind their field.
    own = (
        (f"{field}.{name}", reading)
        for field, values in item.own.items()
        for value in values
        for name, reading in value.rules.items()
    )
    for name, reading in chain(item.rules.items(), own):
        stated = reading.value not in (None, ())
        if (name not in shown or found is not None) and (
            stated or not reading.certain or not indent
        ):
            yield f"{indent}{name}: {_mark(reading)}"
            if found is not None and stated and reading.spans:
                yield f"{indent}    from: {'; '.join(to_printable(parsed.raw(span)) for span in reading.spans)}"
                for rule, span in _choose(reading, found):
                    yield f"{indent}        {rule}: {to_printable(parsed.raw(span))}"


def _mark(reading: "Reading[Any]") -> str:
    return "?" if reading.is_open else f"{_plain(reading.value)} ({reading.confidence:.2f})"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_plain, value)) or "none"
    if hasattr(value, "quote"):  # a time window, which prints as its quote alone
        return to_printable(f"{value.quote}: {value.comparator} {value.value} {value.unit}")
    return "none" if value is None else to_printable(str(value))


def _choose(reading: "Reading[Any]", found: "Places") -> "Places":
    """Return the rules that matched words of a reading, the narrowest first, each once."""
    near = [
        (rule, span) for rule, span in found if any(span.overlaps(one) for one in reading.spans)
    ]
    return list(dict(sorted(near, key=lambda one: -one[1].length)).items())[::-1][:_MOST_RULES]


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
