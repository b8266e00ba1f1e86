"""Read records from inputs one at a time, each with its id and place."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import BinaryIO, get_args

from extractor.errors import ArgumentError, RecordError, RepeatedRecord, WrongType
from extractor.formats.flat import build_plain
from extractor.formats.found import (
    NONE_CHOSEN,
    UNREAD,
    Columns,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
    find_trial_id,
    join_place,
)
from extractor.formats.free_text import GivenSection, build_given
from extractor.formats.inputs import (
    OpenAddress,
    is_file,
    is_path,
    open_input,
    read_path_argument,
)
from extractor.formats.registry_numbers import (
    NO_NUMBER,
    RegistryNumber,
    find_registry_number,
)
from extractor.formats.tables import build_row, choose_columns
from extractor.schemas import Source, TrialRecord
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.base import StrPath
from extractor.schemas.record_limits import check_unicode

_Result = TrialRecord | RecordError
_OnError = Callable[[RecordError], None] | None
_UNNAMED = "text"
"""The id of a text that has neither a name nor a number."""


def read_records(
    *inputs: StrPath,
    on_error: Callable[[RecordError], None] | None = None,
    stdin: BinaryIO | None = None,
    open_address: OpenAddress | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[TrialRecord]:
    """Read trial records one by one, in any supported format, uncompressed or compressed with gzip
    or zip.

    Args:
        inputs: Files, folders (searched recursively, except for folders of results), patterns such
            as ``*.json``, or ``-`` for standard input.
        on_error: Called with the error for each record that cannot be read. Reading then continues
            with the next record.
        stdin: A binary stream to read instead of standard input.
        open_address: Opens the files at an address such as ``s3://bucket/folder``.
        columns: The names of the columns in tables and JSON lines of your own, keyed by ours
            (docs/reference/formats.md): ``{"id": "trial", "eligibility": "criteria text"}``.

    Raises:
        RecordError: A record cannot be read or repeats an earlier id, and ``on_error`` is None.
            The message names the file, the place in the file and a remedy.
        WrongType: An input is not a path.
        ArgumentError: A key of ``columns`` is not a column that is read, or one is named twice.

    >>> record = next(read_records("seeds/records"))
    >>> record.record_id, [section.name for section in record.sections][:3]
    ('000_071fc1b3f362aea9', ['title', 'brief_summary', 'conditions'])
    """
    chosen = NONE_CHOSEN
    if columns:
        chosen = choose_columns(columns)
    ids: dict[str, tuple[str, int]] = {}

    def read_all() -> Iterator[_Result]:
        for location in map(read_path_argument, inputs):
            for opened in open_input(location, stdin, open_address):
                if isinstance(opened, RecordError):
                    yield opened
                    continue
                named = is_file(location)
                for result in _read_file(*opened, is_specified=named, chosen=chosen):
                    yield _check_new(result, ids)

    yield from _deliver(read_all(), on_error)


def read_stream(
    name: str,
    stream: BinaryIO,
    on_error: _OnError = None,
    columns: Columns | None = None,
) -> Iterator[TrialRecord]:
    r"""Read trial records from an open stream as if from a file with this name. Raises
    ``RecordError`` at the first problem, unless ``on_error`` takes the problems.

    >>> from io import BytesIO
    >>> text = b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n"
    >>> next(read_stream("example.txt", BytesIO(text))).record_id
    'example'
    """
    chosen = NONE_CHOSEN
    if columns:
        chosen = choose_columns(columns)
    results = _read_file(name, stream, is_specified=True, chosen=chosen)
    yield from _deliver(results, on_error)


def _deliver(results: Iterable[_Result], on_error: _OnError) -> Iterator[TrialRecord]:
    """Yield the records among the results. An error goes to ``on_error`` or, without it, is
    raised.
    """
    for result in results:
        if isinstance(result, TrialRecord):
            yield result
        elif on_error:
            on_error(result)
        else:
            raise result


def name_text(content: bytes) -> str:
    """Return the name of a text without one, which also is the id of its record.

    >>> name_text(b"Age 18 or older")
    'text-5f350dfb'
    """
    return f"text-{sha256(content).hexdigest()[:8]}"


def read_row(name: str, cells: Columns) -> TrialRecord:
    """Read one row of a table, whose cells are keyed by the names of their columns, as if from a
    file with this name. Raises ``RecordError`` if the row contains no text.
    """
    [result] = _make_records(name, None, iter([build_content(build_row, cells, None)]))
    if isinstance(result, RecordError):
        raise result
    return result


def make_record(
    text: str,
    *,
    title: str | None = None,
    record_id: str | int | None = None,
    section: GivenSection | None = None,
) -> TrialRecord:
    r"""Make a record from a text, such as a protocol synopsis or a pasted list of criteria.

    Common headings ("Key inclusion criteria", "Treatment arms", "Primary endpoint(s)") begin
    sections. A text without headings is treated as a description unless you specify its
    ``section``. Call a section's ``locate`` method to find its characters in ``text``.

    Args:
        text: The text, plain or in Markdown, or a flattened record.
        title: The title of the trial, which replaces any title in the text.
        record_id: The id of the record. The default is the registry number that the text states,
            or ``text`` if the text does not state a number.
        section: The section that the whole text belongs to, such as ``eligibility`` for a list of
            criteria, or ``primary_outcomes``. The text then does not need a heading, and headings
            in it do not begin sections.

    Raises:
        RecordError: The text is empty, too long, or data such as JSON.
        WrongType: The text or the title is not a string.
        ArgumentError: The section is unknown, or the text is not valid Unicode or is the name of a
            file. Without a ``section``, it must not look like such a name, either.

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
    if not isinstance(text, str):
        remedy = "for several texts, use Extractor().table; for a record, extract"
        raise WrongType(f"{type(text).__name__} is not one text; {remedy}")
    if not isinstance(title, str | None):
        raise WrongType(f"title: {type(title).__name__} is not text")
    check_section(section)
    if is_file(text) or (section is None and is_path(text)):
        remedy = "read it with read_records, or state the section of the text"
        raise ArgumentError(f"{text!r} is the name of a file, or like one; {remedy}")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ArgumentError(
            f"the text is not valid Unicode at character {problem.start}"
        ) from None
    build = partial(build_plain, title=title)
    if section is not None:
        build = partial(build_given, section=section, title=title)
    [result] = _make_records(
        f"<{_UNNAMED}>", None, iter([build_content(build, text, None)])
    )
    if isinstance(result, RecordError):
        raise result
    given_id = "" if record_id is None else str(record_id).strip()
    # a text without a name is named after its trial
    if not given_id and result.record_id == _UNNAMED and not result.source.notes:
        given_id = result.source.registry_id or ""
    if given_id:
        return result.model_copy(update={"record_id": given_id})
    return result


def check_section(section: str | None) -> None:
    """Raise ``ArgumentError`` if the section of a text is unknown."""
    if section is not None:
        refuse_unknown("section", [str(section)], get_args(GivenSection))


def write_study(
    study: Mapping[str, object], name: str, place: str | None = None
) -> str:
    """Return a study as one line of ASCII JSON. Raises ``RecordError`` with the given name and
    place if JSON cannot represent a value.
    """
    try:
        return json.dumps(study, default=dict)
    except Exception as error:  # noqa: BLE001 - an object of the caller can fail in any way
        problem = str(error) or type(error).__name__
    raise RecordError(
        name,
        f"the dictionary cannot be written as JSON ({problem})",
        "pass a study as json.load returns it",
        place=place,
    )


def _check_new(record: _Result, seen: dict[str, tuple[str, int]]) -> _Result:
    """Return a record if its id is new and its text can be stored as Unicode; otherwise return an
    error. The error for a repeated id gives both places and states whether the texts are the same.

    ``seen`` maps each id read so far to its place and a digest of its text. A new id is added to
    ``seen``.
    """
    if isinstance(record, RecordError):
        return record
    try:
        digest = hash(check_unicode(record))
    except RecordError as error:
        return error
    source = record.source
    place = join_place(source.path, source.place) or ""
    if record.record_id not in seen:
        seen[record.record_id] = place, digest
        return record
    first, first_digest = seen[record.record_id]
    is_same = first_digest == digest
    return RepeatedRecord(
        source.path, record.record_id, first, same_text=is_same, place=source.place
    )


def _read_file(
    path: str,
    stream: BinaryIO,
    *,
    is_specified: bool,
    chosen: Columns,
) -> Iterator[_Result]:
    """Yield the records of a file, and an error for each part that cannot be read. If damage
    prevents the rest of a document or file from being read, the error is the last item yielded.
    This function never raises.
    """
    from extractor.formats.files import contain, open_documents  # noqa: PLC0415

    documents = open_documents(path, stream, is_specified=is_specified, chosen=chosen)
    for document in contain(documents):
        if isinstance(document, UnreadableSource):
            yield document.locate(path)
        else:
            member, items = document
            yield from _make_records(path, member, contain(items))


def _make_records(
    path: str, member: str | None, items: Iterator[ReadResult]
) -> Iterator[_Result]:
    """Yield the records of a document, and an error for each record that cannot be read. An empty
    document also yields an error.

    Args:
        path: The file.
        member: The name of the document in an archive, or None.
        items: The items that the reader of the document yielded.
    """
    # A record without an id is named after the file, with a number if the file has several records.
    name = (member or path.strip("<>")).removesuffix(".gz")
    stem = PurePosixPath(name).stem
    # read two items to find out whether the document has several
    opening = list(islice(items, 2))
    if not opening:
        opening = [UnreadableSource("contains no record", "pass a file with records")]
    told: set[str] = set()
    for number, content in enumerate(chain(opening, items), 1):
        if isinstance(content, UnreadableSource):
            yield content.nest_place(member).locate(path)
            continue
        default_id = stem
        if len(opening) > 1:
            default_id = f"{stem}-{number}"
        place = join_place(member, content.place)
        registered = _find_registry_number(content)
        notes = tuple(note for note in content.notes if note not in told)
        told.update(note for note in notes if note.startswith(UNREAD))
        yield TrialRecord(
            record_id=content.trial_id or default_id,
            source=Source(
                path=path,
                format=content.format,
                place=place,
                notes=(*notes, *filter(None, [registered.note])),
                **{"registry_id": registered.number, **content.ids},
            ),
            sections=content.sections,
            registry=content.registry,
            document=content.document,
            given=content.given,
        )


def _find_registry_number(content: RecordContent) -> RegistryNumber:
    """Return the registry number of a text that does not have it as its id. A record of a registry
    has no other number.
    """
    if content.trial_id and find_trial_id(content.trial_id):
        return NO_NUMBER
    text = content.number_text or content.given or ""
    if content.document:
        text = content.document.text
    return find_registry_number(text, content.listed_numbers)
