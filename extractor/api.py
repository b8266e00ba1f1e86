"""The Python API: extract a record, a text, or many records."""

import warnings
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar, Unpack
from weakref import finalize

from extractor.concepts.criteria.unheaded import UNHEADED
from extractor.errors import ArgumentError, ExtractorError, WrongType
from extractor.formats import make_record
from extractor.formats.free_text import GivenSection
from extractor.formats.inputs import MISSING
from extractor.formats.records import check_section
from extractor.options import ExtractorOptions, Keywords, read_columns
from extractor.pipeline import extract_by_rules
from extractor.plurals import counted, show_some
from extractor.schemas import TrialExtraction, TrialRecord, Usage
from extractor.schemas.arguments import refuse_less
from extractor.schemas.base import StrPath
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

if TYPE_CHECKING:
    from extractor.given import Frame, Given, Library
    from extractor.match import Match
    from extractor.model.spec import ModelSpec
    from extractor.results import Results
    from extractor.setup import OpenExtractor, Setup

T = TypeVar("T")
_MOST_LISTED = 20
"""Maximum number of problems listed in a warning."""


class Extractor:
    """Extracts eligibility, dosing and endpoints from trial records.

    Args:
        model: ``provider/name``, the bare name of an OpenAI model, or
            ``http://host:port/v1#NAME``. Without a model, only the rules run.
        key: The model's API key. By default, the provider's SDK reads it from the environment.
        options: The fields of ``ExtractorOptions``: ``tasks``, ``min_confidence``, ``effort``,
            ``fields``, ``max_usd``, ``prices``, ``reasoning``, ``model_options``, ``replay`` and
            ``timeout``.

    Raises:
        FieldError: The declaration of a custom field is invalid.
        ArgumentError: The model or an option is invalid, the ``replay`` folder does not exist, or
            ``max_usd`` is set although the model's price is unknown.

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
        limit = options.get("max_usd")
        # as text or a switch, a limit of money is a mistake
        if isinstance(limit, str | bool):
            raise WrongType(
                f"max_usd: {limit!r} is not a number; pass dollars, such as 5"
            )
        self._options = ExtractorOptions.read(options)
        has_answers = model is not None or self._options.replay is not None
        # a key or a limit without a model is an error, which ``setup`` raises
        self._is_by_rules = not (has_answers or key or self._options.max_usd)
        if not self._is_by_rules:
            _ = self.setup  # raises an error if the model is invalid
        # few extractions have custom fields, and the others do not need ``setup``
        if self._options.fields and self.setup.unread:
            warnings.warn(self.setup.unread, stacklevel=2)

    @cached_property
    def setup(self) -> "Setup":
        """The options and the model. Extraction by rules alone does not need them."""
        from extractor.setup import Setup  # noqa: PLC0415 - slow, and rules alone need none of it

        return Setup(self._model, key=self._key, **self._keywords)

    def price(self, usage: Usage) -> float | None:
        """Return the cost in US dollars of the given usage, such as ``extraction.usage``, or None
        if the price is unknown.

        >>> from extractor.schemas import Usage
        >>> Extractor("gpt-5-mini").price(
        ...     Usage(calls=1, prompt_tokens=1000, output_tokens=100)
        ... )
        0.00045
        """
        return self.setup.price(usage)

    @asynccontextmanager
    async def open(self, concurrency: int = 8) -> "AsyncIterator[OpenExtractor]":
        """Open the model in asynchronous code, with at most ``concurrency`` concurrent requests.

        Inside ``async with extractor.open() as extract``, call ``await extract(record)`` for each
        record. So that the event loop is not blocked, records are parsed in threads, without a
        time limit.

        Raises ``ModelUnavailable`` if the model cannot be reached or its key is missing.

        >>> import asyncio
        >>> from extractor import read_records
        >>> async def list_ids():
        ...     async with Extractor().open() as extract:
        ...         calls = map(extract, read_records("seeds/records"))
        ...         return [
        ...             extraction.record_id[:3]
        ...             for extraction in await asyncio.gather(*calls)
        ...         ]
        >>> asyncio.run(list_ids())
        ['000', '001', '002', '003', '004']
        """
        async with self.setup.open(concurrency) as opened:
            yield replace(opened, in_thread=True)

    def extract(self, record: TrialRecord | Mapping[str, object]) -> TrialExtraction:
        """Extract one record. For several records, use ``run`` or ``open``, which open the model
        only once.

        Also works in a notebook, where an event loop is already running.

        Args:
            record: A record that ``read_records`` yields, or a study from the registry's API as a
                dictionary.

        Raises:
            RecordError: The dictionary is not a study.
            WrongType: The argument is something else, such as a text or a path.
            ModelUnavailable: The model cannot be reached, or there is no key for it.
        """
        trial_record = _as_record(record)
        if self._is_by_rules:
            return extract_by_rules(trial_record, self._options.extraction)
        import asyncio  # noqa: PLC0415 - slow, and rules alone need none of it

        async def extract_one() -> TrialExtraction:
            async with self.setup.open() as opened:
                return await opened(trial_record)

        return call_without_loop(lambda: asyncio.run(extract_one()))

    def extract_text(
        self,
        text: str,
        *,
        title: str | None = None,
        record_id: str | int | None = None,
        section: GivenSection | None = None,
    ) -> TrialExtraction:
        r"""Extract data from a text, such as a protocol synopsis or a pasted list of criteria.

        Also works in a notebook. To see which headings are recognised, or to locate evidence in the
        text, create the same record with ``make_record``.

        Args:
            text: Plain text or Markdown.
            title: The title of the trial, which replaces any title in the text.
            record_id: The record's id. By default, it is the registry number that the text states,
                or ``text`` if it states none.
            section: The section that the whole text belongs to, such as ``eligibility`` for
                criteria without a heading, or ``primary_outcomes``.

        Raises:
            RecordError: The text is empty, is too long, or is data such as JSON.
            ArgumentError: The argument is a file name, or like one without a ``section``, or is
                not text, or the section does not exist.
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

    def match(
        self,
        trials: TrialExtraction | Iterable[TrialExtraction],
        patient: object,
        *,
        min_confidence: float = DOUBTFUL_BELOW,
    ) -> "list[Match]":
        r"""Compare trials with a patient's data, and ask the model what the data and the sentences
        of the patient's chart (``facts``) say of criteria that stay open: one call for each trial
        that is not excluded. Without a model, only the rules judge.

        Args:
            trials: An extraction, or several.
            patient: An ``extractor.Patient``, or a dictionary of its fields.
            min_confidence: What is less sure decides nothing.

        Returns:
            A match for each trial, in order. Its ``findings`` say which answers were not used, and
            what was not answered because the budget was reached or the model failed.

        Raises:
            MissingKey: There is no key for the model, or the provider rejects it.

        >>> trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1")
        >>> [match] = Extractor().match(trial, {"values": {"ECOG": 2}})
        >>> match.answer
        'excluded'
        """
        from extractor.match import Patient, decide, plan_trial, read_facts  # noqa: PLC0415 - few need it

        listed = [trials] if isinstance(trials, TrialExtraction) else list(trials)
        facts = read_facts(Patient.model_validate(patient))
        plans = [plan_trial(trial, min_confidence) for trial in listed]
        if self._is_by_rules:
            return [decide(plan, facts) for plan in plans]
        import asyncio  # noqa: PLC0415 - slow, and rules alone need none of it

        from extractor.match.asking import ask_matches  # noqa: PLC0415 - as above

        async def ask_all() -> "list[Match]":
            async with self.setup.open() as opened:
                pairs = [(plan, facts) for plan in plans]
                return [one.match for one in await ask_matches(pairs, opened.model)]

        return call_without_loop(lambda: asyncio.run(ask_all()))

    def run(
        self,
        records: "Given | Iterable[Given]",
        *more: "Given",
        out: StrPath | None = None,
        columns: Mapping[str, str] | None = None,
        limit: int | None = None,
        concurrency: int = 8,
        workers: int = 1,
        quiet: bool = False,
    ) -> "Results":
        """Extract many records. A record that fails does not affect the other records. Also works
        in a notebook.

        Progress is shown in a terminal or, with ipywidgets, in a notebook. The ``max_usd`` limit
        applies to all calls of this object together; with ``out``, to all runs in the folder.

        Args:
            records: Files, folders, records, or dictionaries. A dictionary is a study or ``{"text":
                "...", "record_id": "..."}``.
            more: Further ones, as in ``run("a.json", "b.json")``.
            out: The folder of the run. If it contains a stopped run, that run continues.
            columns: The names of the columns in tables and JSON lines of your own, as for
                ``read_records``.
            limit: The maximum number of records to read, at least 1.
            concurrency: The maximum number of concurrent requests to the model.
            workers: The number of processes. If it exceeds 1, scripts need an ``if __name__ ==
                "__main__":`` block.
            quiet: Whether to hide the progress display.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.
            StoreError: The folder cannot be used, or contains a run with different settings.
            ArgumentError: A file does not exist, or ``columns`` or ``limit`` is invalid.
            WrongType: An item is not one of these types.

        Warns if the run is incomplete or no record could be extracted.

        >>> results = Extractor().run("seeds/records")
        >>> limits = results.table("constraints")
        >>> limits[["quantity", "comparator", "value", "unit"]].head(2)
          quantity comparator  value unit
        0     CD19          >   95.0    %
        1     CD22          >   95.0    %
        >>> len(results.extractions), results.failures, results.usage.usd
        (5, [], 0.0)
        """
        from extractor.given import GivenInputs, list_given  # noqa: PLC0415 - slow, and one record needs none of it
        from extractor.results import Results  # noqa: PLC0415 - as above
        from extractor.run.progress import show_progress  # noqa: PLC0415 - as above
        from extractor.run.run import Run  # noqa: PLC0415 - as above

        names = read_columns(columns)
        if limit is not None:
            refuse_less("limit", limit, 1)
        items = [*list_given(records), *more]
        with ExitStack() as scratch:
            folder = Path(out or scratch.enter_context(TemporaryDirectory()))
            given = GivenInputs(items, folder, names)
            # without a folder, nothing else keeps what earlier calls cost
            shared = None if out else self.setup.budget
            job = Run(
                setup=self.setup,
                meter=shared,
                budget=shared,
                read=given.read,
                inputs=given.names,
                columns=names or None,
                out=folder,
                concurrency=concurrency,
                limit=limit,
                workers=workers,
            )

            def perform() -> str | None:
                with job.open_folder() as sink:
                    given.write()
                    return job.explain(job.perform(sink))

            def stop() -> None:
                job.is_stopping = True

            with show_progress(job.tally, job.count, quiet=quiet):
                stopped = call_without_loop(perform, stop)
            results = Results((folder,), stopped)
            # a temporary folder is removed together with its results
            finalize(results, scratch.pop_all().close)
        problem = results._find_problem()
        if problem:
            warnings.warn(problem, stacklevel=2)
        return results

    def table(
        self,
        name: str,
        given: "Given | Iterable[Given]",
        to: "Library" = "pandas",
        *,
        section: GivenSection | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> "Frame":
        r"""Return a table of the values in texts, files or records.

        Use ``run`` if you need several tables, the failures, or the run's folder.

        Args:
            name: The table, such as ``criteria``, ``constraints`` or ``regimens``;
                ``extractor.apps.export.list_tables`` lists them all.
            given: A text, or any input that ``run`` accepts, or several of these.
            to: The library that provides the returned table.
            section: The section that each text belongs to, such as ``eligibility`` or
                ``primary_outcomes``. The texts then need no headings.
            columns: The names of the columns in files, as for ``run``.

        Raises:
            ValueError: The table does not exist.
            MissingExtra: The library is not installed.
            RecordError: The text is invalid.
            ArgumentError: The section or a file does not exist, ``columns`` is invalid, or several
                rows of a column have the same label.
            ExtractorError: No record could be extracted.

        Warns about records that failed or have a duplicate id, rows without a label, and texts in
        which nothing was found because they lack a heading.

        >>> limits = Extractor().table(
        ...     "constraints",
        ...     "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2",
        ... )
        >>> limits[["quantity", "comparator", "value", "unit"]]
          quantity comparator  value   unit
        0    HbA1c         >=    7.5      %
        1      BMI          <   35.0  kg/m2

        Pass ``section`` if the cells of a column lack headings. The records are named ``text-1``,
        ``text-2``, and so on, or by the index of a pandas column, whose integer labels stay
        integers in a pandas data frame:

        >>> column = ["Age 18 years or older", "No prior chemotherapy; HbA1c > 7.5 %"]
        >>> criteria = Extractor().table("criteria", column, section="eligibility")
        >>> criteria[["record_id", "quote"]]
          record_id                  quote
        0    text-1  Age 18 years or older
        1    text-2  No prior chemotherapy
        2    text-2          HbA1c > 7.5 %
        """
        from extractor.apps.export import choose_tables  # noqa: PLC0415 - slow, and one record needs none of it
        from extractor.apps.export.libraries import open_library  # noqa: PLC0415 - as above
        from extractor.given import (  # noqa: PLC0415 - as above
            is_column,
            name_rows,
            read_given_texts,
            restore_labels,
        )

        # check the arguments before paying for answers
        open_library(to)
        check_section(section)
        choose_tables((), [name], self._options.fields)
        names = name_rows(given) if is_column(given) else None
        with warnings.catch_warnings():
            # raised as an error below
            warnings.filterwarnings("ignore", "no record could be extracted")
            try:
                results = self.run(
                    read_given_texts(given, section, names), columns=columns, quiet=True
                )
            except ArgumentError as error:
                raise type(error)(_explain_missing(str(error))) from None
        problems = list(_list_problems(results))
        if problems and not len(results):
            raise ExtractorError("; ".join(problems[:_MOST_LISTED]))
        if problems:
            warnings.warn(
                f"{counted(len(problems), 'problem')}: {show_some(problems, _MOST_LISTED)}",
                stacklevel=2,
            )
        table = results.table(name, to)
        # only pandas columns have labels
        if names and to == "pandas":
            return restore_labels(table, given)
        return table


def _list_problems(results: "Results") -> Iterator[str]:
    """Yield a sentence about each record that failed, or that lacks values because its text has no
    heading.
    """
    for failure in results.failures:
        yield _explain_missing(failure["message"] or "")
    for extraction in results:
        for finding in extraction.findings:
            if finding.message.startswith(UNHEADED):
                yield (
                    f"{extraction.record_id}: the text has no heading and was read as a "
                    'description; for criteria, pass section="eligibility"'
                )


def _explain_missing(message: str) -> str:
    """Add to the message about a file that does not exist that it may be a text."""
    if MISSING not in message:
        return message
    return f'{message}; if it is a text, state its section, as in section="eligibility"'


def call_without_loop(
    function: Callable[[], T], stop: Callable[[], None] = lambda: None
) -> T:
    """Call a function that runs an event loop, and return the function's result. If a loop is
    already running in this thread, as in a notebook, call the function in another thread.

    In that case, Ctrl-C calls ``stop``, and the function then returns normally.
    """
    import asyncio  # noqa: PLC0415 - slow, and rules alone need none of it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function()
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(function).result()
        except KeyboardInterrupt:
            stop()
            raise


def _as_record(given: object) -> TrialRecord:
    """Return a record unchanged, or convert a study, given as a dictionary, to a record. Raises
    ``RecordError`` for an unreadable study, and ``WrongType`` for anything else, including a text.
    """
    if isinstance(given, TrialRecord):
        return given
    if isinstance(given, Mapping):
        from extractor.given import read_dictionary  # noqa: PLC0415 - most records are not dictionaries

        return read_dictionary(given)[0]
    raise WrongType(
        f"{type(given).__name__} is not a record; pass a record from read_records(PATH), or a "
        "study from the registry's API as a dictionary. For a text, use extract_text"
    )
