"""The Python API: extract one record, a text, or many."""

import asyncio
import re
import warnings
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import cached_property
from inspect import signature
from io import BytesIO
from math import isnan
from multiprocessing import current_process
from os import PathLike
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_type_hints
from weakref import finalize

from extractor.concepts.criteria.unheaded import UNHEADED
from extractor.concepts.own.declaration import explain_unread
from extractor.errors import ArgumentError, ExtractorError, RecordError, WrongType
from extractor.formats import make_record, read_stream
from extractor.formats.free_text import GivenSection
from extractor.formats.records import write_study
from extractor.labels_of_rows import (
    explain_unlabelled,
    is_column,
    name_rows,
    restore_labels,
    show_some,
)
from extractor.options import ExtractorOptions, Keywords
from extractor.pipeline import extract_by_rules
from extractor.plurals import counted
from extractor.schemas import TrialExtraction, TrialRecord, Usage

if TYPE_CHECKING:
    from extractor.many import Given
    from extractor.model.spec import ModelSpec
    from extractor.results import Results
    from extractor.run.setup import OpenExtractor, Setup

_SINGLE = (str, PathLike, TrialRecord, Mapping)
"""What is one input; anything else that can be iterated holds several."""
_FAILED = 20
"""Most records that failed named in a warning."""
_FILE_NAME = re.compile(r"[*?]|\w\.\w{2,6}$|[/\\]$|://")
"""The name of a file, a folder, several files or an address."""


class Extractor:
    """Extracts eligibility, dosing and endpoints from trial records.

    Args:
        model: ``provider/name``, the bare name of a model of OpenAI, or
            ``http://host:port/v1#NAME``. Without a model, only the rules run.
        key: The key of the model. By default the provider's SDK reads its own variable, and a
            server gets none.
        options: The fields of ``ExtractorOptions``, such as ``effort="all"``.

    Raises:
        FieldError: A field of your own is declared wrongly.
        ArgumentError: The model or an option is not valid, the folder ``replay`` does not exist, or
            ``max_usd`` is given and the price of the model is unknown.

    >>> from extractor import read_records
    >>> extraction = Extractor().extract(next(read_records("seeds/records")))
    >>> extraction.endpoints[0].instrument
    Instrument(name='CTCAE', version='5.0')
    """

    def __init__(
        self,
        model: "str | ModelSpec | None" = None,
        *,
        key: str | None = None,
        **options: Unpack[Keywords],
    ) -> None:
        self._model = model
        self._key = key
        self._keywords = options
        self._options = ExtractorOptions.read(options)
        replay = self._options.replay
        needs_check = key or replay or self._options.max_usd is not None
        self._is_by_rules = model is None and not needs_check
        if not self._is_by_rules:
            _ = self.setup  # raises for a model that cannot be
        has_answers = model is not None or replay is not None
        if not self._options.asks or not has_answers:
            unread = explain_unread(self._options.fields)
            if unread:
                warnings.warn(unread, stacklevel=2)

    @cached_property
    def setup(self) -> "Setup":
        """The options and the model. The rules alone need neither a client nor a store."""
        from extractor.run.setup import Setup  # noqa: PLC0415 - slow, and rules alone need none of it

        return Setup(self._model, key=self._key, **self._keywords)

    def price(self, usage: Usage) -> float | None:
        """Return what a usage costs in US dollars, such as that of an extraction; None if the price
        is unknown.

        >>> from extractor.schemas import Usage
        >>> Extractor("gpt-5-mini").price(
        ...     Usage(calls=1, prompt_tokens=1000, output_tokens=100)
        ... )
        0.00045
        """
        if self.setup.pricing.cost:
            return self.setup.pricing.cost(usage)
        if usage.calls:
            return None
        return 0.0

    def open(
        self, concurrency: int = 8
    ) -> "AbstractAsyncContextManager[OpenExtractor]":
        """Open the model for many records, at most ``concurrency`` requests at once.

        In ``async with extractor.open() as extract``, the call ``await extract(record)`` extracts a
        record.
        """
        return self.setup.open(concurrency)

    def extract(self, record: TrialRecord | Mapping[str, Any]) -> TrialExtraction:
        """Extract one record. Opens the model for this record only; use ``extract_many`` for
        several.

        Works in a notebook, too, where an event loop already runs.

        Args:
            record: A record of ``read_records``, or a study of the registry's API as a dictionary.

        Raises:
            RecordError: The dictionary is no study.
            WrongType: It is something else, such as a text or a path.
            ModelUnavailable: The model cannot be reached, or there is no key for it.
        """
        read = _as_record(record)
        if self._is_by_rules:
            return extract_by_rules(read, self._options.extraction)
        extracted = list[TrialExtraction]()

        # ``asyncio.run`` would format a result in a message that nobody sees
        async def extract_one() -> None:
            async with self.open() as opened:
                extracted.append(await opened(read))

        call_without_loop(lambda: asyncio.run(extract_one()))
        return extracted[0]

    def extract_text(
        self,
        text: str,
        *,
        title: str | None = None,
        record_id: str | int | None = None,
        section: GivenSection | None = None,
    ) -> TrialExtraction:
        r"""Extract a text, such as a protocol synopsis or a pasted list of criteria.

        Works in a notebook, too. ``make_record`` makes the record that is extracted, and tells
        which headings are read; use it for the places of evidence in the text, and with
        ``extract_many`` for several texts.

        Args:
            text: The text, plain or in Markdown.
            title: The title of the trial, in place of one in the text.
            record_id: The record's id; by default the number of a registry that the text states,
                else ``text``.
            section: The section that all of the text is, such as ``eligibility`` for criteria
                without a heading, or ``primary_outcomes``.

        Raises:
            RecordError: The text is empty or too long, or is data such as JSON.
            ArgumentError: It is no text, or is the name of a file; or there is no such section.
            ModelUnavailable: The model cannot be reached, or there is no key for it.

        >>> extraction = Extractor().extract_text(
        ...     "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2"
        ... )
        >>> [
        ...     criterion.constraints[0].value
        ...     for criterion in extraction.eligibility.criteria
        ... ]
        [7.5, 35]
        >>> extraction = Extractor().extract_text(
        ...     "HbA1c > 7.5 %", section="eligibility"
        ... )
        >>> extraction.eligibility.criteria[0].quote
        'HbA1c > 7.5 %'
        """
        return self.extract(
            make_record(text, title=title, record_id=record_id, section=section)
        )

    async def extract_many(
        self, records: Iterable[TrialRecord | Mapping[str, Any]], concurrency: int = 8
    ) -> AsyncIterator[TrialExtraction]:
        """Extract ``records`` in input order, at most ``concurrency`` at once.

        The first failure ends the iteration. Use ``run`` if the others must continue after a
        failure. The records are parsed in threads, so that the event loop goes on meanwhile; the
        time limit of a record does not hold there.

        Args:
            records: The records, or studies as dictionaries, read as they are needed.
            concurrency: The largest number of records at once.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.

        >>> import asyncio
        >>> from extractor import read_records
        >>> async def list_ids():
        ...     seeds = Extractor().extract_many(read_records("seeds/records"))
        ...     return [extraction.record_id[:3] async for extraction in seeds]
        >>> asyncio.run(list_ids())
        ['000', '001', '002', '003', '004']
        """
        async with self.open(concurrency) as opened:
            extract = replace(opened, in_thread=True)
            flight: list[asyncio.Task[TrialExtraction]] = []
            try:
                for record in records:
                    flight.append(asyncio.ensure_future(extract(_as_record(record))))
                    if len(flight) >= concurrency:
                        yield await flight.pop(0)
                while flight:
                    yield await flight.pop(0)
            finally:
                for task in flight:
                    task.cancel()

    def run(
        self,
        records: "Given | Iterable[Given]",
        *,
        out: str | PathLike[str] | None = None,
        limit: int | None = None,
        concurrency: int = 8,
        workers: int = 1,
        quiet: bool = False,
    ) -> "Results":
        """Extract many records; one that fails never stops the others. Works in a notebook, too.

        A terminal and a notebook (with ipywidgets) show the progress. ``max_usd`` limits each run.

        Args:
            records: Files or folders, as ``read_records`` takes them, records, or dictionaries:
                studies, or texts with ids as ``{"text": "...", "record_id": "..."}``.
            out: The folder of the run. One that was stopped goes on there, and does not ask again.
            limit: The number of records to read.
            concurrency: The largest number of requests to the model at once.
            workers: The number of processes. With more than one, a script must call this below
                ``if __name__ == "__main__":``.
            quiet: Show no progress.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.
            StoreError: The folder cannot be used, or holds a run with other settings.
            ArgumentError: No file of that name exists, or a script with ``workers`` lacks that
                line.
            WrongType: Something is no record.

        Warns if no record could be extracted.

        >>> results = Extractor().run("seeds/records")
        >>> limits = results.table("constraints")
        >>> limits[["quantity", "comparator", "value", "unit"]].head(2)
          quantity comparator  value unit
        0     CD19          >   95.0    %
        1     CD22          >   95.0    %
        >>> len(results.extractions), results.failures, results.usage.usd
        (5, [], 0.0)
        """
        from extractor.many import GivenRun  # noqa: PLC0415 - slow, and one record needs none of it
        from extractor.results import Results  # noqa: PLC0415 - as above
        from extractor.run.progress import show_progress  # noqa: PLC0415 - as above
        from extractor.run.records import RunLimits  # noqa: PLC0415 - as above

        # it runs the script once more, at its start
        if getattr(current_process(), "_inheriting", False):
            raise ArgumentError(
                'workers: a script with more than one calls run below `if __name__ == "__main__":`'
            )
        if hasattr(records, "columns"):
            raise WrongType(
                f"{type(records).__name__} is no record; give a column of texts to table, as "
                'table("criteria", frame["COLUMN"], section="eligibility"), or each text as '
                '{"text": ..., "record_id": ...} to run'
            )
        if isinstance(records, _SINGLE) or not isinstance(records, Iterable):
            several = [records]
        else:
            several = list(records)
        folder = Path(out or mkdtemp(prefix="extractor-"))
        try:
            given = GivenRun(self.setup, folder, several, RunLimits(concurrency, limit))
            with show_progress(given.run.tally, given.count, quiet=quiet):
                call_without_loop(lambda: given.perform(workers), given.stop)
        except BaseException:
            if not out:
                rmtree(folder, ignore_errors=True)
            raise
        results = Results(folder, given.registry, given.stopped)
        if results.failures and not len(results):
            first = results.failures[0]["message"]
            warnings.warn(f"no record could be extracted: {first}", stacklevel=2)
        if not out:  # a temporary folder lives as long as its results
            finalize(results, rmtree, folder, ignore_errors=True)
        return results

    def table(
        self,
        name: str,
        given: "Given | Iterable[Given]",
        to: Literal["pandas", "polars", "arrow"] = "pandas",
        *,
        section: GivenSection | None = None,
    ) -> Any:
        r"""Extract texts, files or records, and return one table of their values.

        ``run`` is for more than one table, for what failed, and for a run to keep.

        Args:
            name: The table, such as ``criteria``, ``constraints`` or ``regimens``;
                ``extractor.apps.export.list_tables`` names all.
            given: A text, or what ``run`` takes: files, folders, records, studies; or several.
            to: The library of the data frame.
            section: The section that each text is all of, such as ``eligibility`` for a column of
                criteria, or ``primary_outcomes``; such texts need no heading.

        Raises:
            ValueError: There is no such table.
            MissingExtra: The library is not installed.
            RecordError: The text cannot be read.
            ArgumentError: There is no such section, or several rows of a column have one label.
            ExtractorError: No record could be extracted.

        Warns of records that could not be extracted or are left out since their id came before, of
        rows without a label, and of texts without a heading in which nothing was found.

        >>> limits = Extractor().table(
        ...     "constraints",
        ...     "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2",
        ... )
        >>> limits[["quantity", "comparator", "value", "unit"]]
          quantity comparator  value   unit
        0    HbA1c         >=    7.5      %
        1      BMI          <   35.0  kg/m2

        The cells of a column have no heading. The records are ``text-1``, ``text-2``, and so on;
        those of a column of pandas have the labels of its index, whole numbers as such in a data
        frame of pandas:

        >>> column = ["Age 18 years or older", "No prior chemotherapy; HbA1c > 7.5 %"]
        >>> criteria = Extractor().table("criteria", column, section="eligibility")
        >>> criteria[["record_id", "quote"]]
          record_id                  quote
        0    text-1  Age 18 years or older
        1    text-2  No prior chemotherapy
        2    text-2          HbA1c > 7.5 %
        """
        from extractor.apps.export import choose_tables  # noqa: PLC0415 - slow, and one record needs none of it
        from extractor.apps.export.frames import open_library  # noqa: PLC0415 - as above

        # before anything is paid for
        open_library(to)
        choose_tables((), [name], self._options.fields)
        rows = name_rows(given) if is_column(given) else None
        unlabelled = explain_unlabelled(rows) if rows else None
        if unlabelled:
            warnings.warn(unlabelled, stacklevel=2)
        with warnings.catch_warnings():
            # said below, as an error
            warnings.filterwarnings("ignore", "no record could be extracted")
            results = self.run(_take_texts(given, section), quiet=True)
        if results.failures and not len(results):
            raise ExtractorError(_tell_failures(results.failures, 0))
        for lack in _list_lacks(results):
            warnings.warn(lack, stacklevel=2)
        table = results.table(name, to)
        if rows and to == "pandas":
            return restore_labels(table, given, rows)
        return table


def _list_lacks(results: "Results") -> Iterator[str]:
    """Yield what to tell of records that a table lacks, or of which it may lack something: those
    that failed, repeated an id or came after a stop, and texts without a heading.
    """
    if results.failures:
        yield _tell_failures(results.failures, len(results))
    if results.repeated:
        names = show_some(record["record_id"] for record in results.repeated)
        yield (
            f"left out, since the id came before: {counted(len(results.repeated), 'record')} "
            f"({names})"
        )
    if results.stopped:
        yield f"not all is here: {results.stopped}"
    unheaded = _tell_unheaded(list(results))
    if unheaded:
        yield unheaded


def _tell_failures(failures: Sequence[Mapping[str, Any]], extracted: int) -> str:
    """Return what to tell the user of records that failed: how many of all, the first message, and
    the names of the others. There must be a failure; ``extracted`` is how many records did not
    fail.
    """
    first, *others = failures
    problem = (
        f"{len(failures)} of {counted(len(failures) + extracted, 'record')} failed: "
        f"{first['message']}"
    )
    if not others:
        return problem
    names = [
        failure["record_id"] or failure["place"] or failure["path"]
        for failure in others
    ]
    return f"{problem}; failed, too: {show_some(names, most=_FAILED)}"


def _tell_unheaded(extractions: Sequence[TrialExtraction]) -> str | None:
    """Return what to tell of texts in which something may be missed, since they have no heading;
    None without such texts.
    """
    unheaded: list[str] = []
    for extraction in extractions:
        messages = [finding.message for finding in extraction.findings]
        if any(message.startswith(UNHEADED) for message in messages):
            unheaded.append(extraction.record_id)
    if not unheaded:
        return None
    return (
        f"{len(unheaded)} of {counted(len(extractions), 'text')} without a heading, read as "
        f"descriptions ({show_some(unheaded)}); if they are criteria, give "
        'section="eligibility"'
    )


def _take_texts(given: Any, section: GivenSection | None) -> Any:
    """Return what is given with a record in place of each text.

    Of several, texts are named by the labels of a column of pandas, else by their numbers. Files,
    records, dictionaries and data frames stay as they are.

    Args:
        given: A text, or what ``run`` takes, or several.
        section: The section that each text is all of; then a single line is a text, too.
    """
    if isinstance(given, str):
        is_text = section is not None or _holds_text(given)
        return make_record(given, section=section) if is_text else given
    if isinstance(given, _SINGLE) or not isinstance(given, Iterable):
        return given
    # a data frame: ``run`` says what to give in its place
    if hasattr(given, "columns"):
        return given
    items = list(given)
    if is_column(given):
        names = name_rows(given).ids
    else:
        names = [f"text-{number}" for number in range(1, len(items) + 1)]
    return [
        _take_text(item, name, section) for item, name in zip(items, names, strict=True)
    ]


def _take_text(given: Any, name: str, section: GivenSection | None) -> Any:
    """Return the record of one of several texts, or the error of a text that cannot be read or is
    missing, such as an empty cell. What is no text, or is the name of a file, stays as it is.

    ``name`` is the id of the record, and its place in an error.
    """
    is_missing = given is None or (isinstance(given, float) and isnan(given))
    is_blank = isinstance(given, str) and not given.strip()
    if is_missing or is_blank:
        problem = "the text is empty"
        return RecordError("given", problem, "leave it out, or fill it in", place=name)
    if not isinstance(given, str):
        return given
    if not section and not _holds_text(given):
        return given
    try:
        return make_record(given, record_id=name, section=section)
    except RecordError as error:
        return RecordError("given", error.problem, error.remedy, place=name)


def _holds_text(given: str) -> bool:
    """Return whether a text is given, not a file. A line counts as a text if it has blanks, and
    does not end as the name of a file does.
    """
    from extractor.formats.inputs import exists, is_text  # noqa: PLC0415 - a text alone needs no file

    if not given.strip() or is_text(given):
        return True
    has_blanks = " " in given.strip()
    if not has_blanks or _FILE_NAME.search(given):
        return False
    return not exists(given)


def call_without_loop(
    function: Callable[[], None], stop: Callable[[], None] = lambda: None
) -> None:
    """Call a function that runs an event loop; in another thread if one already runs in this one,
    as in a notebook.

    There, Ctrl-C calls ``stop``, and the function ends by itself.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        function()
        return
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(function).result()
        except KeyboardInterrupt:
            stop()
            raise


def _as_record(given: object) -> TrialRecord:
    """Return a record as it is, and that of a study, which is a dictionary. Raises ``RecordError``
    for a study that cannot be read, ``WrongType`` for anything else, a text included.
    """
    if isinstance(given, TrialRecord):
        return given
    if isinstance(given, Mapping):
        return _read_study(given)
    raise WrongType(
        f"{type(given).__name__} is no record; give one of read_records(PATH), or a study of the "
        "registry's API as a "
        "dictionary. For a text, use extract_text"
    )


def _read_study(study: Mapping[str, Any]) -> TrialRecord:
    """Return the record of a study. Raises ``RecordError`` that names the dictionary, and
    ``WrongType``.
    """
    try:
        return next(read_stream("study.json", BytesIO(write_study(study).encode())))
    except RecordError as error:
        remedy = "give a study of the registry's API, such as json.load reads from a file of one"
        raise RecordError("the dictionary", error.problem, remedy) from None


def _show_options() -> None:
    """Let ``help(Extractor)`` and notebooks show the options with their defaults."""
    as_written = signature(Extractor.__init__)
    own = [
        parameter
        for name, parameter in as_written.parameters.items()
        if name != "options"
    ]
    # The models know the defaults, ``Keywords`` the types that a caller may give.
    checked = signature(ExtractorOptions).parameters
    options = [
        checked[name].replace(annotation=kind)
        for name, kind in get_type_hints(Keywords).items()
    ]
    shown = as_written.replace(parameters=[*own, *options])
    Extractor.__init__.__signature__ = shown  # type: ignore[attr-defined]


_show_options()
