"""What ``Extractor.run`` and ``table`` take: files, records, studies as dictionaries, and texts.

One of several texts is named by its label in a column of pandas, else by its number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from extractor.errors import ArgumentError, ExtractorError, RecordError, WrongType
from extractor.formats import read_records, read_stream
from extractor.formats.free_text import GivenSection
from extractor.formats.inputs import exists, is_text, refuse_missing, refuse_text
from extractor.formats.records import write_study
from extractor.plurals import show_some
from extractor.schemas import TrialRecord
from extractor.schemas.record_limits import check_unicode

Given = str | PathLike[str] | TrialRecord | Mapping[str, Any]
"""One input: the name of a file, a record, or a study."""
_SINGLE = (str, PathLike, TrialRecord, Mapping)
GIVEN = "given.jsonl"
_STUDY = (
    "give a study of the registry's API, such as json.load reads from a file of one"
)


def list_given(given: Any) -> list[Any]:
    """Return one input or several as a list. Raises ``WrongType`` for a data frame."""
    if hasattr(given, "columns"):
        raise WrongType(
            f"{type(given).__name__} is no record; give a column of texts to table, as "
            'table("criteria", frame["COLUMN"], section="eligibility"), or each text as '
            '{"text": ..., "record_id": ...} to run'
        )
    if isinstance(given, _SINGLE) or not isinstance(given, Iterable):
        return [given]
    return list(given)


class GivenInputs:
    """The inputs of a run in Python: the ``names`` of files. Records and dictionaries are lines of
    ``given.jsonl`` in the run's folder, where all commands find them.

    Raises ``ArgumentError`` if only names of files are given and none of these exists,
    ``WrongType`` for what is not an input.
    """

    def __init__(self, items: Sequence[Any], folder: Path) -> None:
        self.names: tuple[str, ...] = ()
        self._file = folder / GIVEN
        self._lines: list[str] = []
        self._errors: list[RecordError] = []
        if all(isinstance(item, str | PathLike) for item in items):
            refuse_missing([fspath(item) for item in items])
        for number, item in enumerate(items, 1):
            try:
                self._add(item, number)
            except RecordError as error:
                self._errors.append(error)

    def _add(self, item: Any, number: int) -> None:
        if isinstance(item, str | PathLike):
            name = fspath(item)
            if is_text(name):
                raise refuse_text(name)
            self.names += (name,)
            return
        records = [item]
        if isinstance(item, Mapping):
            own_id = item.get("record_id")
            place = f"item {number}"
            if own_id is not None:
                place += f", {own_id}"
            try:
                records = read_dictionary(item, "given", place)
            except WrongType as error:
                problem, _, remedy = str(error).rpartition("; ")
                raise RecordError("given", problem, remedy, place=place) from None
        for record in records:
            if not isinstance(record, TrialRecord):
                raise WrongType(
                    f"{type(item).__name__} is no record; give files, folders, records or "
                    "dictionaries"
                )
            check_unicode(record)
            if not self._lines:
                self.names += (str(self._file),)
            self._lines.append(f"{record.model_dump_json()}\n")

    def write(self) -> None:
        """Write ``given.jsonl``, if there are records."""
        if self._lines:
            self._file.write_text("".join(self._lines), "utf-8")

    def read(self, on_error: Callable[[ExtractorError], None]) -> Iterator[TrialRecord]:
        """Yield the records whose ids are new. ``on_error`` gets the errors of all others."""
        for error in self._errors:
            on_error(error)
        yield from read_records(*self.names, on_error=on_error)


def read_dictionary(
    given: Mapping[str, Any], name: str = "the dictionary", place: str | None = None
) -> list[TrialRecord]:
    """Return the records of a study of the registry's API, or of a text with its id.

    Raises ``RecordError`` with this name and place, and ``WrongType`` for values that JSON
    cannot represent.
    """
    content = write_study(given).encode()
    try:
        return list(read_stream("text.json", BytesIO(content)))
    except RecordError as error:
        remedy = error.remedy if "text" in given else _STUDY
        raise RecordError(name, error.problem, remedy, place=place) from None


def read_texts(
    given: Any, section: GivenSection | None, names: Sequence[str] | None
) -> Iterator[Any]:
    """Yield inputs with a dictionary instead of each text; files, records and dictionaries stay
    as they are.

    Args:
        given: A text, or what ``run`` takes, or several.
        section: The section that each text belongs to; a single line then counts as a text.
        names: The ids of several texts; by default their numbers.
    """
    for number, item in enumerate(list_given(given), 1):
        text = item
        if item is None or isinstance(item, float):  # a cell without a value
            text = ""
        if not isinstance(text, str) or not _is_text(text, section):
            yield item
            continue
        read: dict[str, Any] = {"text": text}
        if section:
            read["section"] = section
        if item is not given:
            read["record_id"] = names[number - 1] if names else f"text-{number}"
        yield read


def _is_text(given: str, section: GivenSection | None) -> bool:
    """Return whether a text is given, not the name of a file. A line counts as a text if it has
    blanks and does not end as a name does.
    """
    is_line = " " in given and not Path(given).suffix and not exists(given)
    return bool(section) or not given.strip() or is_text(given) or is_line


def is_column(given: Any) -> bool:
    """Return whether a column of pandas is given, whose index names the rows."""
    return hasattr(given, "iloc") and not hasattr(given, "columns")


def name_rows(column: Any) -> list[str]:
    """Return the record id of each text in a column: its label, or ``text-3`` for the third row if
    that has none.

    Raises ``ArgumentError`` with the labels that several rows have: a table could not distinguish
    them.

    >>> import pandas as pd
    >>> name_rows(pd.Series(["Adults", "Children"], index=["A", None]))
    ['A', 'text-2']
    """
    # An index of several columns has tuples as labels, none of which is missing.
    labels = column.index.to_flat_index()
    names = list(map(str, labels))
    for row in labels.isna().nonzero()[0]:
        names[row] = f"text-{row + 1}"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ArgumentError(
            f"given: several rows have one label in the index ({show_some(repeated)}), so that "
            "their values could not be told apart; make the labels distinct, such as by "
            "column.reset_index(drop=True)"
        )
    return names


def restore_labels(frame: Any, column: Any) -> Any:
    """Return a data frame of pandas with whole numbers as ``record_id`` if all labels of the column
    are such, so that it can be merged.

    >>> import pandas as pd
    >>> column = pd.Series(["Adults"], index=[7])
    >>> frame = pd.DataFrame({"record_id": ["7"]})
    >>> restore_labels(frame, column)["record_id"].tolist()
    [7]
    """
    kind = column.index.dtype
    if kind.kind not in "iu" or column.index.hasnans or "record_id" not in frame:
        return frame
    return frame.assign(record_id=frame["record_id"].astype(kind))
