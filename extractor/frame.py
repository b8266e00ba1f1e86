"""Extract the records in a data frame, as engines such as Ray, Spark and Dask map it.

The engine schedules, repeats and stores. In each of its processes, an ``ExtractFrame`` opens its
model once, in an event loop of a thread of its own. Steps are computed in the thread that calls it.
"""

import asyncio
import json
import os
import re
import warnings
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from io import BytesIO
from threading import Lock, Thread
from typing import ClassVar, NamedTuple, TypeVar, Unpack, cast
from uuid import uuid4
from weakref import finalize

from extractor.api import Extractor
from extractor.errors import (
    AnswerRejected,
    ArgumentError,
    BudgetReached,
    ExtractorError,
    ModelError,
    ModelUnavailable,
    RecordError,
    WrongType,
    as_extractor_error,
)
from extractor.formats import name_text, read_row, read_stream
from extractor.formats.files import DATA
from extractor.formats.found import join_place
from extractor.formats.records import write_study
from extractor.formats.tables import knows_columns
from extractor.given import Frame
from extractor.masking import hide_keys, without_credentials
from extractor.model.asking.querying import ask_record
from extractor.model.asking.questions import Replies, is_lacking
from extractor.model.asking.request import Request
from extractor.model.client import Route
from extractor.model.spec import read_spec
from extractor.options import ExtractorOptions, Keywords
from extractor.plurals import show_some
from extractor.run.records import describe_failure
from extractor.run.steps import HeldParse, finish_record, plan_record
from extractor.run.tally import ExtractedLine
from extractor.run.worker import (
    call_picklable,
)
from extractor.schemas import TrialRecord, Usage
from extractor.schemas.arguments import refuse_less
from extractor.setup import Setup

T = TypeVar("T")

RECORD = "record"
_ABOUT = ("record_id", "path", "place")
"""The columns that are about a record rather than a part of it."""
_UNNAMED = "<record>"
"""The path of a record whose row does not state one."""
_LOOKS_LIKE_JSON = re.compile(
    rb"""\A\s*(?:\{|"[^"]*"\s*\Z|(?:true|false|NaN)\s*\Z)
    | "[A-Za-z]\w*":\s*(?:["{\[]|(?:true|false|null|-?\d[\d.]*)\s*[,}\]])
    | ["\]}]\s*\}\s*\]?\s*\Z""",
    re.VERBOSE,
)
"""A text that begins like a study, is a JSON scalar, has a key of JSON, or ends like JSON: data,
perhaps damaged, rather than a note.
"""
_AHEAD = 4
"""Maximum number of records, as a multiple of the concurrency, that wait for the model."""


class _Row(NamedTuple):
    """A row of the result, in the order of ``ExtractFrame.columns``."""

    record_id: str | None
    extraction: str | None
    error: str | None
    usd: float | None
    prompt_tokens: int
    output_tokens: int


class _Unread(NamedTuple):
    """The error of a record that cannot be read, and its id, as in the row of the result."""

    error: RecordError
    record_id: str | None


_Cells = Mapping[str, object]


class ExtractFrame:
    """Maps a pandas data frame of records to a data frame of extractions, in any process.

    The column ``record`` contains JSON of a study, or any other input that a file may contain, as
    text or bytes. Text that looks like damaged JSON is an error; other text without headings has a
    finding. Without this column, each row is read as a row of a table with columns such as
    ``title``, ``criteria`` and ``primary_outcomes``. Optional columns are ``record_id``, the id of
    the row's record, and ``path`` and ``place``, its source.

    The result has the index of the data frame and these columns:

    - ``record_id``: the id; without one, even of a damaged record, ``text-`` and a hash of the row;
      None for an empty or invalid cell
    - ``extraction``: the extraction as JSON, or None
    - ``error``: why the extraction is missing or incomplete, or None
    - ``usd``: the cost in US dollars that replies state, without calls that got no readable reply,
      or missing if the price is unknown
    - ``prompt_tokens``, ``output_tokens``: the tokens of the calls

    A row with several records becomes as many rows, and a row without a record becomes an error.
    Rows are independent: a repeated record is extracted again.

    Instances can be pickled. The copies of an instance in a process share its model and budget.

    Args:
        model: The model, as for ``Extractor``. Each process reads the key from its environment.
        concurrency: The maximum number of concurrent requests of a process.
        options: The options of ``Extractor``; ``max_usd`` applies to each process separately.

    Raises ``ArgumentError`` for invalid options, a key, or a data frame without records, and
    ``ModelUnavailable`` if the model has never worked in this process and cannot be used.

    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"criteria": ["HbA1c > 7.5 %", ""], "record_id": ["A", "B"]}
    ... )
    >>> ExtractFrame()(frame)[["record_id", "error"]]
      record_id                                              error
    0         A                                               <NA>
    1         B  RecordError: <record>: the record contains no ...
    """

    columns: ClassVar[Mapping[str, str]] = {
        "record_id": "large_string[pyarrow]",
        "extraction": "large_string[pyarrow]",
        "error": "large_string[pyarrow]",
        "usd": "double[pyarrow]",
        "prompt_tokens": "int64[pyarrow]",
        "output_tokens": "int64[pyarrow]",
    }
    """The columns of the result and their data types in pandas, which need pyarrow."""
    # Of a column whose cells are all missing, Ray keeps no other type; pandas cannot read such a
    # file together with one that has cells.

    def __init__(
        self,
        model: str | None = None,
        *,
        concurrency: int = 8,
        **options: Unpack[Keywords],
    ) -> None:
        if "key" in options:
            raise ArgumentError(
                "key: it would be stored with the pickled object; set it in the environment of "
                "each process, as OPENAI_API_KEY or the variable of your provider"
            )
        if not isinstance(model, str | None):
            raise WrongType(f"model: {type(model).__name__} is not the name of a model")
        refuse_less("concurrency", concurrency, 1)
        self._identity = uuid4().hex
        self._model = model
        self._concurrency = concurrency
        self._options = ExtractorOptions.read(options)
        spec = read_spec(model, warnings.warn) if model is not None else None
        self._extractor = Extractor(spec, **self._keywords)
        self._lock = Lock()
        self._process: _Process | None = None

    def __reduce__(self) -> tuple[object, ...]:
        parameters = self._options.model_options
        if without_credentials(parameters) != parameters:
            raise ArgumentError(
                "model_options: they contain a credential, which would be stored with the pickled "
                "object; set it in the environment of each process"
            )
        _shared.setdefault(self._identity, self)
        return _restore, (
            self._identity,
            self._model,
            self._concurrency,
            self._keywords,
        )

    @property
    def _keywords(self) -> Keywords:
        """The options, after files of fields were read."""
        return cast(
            "Keywords",
            {name: getattr(self._options, name) for name in Keywords.__annotations__},
        )

    def __call__(self, frame: Frame) -> Frame:
        """Return the extractions of a data frame's records, in the order of its rows."""
        from extractor.apps.export.libraries import open_library  # noqa: PLC0415 - the core has no app

        pandas = open_library("pandas")
        open_library("arrow")
        if not isinstance(frame, pandas.DataFrame):
            raise WrongType(
                f"{type(frame).__name__} is not a pandas data frame; choose the engine's format "
                'for pandas, such as batch_format="pandas"'
            )
        numbers: list[int] = []
        rows: list[_Row] = []
        for number, row in self._extract(frame):
            numbers.append(number)
            rows.append(row)
        index = frame.index.take(numbers)
        return pandas.DataFrame(
            rows, index=index, columns=[*self.columns], dtype=object
        ).astype(dict(self.columns))

    def _extract(self, frame: Frame) -> Iterator[tuple[int, _Row]]:
        """Yield the row of each record, with the number of the row that contains it. While records
        wait for the model, further ones are begun.
        """
        rows = enumerate(_list_rows(frame))
        is_table = RECORD not in frame.columns
        process = self._open()
        begun: deque[tuple[int, _Row | _Waiting]] = deque()
        try:
            for row_number, cells in rows:
                for record in _read_cells(cells, is_table=is_table):
                    begun.append((row_number, self._begin(record, process)))
                while len(begun) > _AHEAD * self._concurrency:
                    number, item = begun.popleft()
                    yield number, self._finish(item, process)
            while begun:
                number, item = begun.popleft()
                yield number, self._finish(item, process)
        finally:
            for _, item in begun:
                if isinstance(item, _Waiting):
                    item.answers.cancel()

    def _open(self) -> "_Process | None":
        """Return the model as opened in this process, or None if none is asked. Raises
        ``MissingKey`` if its key is missing.
        """
        if not (self._options.asks and self._extractor.setup.choice.answers):
            return None
        with self._lock:
            opened = self._process
            # a forked process has none of the threads of its parent
            if opened is None or opened.number != os.getpid():
                opened = _Process(self._extractor.setup, self._concurrency)
                finalize(self, opened.close)
                self._process = opened
            return opened

    def _begin(
        self, record: "TrialRecord | _Unread", process: "_Process | None"
    ) -> "_Row | _Waiting":
        """Read a record by the rules, and send the request about it, if there is one."""
        if isinstance(record, _Unread):
            return self._show_error(record.error, record.record_id)
        first = partial(plan_record, has_model=process is not None, packs=False)
        try:
            step = call_picklable(first, record, self._options.extraction)
        except ExtractorError as error:
            return self._show_error(error, record.record_id)
        if isinstance(step, ExtractedLine):
            return self._show(step)
        assert process
        request, parse = step
        return _Waiting(record, request, parse, process.ask(request))

    def _finish(self, item: "_Row | _Waiting", process: "_Process | None") -> _Row:
        """Wait for the answers about a record, and return its row.

        Raises ``ModelUnavailable`` if the model has not been used for any record either.
        """
        if isinstance(item, _Row):
            return item
        assert process
        try:
            replies = item.answers.result()
            line = call_picklable(
                partial(finish_record, lacking=is_lacking(replies)),
                item.parse,
                self._options.extraction,
                item.request,
                replies,
            )
        except Exception as raised:  # noqa: BLE001 - one record's failure must not stop the others
            error = as_extractor_error(raised)
            concerns_all = isinstance(error, ModelUnavailable) and error.lasting
            if concerns_all and not process.was_used:
                raise error from None
            process.was_used |= not concerns_all
            return self._show_error(error, item.record.record_id)
        process.was_used = True
        return self._show(line, process.explain_lack(replies))

    def _show(self, line: ExtractedLine, problem: str | None = None) -> _Row:
        """Return the row of an extracted record, with the problem that left it incomplete."""
        usage = Usage(**json.loads(line.counts)["usage"])
        return _Row(
            line.record_id, line.line.decode(), problem, *self._show_usage(usage)
        )

    def _show_error(self, error: ExtractorError, record_id: str | None) -> _Row:
        """Return the row of a record that failed. Calls that were made for it are counted."""
        usage = Usage()
        if isinstance(error, ModelError) and error.usage:
            usage = error.usage
        failure = describe_failure(error)
        problem = _make_unicode(f"{failure['error']}: {failure['message']}")
        if record_id:
            record_id = _make_unicode(record_id)
        return _Row(record_id, None, problem, *self._show_usage(usage))

    def _show_usage(self, usage: Usage) -> tuple[float | None, int, int]:
        return (
            self._extractor.price(usage),
            usage.prompt_tokens,
            usage.output_tokens,
        )


_restoring = Lock()
_shared: dict[str, ExtractFrame] = {}
"""The instances that were pickled or unpickled in this process."""


def _restore(
    identity: str, model: str | None, concurrency: int, options: Keywords
) -> ExtractFrame:
    """Return the copy of a pickled instance. A process has one copy, with one model and budget,
    even if an engine unpickles it for each task.
    """
    with _restoring:
        if identity not in _shared:
            restored = ExtractFrame(model, concurrency=concurrency, **options)
            restored._identity = identity
            _shared[identity] = restored
        return _shared[identity]


class _Waiting(NamedTuple):
    """A record whose request was sent."""

    record: TrialRecord
    request: Request
    parse: HeldParse
    answers: Future[Replies]


class _Process:
    """The model as opened in one process, in an event loop of its own thread, and its budget.

    Attributes:
        number: The number of the process.
        was_used: Whether the model has been used for a record.
    """

    def __init__(self, setup: Setup, concurrency: int) -> None:
        self.number = os.getpid()
        self.was_used = False
        self._budget = setup.pricing.open_budget()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opening = setup.open(concurrency, route=Route(self._budget))
        try:
            self._opened = self._call(self._opening.__aenter__()).result()
        except BaseException:
            self._end_loop()
            raise

    def ask(self, request: Request) -> Future[Replies]:
        """Send the request about a record."""
        model = self._opened.model
        assert model
        return self._call(ask_record(request, model))

    def explain_lack(self, replies: Replies) -> str | None:
        """Return why answers are missing or unusable, or None if there are all of them."""
        if None in replies:
            return f"{BudgetReached.__name__}: {self._budget}"
        reasons = [reason for reply in replies if reply for reason in reply.rejected]
        if reasons:
            return f"{AnswerRejected.__name__}: {hide_keys(show_some(reasons))}"
        return None

    def close(self) -> None:
        """Close the model and end its thread. In a forked process, there is nothing to end."""
        if self.number == os.getpid():
            self._call(self._opening.__aexit__(None, None, None)).result()
            self._end_loop()

    def _call(self, coroutine: Coroutine[object, object, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _list_rows(frame: Frame) -> Iterator[_Cells]:
    """Yield the cells of each row by column, without those that are missing. A frame with neither
    columns nor rows has none.

    Raises ``ArgumentError`` if no column contains records, or if two columns have one name.
    """
    names = list(frame.columns)
    if len(set(names)) < len(names):
        raise ArgumentError("frame: two columns have the same name; rename or drop one")
    if RECORD in names:
        names = [name for name in names if name in (RECORD, *_ABOUT)]
    elif not names and not len(frame.index):
        # an engine may hand over a block without rows as one without columns
        return
    elif not (names and knows_columns(map(str, names))):
        raise ArgumentError(
            f"frame: it has neither the column {RECORD} nor a column of a register's table; name "
            'the column with the records, as in frame.rename(columns={"text": "record"}), or, if '
            'its texts have no headings, after their section, as in columns={"text": "criteria"}'
        )
    chosen = frame[names]
    present = chosen.astype(object).where(chosen.notna(), None)
    for cells in present.itertuples(index=False, name=None):
        yield {
            str(name): cell
            for name, cell in zip(names, cells, strict=True)
            if cell is not None
        }


def _read_cells(cells: _Cells, *, is_table: bool) -> Iterator[TrialRecord | _Unread]:
    """Yield the records in a row, and an error for each record that cannot be read or if there is
    none.

    - The ``record_id`` of the row replaces the id of the record, if there is only one. An error has
      this id or else that of its JSON or, if that is not readable, the one that a text would have.
    - The ``path`` and the ``place`` of the row replace those of each record; an error also states
      its place within the cell.
    """
    path = _UNNAMED
    place: str | None = None
    record_id: str | None = None
    default_id: str | None = None
    found: list[TrialRecord | RecordError] = []
    try:
        path = str(cells.get("path", _UNNAMED))
        place = _read_text(cells, "place")
        record_id = _read_text(cells, "record_id")
        if is_table:
            texts = {name: str(cells[name]) for name in cells if name not in _ABOUT}
            default_id = name_text(json.dumps(texts).encode())
            found.append(read_row(default_id, texts))
        else:
            content = _read_bytes(cells.get(RECORD))
            default_id = name_text(content)
            name = f"{default_id}{_choose_suffix(path, content)}"
            for record in read_stream(name, BytesIO(content), found.append):
                found.append(record)  # noqa: PERF402 - in the order of the errors
    except RecordError as error:
        found.append(error)
    except Exception as error:  # noqa: BLE001 - an object in a cell can fail in any way
        found.append(
            RecordError(
                path,
                f"a cell cannot be read ({type(error).__name__})",
                "correct the cell, or drop the row",
            )
        )
    for item in found:
        if isinstance(item, RecordError):
            within = item.place
            # "line 18, line 1, character 5": the row is the first line of its cell
            if place and within:
                within = re.sub(r"^line 1\b(, )?", "", within)
            where = join_place(place, within)
            yield _Unread(
                RecordError(path, item.problem, item.remedy, place=where),
                record_id or item.record_id or default_id,
            )
            continue
        source = {"path": path}
        if place:
            source["place"] = place
        changed: dict[str, object] = {"source": item.source.model_copy(update=source)}
        if record_id and len(found) == 1:
            changed["record_id"] = record_id
        yield item.model_copy(update=changed)


def _choose_suffix(path: str, content: bytes) -> str:
    """Return the suffix of the file as which a row is read: that of a data format, which keeps
    damaged data from being read as a note, or "".
    """
    if _LOOKS_LIKE_JSON.search(content):
        return ".jsonl"
    # a row of a file of data may be a text with headings, but not a note
    if path.lower().removesuffix(".gz").endswith(DATA):
        return ".json"
    return ""


def _read_text(cells: _Cells, name: str) -> str | None:
    """Return the text of a cell, or None if it is missing or blank."""
    cell = cells.get(name, "")
    # pandas makes fractions of the whole numbers of a column with a missing one
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() or None


_NO_RECORD = (b"", b"null")
"""Cells without a record; engines may write a missing value as JSON."""


def _read_bytes(content: object) -> bytes:
    """Return a cell as the bytes of a file. Raises ``RecordError`` if it is neither text nor bytes
    nor a study, or is empty.
    """
    if isinstance(content, Mapping):
        return write_study(content, _UNNAMED).encode()
    if isinstance(content, str):
        content = content.encode(errors="surrogatepass")
    if content is None or content in _NO_RECORD:
        raise RecordError(
            _UNNAMED,
            "the row contains no record",
            "fill its column record, or drop the row",
        )
    if isinstance(content, bytes):
        return content
    raise RecordError(
        _UNNAMED,
        f"{type(content).__name__} is not a record",
        "pass its text, bytes or dictionary",
    )


def _make_unicode(text: str) -> str:
    """Replace what no column of text can contain: half of a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()
