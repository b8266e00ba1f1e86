"""The work behind the tools: read records, extract them, and keep the last ones, within the limits
of size, time and money.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from extractor.apps.fetch import BASE_URL, Registry, fetch_records
from extractor.apps.mcp.answers import (
    Extracted,
    FieldList,
    QuoteAnswer,
    describe_extraction,
    describe_fields,
)
from extractor.apps.mcp.reading import (
    GivenFile,
    GivenText,
    check_record,
    check_text,
    read_file,
    read_text,
)
from extractor.apps.mcp.settings import ToolSettings
from extractor.errors import ArgumentError, ExtractorError, RecordError
from extractor.formats import make_record
from extractor.formats.free_text import GivenSection
from extractor.model.opening import Route
from extractor.run.executor import Executor, FromSource, ProcessExecutor, extract_with
from extractor.run.setup import OpenExtractor, Setup
from extractor.schemas import TrialExtraction, TrialRecord

T = TypeVar("T")

_SPARE_S = 1.0
"""Seconds after the limit in which a worker process may still end by itself."""
_KEPT = 32
"""Most records kept, so that a claim about the last ones needs no second download."""
_WORKERS = 1
_NUMBER = re.compile(r"NCT\d{8}")


class ToolRefused(ExtractorError):
    """A tool cannot do what it was asked. The message says why, and what to do."""


class Desk:
    """Does what the tools are asked. ``open`` starts its worker process and its model."""

    def __init__(
        self, settings: ToolSettings, executor: Executor, opened: OpenExtractor
    ) -> None:
        self._settings = settings
        self._executor = executor
        self._opened = opened
        self._kept: OrderedDict[str, TrialRecord] = OrderedDict()
        self._fetching = asyncio.Lock()
        self._folder = settings.options.files.resolve()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ToolSettings) -> AsyncIterator["Desk"]:
        """Start the worker process, and open the model, whose budget holds for all calls. Both end
        with the block.
        """
        options = settings.options
        setup = Setup(
            settings.model,
            tasks=options.tasks,
            effort=options.effort,
            min_confidence=options.min_confidence,
            reasoning=options.reasoning,
            model_options=options.model_options,
            fields=options.fields,
        )
        budget = None
        if settings.model:
            budget = settings.pricing.open_budget()
        example = make_record("Inclusion criteria:\n- Adults", record_id="example")
        executor = ProcessExecutor(_WORKERS, 0, options.timeout + _SPARE_S, example)
        executor.ends_at_once = True
        async with executor, setup.open(route=Route(budget)) as opened:
            yield cls(settings, executor, opened)

    async def extract_text(
        self,
        text: str,
        title: str | None,
        record_id: str | None,
        section: GivenSection | None,
    ) -> Extracted:
        """Extract a text. Raises ``ExtractorError``."""
        self._refuse_large(text)
        given = GivenText(text, record_id, title, section)
        record = await self._compute(read_text, given)
        return await self._extract(record)

    async def extract_record(self, source: str, record_id: str | None) -> Extracted:
        """Extract a record of the registry or of a file. Raises ``ExtractorError``."""
        record = await self._find(source, record_id)
        return await self._extract(record)

    async def verify_quote(
        self, quote: str, text: str | None, source: str | None, record_id: str | None
    ) -> QuoteAnswer:
        """Check a quote against a text, or against the record of a ``source``. Raises
        ``ExtractorError``, also for an empty quote and if neither or both are given.
        """
        if not quote.strip():
            raise ToolRefused("quote: is empty; give the words to look for")
        has_text = text is not None
        has_source = source is not None
        # neither, or both
        if has_text == has_source:
            raise ToolRefused("give a text or a source, one of the two")
        self._refuse_large(quote)
        if text is not None:
            self._refuse_large(text)
            return await self._compute(check_text, GivenText(text), quote)
        record = await self._find(source or "", record_id)
        return await self._compute(check_record, record, quote)

    def list_fields(self) -> FieldList:
        """Return all fields that are extracted."""
        return describe_fields(self._settings.options.fields)

    async def _extract(self, record: TrialRecord) -> Extracted:
        """Extract a record within the time of a call, and say what its calls to the model cost (0
        without calls, None without a price). Raises ``ToolRefused`` if the time is over.
        """
        limit = self._settings.options.timeout
        try:
            async with asyncio.timeout(limit):
                extracted = await extract_with(self._executor, self._opened, record)
        except TimeoutError:
            raise _tell_slow(limit) from None
        extraction = TrialExtraction.model_validate_json(extracted.line)
        usd: float | None = 0.0
        usage = extraction.usage
        if usage and usage.calls:
            cost = self._settings.pricing.cost
            usd = None
            if cost:
                usd = cost(usage)
        return describe_extraction(extraction, record, usd)

    async def _find(self, source: str, record_id: str | None) -> TrialRecord:
        """Return the record with an NCT number, or the record of a file.

        The last 32 records of the registry are kept, and are not fetched again. A file may change,
        and is read each time.
        """
        name = source.strip()
        number = name.upper()
        if not _NUMBER.fullmatch(number):
            file = self._open_file(name, record_id)
            return await self._compute(read_file, file)
        if number not in self._kept:
            self._kept[number] = await self._fetch(number)
        # the first in order is the record that nobody asked for longest
        self._kept.move_to_end(number)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[number]

    async def _fetch(self, number: str) -> TrialRecord:
        """Fetch a record of the registry. Raises ``ToolRefused`` if the time is over."""
        options = self._settings.options
        registry = Registry(
            base_url=options.base_url or BASE_URL, timeout=options.timeout
        )

        def fetch() -> TrialRecord:
            """Fetch the record with this number, in another thread."""
            [record] = fetch_records(number, registry=registry)
            return record

        # one request at a time, as the registry asks for
        async with self._fetching:
            try:
                async with asyncio.timeout(options.timeout):
                    return await asyncio.to_thread(fetch)
            except TimeoutError:
                raise ToolRefused(
                    f"the registry did not answer within {options.timeout:g} seconds; try "
                    "again later, or start with a longer --timeout"
                ) from None

    def _open_file(self, name: str, record_id: str | None) -> GivenFile:
        """Read a file of the folder whose files a client may name. Raises ``RecordError`` for
        anything outside of it, for what is no file, and for a file that is too large.
        """
        # no system has such a name, and Python raises ValueError for it
        if "\0" in name:
            raise RecordError(
                repr(name), "no name of a file", "give an NCT number or a file"
            )
        # Resolved, since a link or ".." may lead out of the folder.
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise RecordError(
                name,
                "outside of the folder whose files may be read",
                "start extractor mcp with --files DIR",
            )
        if not path.is_file():
            raise RecordError(
                name,
                "neither an NCT number nor a file of the folder",
                "give one such as NCT01234567, or a path below the folder",
            )
        most = self._settings.options.max_bytes
        try:
            with path.open("rb") as file:
                body = file.read(most + 1)
        except OSError as error:
            raise RecordError(name, str(error.strerror), "name another file") from None
        if len(body) > most:
            raise RecordError(
                name, f"more than {most:,} bytes", "start with a higher --max-bytes"
            )
        return GivenFile(path.name, body, record_id)

    def _refuse_large(self, text: str) -> None:
        """Raise ``ArgumentError`` for a text with more bytes than the settings allow."""
        most = self._settings.options.max_bytes
        if len(text.encode("utf-8", "surrogatepass")) > most:
            raise ArgumentError(
                f"the text has more than {most:,} bytes; give a part of it"
            )

    async def _compute(
        self, function: Callable[..., T], given: FromSource, *arguments: str
    ) -> T:
        """Compute in the worker process, within the time of a call. Raises ``ToolRefused`` if that
        is over.
        """
        limit = self._settings.options.timeout
        try:
            async with asyncio.timeout(limit):
                return await self._executor.compute(function, given, *arguments)
        except TimeoutError:
            raise _tell_slow(limit) from None


def _tell_slow(limit: float) -> ToolRefused:
    """Make the error of a call that took longer than ``limit`` seconds."""
    return ToolRefused(
        f"it took longer than {limit:g} seconds; give a shorter text, or start with a longer "
        "--timeout"
    )
