"""``extractor parse``: show what the rules extract without a model, with the rule files for each
field, which help you to find out why a text was misread. They are listed in ``rule_places.toml``.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple

import typer

from extractor.apps.cli.console import FAILED, OK, print_text, say
from extractor.apps.cli.options import ColumnsOption, FieldsOption, option
from extractor.errors import RepeatedRecord
from extractor.face import (
    Draft,
    ParsedRecord,
    Reading,
    explain_absence,
    explain_unread,
    list_counts,
    parse_record,
    read_records,
    refuse_missing,
)
from extractor.options import (
    FILES,
    ExtractionOptions,
    read_columns,
    read_own_fields,
)
from extractor.resources import read_toml
from extractor.schemas.vocabulary import Effort


class ReaderFiles(NamedTuple):
    """The fields that a reader handles, the reader's rule files, and the module that ``decides``
    which of the readings is the value, if it is another one. Paths are relative to
    ``extractor/concepts``, except for the path of the case file, which is in ``tests/cases``.
    """

    fields: list[str]
    rules: list[str]
    reader: str
    cases: str
    decides: str = ""

    @property
    def modules(self) -> str:
        """The reader, and the module that decides among its readings, for messages."""
        return ", ".join(filter(None, (self.reader, self.decides)))


PLACES = [
    ReaderFiles(**place)
    for place in read_toml(__package__, "rule_places.toml")["place"]
]


def explain_place(field: str) -> str:
    """Return the rule files, the modules and the cases for a field.

    >>> explain_place("sex")
    'rules: people/rules/sex.toml; read by: people/sex.py; cases: people.toml'
    >>> explain_place("kind")
    'no rules of its own'
    """
    for place in PLACES:
        if field in place.fields:
            rules = ", ".join(place.rules)
            return f"rules: {rules}; read by: {place.modules}; cases: {place.cases}"
    return "no rules of its own"


def parse(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for stdin."),
    ],
    explain: Annotated[
        bool,
        option(
            FILES,
            "Show the words, the rule files and what the confidence of each value consists of.",
            "--explain",
        ),
    ] = False,
    fields: FieldsOption = None,
    columns: ColumnsOption = None,
) -> int:
    """Show the criteria, doses and outcomes that the rules extract, with their confidence.

    Exit codes: 0 done, 1 some records could not be read, 2 wrong usage.

    Example: extractor parse record.json --explain
    """
    refuse_missing(inputs)
    failures: list[Exception] = []
    custom = read_own_fields(fields)
    unread = explain_unread(custom)
    if unread:
        say(unread)

    def report(error: Exception) -> None:
        # a record that occurs twice is shown once, so nothing is missing
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        say(str(error))

    for record in read_records(*inputs, on_error=report, columns=read_columns(columns)):
        parsed = parse_record(record, custom)
        explain_asking = None
        if explain:
            explain_asking = _find_asked(parsed)
        print_text(
            "parse.txt",
            parsed=parsed,
            explains=explain,
            explain_absence=_explain_absence,
            explain_asking=explain_asking,
            list_readings=_list_readings,
            explain_place=explain_place,
            explain_confidence=_explain_confidence,
        )
        print()
    if failures:
        return FAILED
    return OK


def _list_readings(item: Draft) -> Iterator[tuple[str, Reading[object]]]:
    """Yield (field, reading) pairs for an item, then for the attributes of its custom fields."""
    yield from item.rules.items()
    for field, values in item.custom_values.items():
        for value in values:
            for name, reading in value.rules.items():
                yield f"{field}.{name}", reading


def _explain_absence(
    parsed: ParsedRecord, item: Draft, name: str, reading: Reading[object]
) -> Iterator[str]:
    """Yield what the rules saw and refused, if they read no value of a field."""
    if not reading.list_values():
        yield from explain_absence(parsed, item, name)


def _find_asked(parsed: ParsedRecord) -> Callable[[Draft], str]:
    """Return a function that says whether a model would be shown the words of an item."""
    from extractor.model.asking.request import ELIGIBILITY, plan_request  # noqa: PLC0415 - slow, and only --explain needs it

    request = plan_request(parsed, ExtractionOptions(effort=Effort.FULL))
    shows_text = request is not None and bool(request.places)
    lines = request.lines if request else ()

    def explain_asking(item: Draft) -> str:
        """Return where the request about the record shows an item."""
        if shows_text and item.span.section == ELIGIBILITY:
            return "asked, in the eligibility text"
        for line in lines:
            if line.chunk.span.overlaps(item.span):
                return f"asked, in line {line.number} of the request"
        return "not asked: the request about the record does not show these words"

    return explain_asking


def _explain_confidence(item: Draft, name: str, reading: Reading[object]) -> str:
    """Return what counts for the confidence of a reading; of a list, for each member in order. An
    empty string if nothing does, as for a value that is certain or empty.
    """
    if not reading.list_values():
        return ""
    path = f"{item.group}.{name}"
    features_by_member = [
        (*member.features, *reading.features) for member in reading.members
    ]
    counts = [
        ", ".join(list_counts(path, features, reading.probability))
        for features in features_by_member or [reading.features]
    ]
    return "; ".join(filter(None, counts))
