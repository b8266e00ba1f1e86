"""Read records from inputs, one at a time, each with its id and place."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from numbers import Integral
from typing import Any, BinaryIO, get_args

from extractor.errors import ArgumentError, RecordError, RepeatedRecord, WrongType
from extractor.formats.flat import build_plain
from extractor.formats.found import Found, UnreadableSource, build_content, join_place
from extractor.formats.free_text import GivenSection, build_given
from extractor.schemas import Source, TrialRecord
from extractor.schemas.arguments import suggest
from extractor.schemas.record_limits import check_unicode


def read_records(
    *inputs: str | os.PathLike[str],
    on_error: Callable[[RecordError], None] | None = None,
    stdin: BinaryIO | None = None,
    open_address: Callable[[str], Iterator[tuple[str, BinaryIO] | RecordError]]
    | None = None,
) -> Iterator[TrialRecord]:
    """Read trial records one by one, in any supported format, plain, in gzip or in zip.

    Args:
        inputs: Files, folders (searched in depth, without folders of results), patterns such as
            ``*.json``, and ``-`` for standard input.
        on_error: Is called with the error of each record that cannot be read. Reading continues
            with the next record.
        stdin: A binary stream to read in place of standard input.
        open_address: Opens the files at an address such as ``s3://bucket/folder``.

    Raises:
        RecordError: A record cannot be read or repeats an earlier id, and there is no ``on_error``.
            The message names the file, the place in it and a remedy.
        WrongType: An input is no path.

    >>> record = next(read_records("seeds/records"))
    >>> record.record_id, [section.name for section in record.sections][:3]
    ('000_071fc1b3f362aea9', ['title', 'brief_summary', 'conditions'])
    """
    # What opens files is loaded with the first file: a text needs none of it.
    from extractor.formats.inputs import exists, open_input  # noqa: PLC0415

    ids: dict[str, tuple[str, int]] = {}
    for given in inputs:
        if not isinstance(given, str | os.PathLike):
            name = type(given).__name__
            remedy = "give each file or folder as an argument of its own"
            raise WrongType(f"{name} is no path; {remedy}")
        location = os.fspath(given)
        is_named = location == "-" or (exists(location) and not os.path.isdir(location))  # noqa: PTH112
        for opened in open_input(location, stdin, open_address):
            for found in _read_opened(opened, named=is_named):
                result = check_new(found, ids) if isinstance(found, TrialRecord) else found
                if isinstance(result, TrialRecord):
                    yield result
                elif on_error:
                    on_error(result)
                else:
                    raise result


def read_stream(name: str, stream: BinaryIO) -> Iterator[TrialRecord]:
    r"""Read trial records from an open stream, as from a file of that name. The first problem
    raises ``RecordError``.

    >>> from io import BytesIO
    >>> text = b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n"
    >>> next(read_stream("example.txt", BytesIO(text))).record_id
    'example'
    """
    for result in _read_opened((name, stream), named=True):
        if isinstance(result, RecordError):
            raise result
        yield result


def make_record(
    text: str,
    *,
    title: str | None = None,
    record_id: str | int | None = None,
    section: GivenSection | None = None,
) -> TrialRecord:
    r"""Make the record of a text, such as a protocol synopsis or a pasted list of criteria.

    Usual headings ("Key inclusion criteria", "Treatment arms", "Primary endpoint(s)") begin
    sections; a text without any is one description, unless ``section`` says what it is. A section's
    ``locate`` tells where its characters stand in ``text``.

    Args:
        text: The text, plain or in Markdown; or a flattened record.
        title: The title of the trial, in place of one in the text.
        record_id: The record's id; by default the number of a registry that the text states, else
            ``text``.
        section: The section that all of the text is, such as ``eligibility`` for a list of
            criteria, or ``primary_outcomes``; it then needs no heading, and other headings begin
            nothing.

    Raises:
        RecordError: The text is empty or too long, or is data such as JSON.
        ArgumentError: It is no text, or is the name of a file; or there is no such section.

    >>> text = "Inclusion criteria\n- Adults\n\nPrimary endpoint: Survival at 2 years"
    >>> record = make_record(text, title="A Trial of Fictumab")
    >>> [section.name for section in record.sections]
    ['title', 'eligibility', 'primary_outcomes[0]']
    >>> start, end = record.section("primary_outcomes[0]").locate(0, 8)
    >>> text[start:end]
    'Survival'
    >>> record = make_record("Age 18 years or older", section="eligibility")
    >>> [section.name for section in record.sections]
    ['eligibility']
    """
    kinds = {
        "text": (text, str),
        "title": (title, str | None),
        "record_id": (record_id, str | Integral | None),
    }
    for name, (value, kind) in kinds.items():
        if not isinstance(value, kind):
            raise WrongType(f"{name}: {type(value).__name__} is no text; give one")
    if os.path.isfile(text):  # noqa: PTH113 - Path.is_file raises for a text that is a long name
        remedy = "read it with read_records"
        raise ArgumentError(f"{text!r} is the name of a file; {remedy}")
    known = get_args(GivenSection)
    if section is not None and section not in known:
        nearest = suggest(str(section), known)
        listed = ", ".join(known)
        raise ArgumentError(f"section: {section!r} is none of {listed}{nearest}")
    build = partial(build_plain, title=title)
    if section:
        build = partial(build_given, section=section, title=title)
    content = build_content(build, text, None)
    own_id = "" if record_id is None else str(record_id).strip()
    if own_id and not isinstance(content, UnreadableSource):
        content = replace(content, trial_id=own_id)
    [found] = _make_records("<text>", iter([content]), "text")
    if isinstance(found, RecordError):
        raise found
    check_unicode(found)
    return found


def write_study(study: Mapping[str, Any]) -> str:
    """Return a study as a line of JSON, in ASCII. Raises ``WrongType`` for what JSON cannot
    hold.
    """
    try:
        return json.dumps(study, default=dict)
    except Exception as error:  # noqa: BLE001 - an object of the caller can fail in any way
        problem = str(error) or type(error).__name__
    raise WrongType(
        f"the dictionary is no JSON ({problem}); give a study as json.load reads it"
    )


def check_new(
    record: TrialRecord, seen: dict[str, tuple[str, int]]
) -> TrialRecord | RecordError:
    """Return the record if its id is new, else an error with both places.

    A record with text that is no Unicode is an error, too: it cannot be stored.

    Args:
        record: The record.
        seen: The place of each id so far, and a digest of its text, by which the error says whether
            both have the same text. A new id is added.
    """
    try:
        digest = hash(check_unicode(record))
    except RecordError as error:
        return error
    source = record.source
    place = join_place(source.path, source.place) or ""
    if record.record_id not in seen:
        seen[record.record_id] = place, digest
        return record
    first, known = seen[record.record_id]
    return RepeatedRecord(
        source.path,
        record.record_id,
        first,
        same_text=known == digest,
        place=source.place,
    )


def _read_opened(
    opened: tuple[str, BinaryIO] | RecordError, *, named: bool
) -> Iterator[TrialRecord | RecordError]:
    """Yield the records of a file, and the errors of what cannot be read. Does not raise."""
    from extractor.formats.files import UNREADABLE, as_unreadable, open_documents  # noqa: PLC0415

    if isinstance(opened, RecordError):
        yield opened
        return
    path, stream = opened
    try:
        for document in open_documents(path.strip("<>"), stream, named=named):
            yield from _make_records(path, document.items, document.stem, document.member)
    except UNREADABLE as error:
        yield as_unreadable(error).locate(path)


def _make_records(
    path: str, items: Iterator[Found], stem: str, member: str | None = None
) -> Iterator[TrialRecord | RecordError]:
    """Yield the records of a document, and the errors of what cannot be read. A document that holds
    nothing is an error.

    Args:
        path: The file.
        items: What its reader found.
        stem: The id of a record without one; it is numbered if the document holds several.
        member: The name of the document in an archive.
    """
    # two items show whether the document holds several
    opening = list(islice(items, 2))
    if not opening:
        opening = [UnreadableSource("holds no record", "give a file with records")]
    for number, content in enumerate(chain(opening, items), 1):
        if isinstance(content, UnreadableSource):
            yield content.below(member).locate(path)
            continue
        own_id = f"{stem}-{number}" if len(opening) > 1 else stem
        source = Source(
            path=path,
            format=content.format,
            place=join_place(member, content.place),
            notes=content.notes,
        )
        yield TrialRecord(
            record_id=content.trial_id or own_id,
            source=source,
            sections=content.sections,
            registry=content.registry,
            document=content.document,
            given=content.given,
        )
