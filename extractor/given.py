"""The inputs of ``Extractor.run`` and ``table``: files, records, studies as dictionaries, and
texts.

If there are several texts, each is identified by its number or, in a pandas column, by its label.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from extractor.errors import ArgumentError, ExtractorError, RecordError, WrongType
from extractor.formats import read_records, read_stream
from extractor.formats.found import join_place
from extractor.formats.free_text import GivenSection
from extractor.formats.inputs import is_path, is_text, refuse_missing, refuse_text
from extractor.formats.records import write_study
from extractor.plurals import show_some
from extractor.run.files import write_atomically
from extractor.schemas import TrialRecord
from extractor.schemas.base import StrPath
from extractor.schemas.record_limits import check_unicode

Given = StrPath | TrialRecord | Mapping[str, object]
"""One input: a file name, a record, or a study."""
Frame = Any
"""A data frame, table or column of pandas, polars or Arrow, none of which is required."""
Library = Literal["pandas", "polars", "arrow"]
"""A library of data frames."""
_SINGLE = (str, PathLike, TrialRecord, Mapping)
GIVEN = "given.jsonl"
_STUDY = (
    "pass a study from the registry's API, such as the dictionary that json.load returns for a "
    "downloaded study"
)


def list_given(given: object) -> list[object]:
    """Return the inputs as a list, even if there is only one. Raises ``WrongType`` for a data
    frame.
    """
    if hasattr(given, "columns"):
        raise WrongType(
            f"{type(given).__name__} is not a record; pass a column of texts to table, as in "
            'table("criteria", frame["COLUMN"], section="eligibility"), or each text as '
            '{"text": ..., "record_id": ...} to run'
        )
    if isinstance(given, _SINGLE) or not isinstance(given, Iterable):
        return [given]
    return list(given)


class GivenInputs:
    """The inputs of a run in Python. ``names`` contains the file names. Records and dictionaries
    are written to ``given.jsonl`` in the run's folder, where all commands find them. ``columns``
    contains the user's names of the columns in files.

    Raises ``ArgumentError`` if all inputs are file names and none of the files exists, and
    ``WrongType`` for anything that is not an input.
    """

    def __init__(
        self, items: Sequence[object], folder: Path, columns: Mapping[str, str]
    ) -> None:
        self.names: tuple[str, ...] = ()
        self._columns = columns
        self._file = folder / GIVEN
        self._lines: list[str] = []
        self._errors: list[RecordError] = []
        paths = [fspath(item) for item in items if isinstance(item, str | PathLike)]
        # records and dictionaries can be read, whatever is wrong with the files
        if len(paths) == len(items):
            refuse_missing(paths)
        for number, item in enumerate(items, 1):
            try:
                self._add(item, number)
            except RecordError as error:
                self._errors.append(error)
            except ExtractorError:
                raise
            except Exception as error:  # noqa: BLE001 - an object of the caller can fail in any way
                self._errors.append(
                    RecordError(
                        "given",
                        f"a value cannot be read ({type(error).__name__})",
                        "correct the value, or leave out the item",
                        place=f"item {number}",
                    )
                )

    def _add(self, item: object, number: int) -> None:
        if isinstance(item, str | PathLike):
            name = fspath(item)
            if is_text(name):
                raise refuse_text(name)
            self.names += (name,)
            return
        records: Sequence[object] = [item]
        if isinstance(item, Mapping):
            record_id = str(item.get("record_id") or "")
            place = join_place(f"item {number}", record_id)
            records = read_dictionary(item, "given", place)
        for record in records:
            if not isinstance(record, TrialRecord):
                raise WrongType(
                    f"{type(item).__name__} is not a record; pass files, folders, records or "
                    "dictionaries"
                )
            check_unicode(record)
            # the first record takes the place of all in the order of the inputs
            if not self._lines:
                self.names += (str(self._file),)
            self._lines.append(f"{record.model_dump_json()}\n")

    def write(self) -> None:
        """Write ``given.jsonl``, unless there are no records to write."""
        if self._lines:
            write_atomically(self._file, "".join(self._lines).encode())

    def read(self, on_error: Callable[[ExtractorError], None]) -> Iterator[TrialRecord]:
        """Yield each record that can be read and whose id has not occurred before. Errors for the
        other records are passed to ``on_error``.
        """
        for error in self._errors:
            on_error(error)
        yield from read_records(*self.names, on_error=on_error, columns=self._columns)


def read_dictionary(
    given: Mapping[str, object], name: str = "the dictionary", place: str | None = None
) -> list[TrialRecord]:
    """Return the records in a dictionary, which is a study from the registry's API or a text with
    its id.

    Raises ``RecordError`` with the given name and place if the dictionary cannot be read.
    """
    content = write_study(given, name, place).encode()
    try:
        return list(read_stream("text.json", BytesIO(content)))
    except RecordError as error:
        remedy = error.remedy if "text" in given else _STUDY
        raise RecordError(name, error.problem, remedy, place=place) from None


def read_given_texts(
    given: Frame, section: GivenSection | None, names: Sequence[str] | None
) -> Iterator[Any]:
    """Yield the inputs, with each text converted to a dictionary. Files, records and dictionaries
    are unchanged.

    Args:
        given: A text, any input that ``run`` accepts, or several of these.
        section: The section that each text belongs to. If it is set, a single line is always read
            as a text.
        names: The record ids of the texts; by default, ids are derived from their positions.
    """
    items = given
    if is_column(given):
        # some kinds of columns have an object of their own for a cell without a value
        items = given.astype(object).where(given.notna(), None)
    for number, item in enumerate(list_given(items), 1):
        text = item
        # a cell without a value becomes a record without a text, which fails
        if item is None or isinstance(item, float):
            text = ""
        if not isinstance(text, str) or not _is_text(text, section):
            yield item
            continue
        text_item: dict[str, object] = {"text": text}
        if section:
            text_item["section"] = section
        # a single text keeps the id of any text
        if item is not given:
            text_item["record_id"] = names[number - 1] if names else f"text-{number}"
        yield text_item


def _is_text(given: str, section: GivenSection | None) -> bool:
    """Return True if the string is text rather than a file name. A single line is treated as a
    text if it contains a space, and does not look like the name of a file. A blank string and, if
    ``section`` is set, any string are also treated as texts.
    """
    if section or not given.strip() or is_text(given):
        return True
    return " " in given and not is_path(given)


def is_column(given: object) -> bool:
    """Return True for a pandas column, which has an index that labels the rows."""
    return hasattr(given, "iloc") and not hasattr(given, "columns")


def name_rows(column: Frame) -> list[str]:
    """Return the record id of each text in a column: its label, or, for example, ``text-3`` if the
    third row has no label.

    Raises ``ArgumentError`` if several rows have the same label, because a table could not
    distinguish them.

    >>> import pandas as pd
    >>> name_rows(pd.Series(["Adults", "Children"], index=["A", None]))
    ['A', 'text-2']
    """
    # In a MultiIndex, the labels are tuples, which are never missing.
    labels = column.index.to_flat_index()
    names = list(map(str, labels))
    for row in labels.isna().nonzero()[0]:
        names[row] = f"text-{row + 1}"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ArgumentError(
            f"given: several rows have the same index label ({show_some(repeated)}), so their "
            "values could not be distinguished; make the labels unique, for example with "
            "column.reset_index(drop=True)"
        )
    return names


def restore_labels(frame: Frame, column: Frame) -> Frame:
    """Return a pandas data frame whose ``record_id`` contains integers if all labels of the column
    are integers, so that the data frame can be merged with the column.

    >>> import pandas as pd
    >>> column = pd.Series(["Adults"], index=[7])
    >>> frame = pd.DataFrame({"record_id": ["7"]})
    >>> restore_labels(frame, column)["record_id"].tolist()
    [7]
    """
    kind = column.index.dtype
    has_integers = kind.kind in "iu" and not column.index.hasnans
    if has_integers and "record_id" in frame:
        return frame.assign(record_id=frame["record_id"].astype(kind))
    return frame
