"""Implement the tools, which read and extract records within the limits on size, time and cost.
Recently fetched registry records are kept.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, TypeVar

from pydantic import Field

from extractor.apps.fetch import Registry, fetch_records
from extractor.apps.mcp.answers import (
    Extracted,
    FieldList,
    QuoteAnswer,
    describe_extraction,
    describe_fields,
)
from extractor.apps.mcp.reading import ClientInput, check_quote, read_input
from extractor.apps.mcp.settings import ToolSettings
from extractor.errors import ArgumentError, ExtractorError, RecordError
from extractor.face import (
    Executor,
    GivenSection,
    OpenExtractor,
    ProcessExecutor,
    Route,
    extract_with,
    make_record,
)
from extractor.schemas import TrialExtraction, TrialRecord

T = TypeVar("T")

_SPARE_S = 1.0
"""Number of extra seconds, after the time limit, that a worker process is given to finish."""
_KEPT = 32
"""Maximum number of records to keep, so that a claim about a recently fetched record does not
require a second download.
"""


_SOURCE = Field(
    description="An NCT number, such as NCT01234567, or the path of a file in the server's "
    "folder.",
    min_length=1,
    max_length=4096,
)
_RecordId = Annotated[
    str | None,
    Field(
        description="The record to use if the file contains several records.",
        max_length=200,
    ),
]


class ToolTimeout(ExtractorError):
    """A tool call took longer than its time limit."""


class Desk:
    """The tools. ``open`` starts the worker process and the model. Clients can see the signatures,
    descriptions and results of the methods. All methods may raise ``ExtractorError``.
    """

    def __init__(
        self, settings: ToolSettings, executor: Executor, opened: OpenExtractor
    ) -> None:
        self._settings = settings
        self._options = settings.options
        self._executor = executor
        self._opened = opened
        self._kept: dict[str, TrialRecord] = {}
        self._fetching = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ToolSettings) -> AsyncIterator["Desk"]:
        """Start the worker process and open the model, whose budget covers all calls. Both are
        closed at the end of the block.
        """
        options = settings.options
        setup = settings.setup
        budget = settings.pricing.open_budget() if setup.choice.spec else None
        executor = ProcessExecutor(
            workers=1,
            inline_first=0,
            timeout=options.timeout + _SPARE_S,
            # extracted at the start to load the rules, so that the first call does not wait
            example=make_record("Inclusion criteria:\n- Adults", record_id="example"),
        )
        # without patience, a model that does not answer is never given up: the server outlives
        # its outages
        asking = replace(setup.asking, patience=None)
        async with executor, setup.open(route=Route(budget), asking=asking) as opened:
            yield cls(settings, executor, opened)

    async def extract_text(
        self,
        text: Annotated[
            str,
            Field(
                description="A protocol synopsis, a list of criteria, or any other text of a "
                "trial, plain or in Markdown.",
                min_length=1,
            ),
        ],
        title: Annotated[
            str | None, Field(description="The title of the trial.", max_length=1000)
        ] = None,
        record_id: Annotated[
            str | None,
            Field(
                description="An id for the text; by default, the registry number that it states.",
                min_length=1,
                max_length=200,
            ),
        ] = None,
        section: Annotated[
            GivenSection | None,
            Field(
                description="The section to which the whole text belongs, such as eligibility "
                "for criteria without a heading."
            ),
        ] = None,
    ) -> Extracted:
        """Extract eligibility, dosing and endpoints from a text, and return each value with the
        words that support it.
        """
        self._check_size(text)
        client_input = ClientInput(record_id or "text", text, record_id, title, section)
        record = await self._within_time(
            self._executor.compute(read_input, client_input)
        )
        return await self._extract(record)

    async def extract_record(
        self, source: Annotated[str, _SOURCE], record_id: _RecordId = None
    ) -> Extracted:
        """Extract eligibility, dosing and endpoints from a registered trial, or from a record in a
        file, and return each value with the words that support it.
        """
        return await self._extract(await self._find(source, record_id))

    async def verify_quote(
        self,
        quote: Annotated[
            str, Field(description="The words to look for.", min_length=1)
        ],
        text: Annotated[
            str | None,
            Field(description="The text to search; alternatively, specify a source."),
        ] = None,
        source: Annotated[str | None, _SOURCE] = None,
        record_id: _RecordId = None,
    ) -> QuoteAnswer:
        """Check whether a text or a trial's record contains a quote. A quote that differs in a
        number, unit, comparator or negation is reported as a conflict, and the result states the
        difference.
        """
        if not quote.strip():
            raise ArgumentError("the quote is empty; provide the words to look for")
        if (text is None) == (source is None):
            raise ArgumentError("provide either a text or a source")
        self._check_size(quote + (text or ""))
        searched: TrialRecord | ClientInput
        if text is None:
            searched = await self._find(source or "", record_id)
        else:
            searched = ClientInput("text", text)
        check = self._executor.compute(check_quote, searched, quote)
        return await self._within_time(check)

    async def list_fields(self) -> FieldList:
        """List the extracted fields, with their meanings and their closed sets of values."""
        return describe_fields(self._options.fields)

    async def _extract(self, record: TrialRecord) -> Extracted:
        """Extract a record, and add the cost of its model calls. The cost is 0 if there were no
        calls, and None if the price is unknown.
        """
        work = extract_with(self._executor, self._opened, record)
        extracted = await self._within_time(work)
        extraction = TrialExtraction.model_validate_json(extracted.line)
        usd: float | None = 0.0
        usage = extraction.usage
        if usage and usage.calls:
            cost = self._settings.pricing.cost
            usd = cost(usage) if cost else None
        return describe_extraction(extraction, record, usd)

    async def _find(self, source: str, record_id: str | None) -> TrialRecord:
        """Return the record with the given NCT number, or a record from a file. A file is read
        each time, because it may have changed; recently fetched registry records are kept.
        """
        name = source.strip()
        number = name.upper()
        if not re.fullmatch(r"NCT\d{8}", number):
            client_input = self._open_file(name, record_id)
            return await self._within_time(
                self._executor.compute(read_input, client_input)
            )
        # the registry asks clients to send one request at a time
        async with self._fetching:
            if number not in self._kept:
                registry = Registry(timeout=self._options.timeout)
                records = fetch_records(number, registry=registry)
                record = await self._within_time(asyncio.to_thread(next, records))
                if len(self._kept) == _KEPT:
                    self._kept.clear()
                self._kept[number] = record
        return self._kept[number]

    def _open_file(self, name: str, record_id: str | None) -> ClientInput:
        """Read a file from the folder that clients can access. Raises ``RecordError`` if the path
        is outside the folder or is not a file, or if the file is too large.
        """
        # no file system allows such a name, and Python raises ValueError for it
        if "\0" in name:
            raise RecordError(repr(name), "not a file name", "use another source")
        folder = self._options.files.resolve()
        # resolved first, because a link or ".." may lead out of the folder
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise RecordError(
                name,
                "outside the folder from which files may be read",
                "start extractor mcp with --files DIR",
            )
        if not path.is_file():
            raise RecordError(
                name,
                "neither an NCT number nor a file in the folder",
                "use an NCT number, such as NCT01234567, or a path in the folder",
            )
        most = self._options.max_bytes
        # one byte more than allowed tells a file that is too large
        with path.open("rb") as file:
            body = file.read(most + 1)
        if len(body) > most:
            problem = f"more than {most:,} bytes"
            raise RecordError(name, problem, "start with a higher --max-bytes")
        return ClientInput(path.name, body, record_id)

    def _check_size(self, text: str) -> None:
        """Raise ``ArgumentError`` if a text has more bytes than the settings allow."""
        most = self._options.max_bytes
        if len(text.encode("utf-8", "surrogatepass")) > most:
            raise ArgumentError(
                f"the text has more than {most:,} bytes; use only part of it"
            )

    async def _within_time(self, work: Awaitable[T]) -> T:
        """Wait for a result within a call's time limit. Raises ``ToolTimeout`` if the limit is
        exceeded.
        """
        limit = self._options.timeout
        try:
            async with asyncio.timeout(limit):
                return await work
        except TimeoutError:
            raise ToolTimeout(
                f"it took longer than {limit:g} seconds; use a shorter text, try again later, or "
                "start with a longer --timeout"
            ) from None
