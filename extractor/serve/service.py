"""All parts of a service, opened and closed together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from .callers import CallerBook
from .extractions import Extractions
from .jobs import JobFolders
from .limits import CallerGate
from .metrics import Metrics
from .purse import Purse
from .runner import JobRunner
from .settings import ServiceSettings

__all__ = ["Service"]

_TO_STOP_S = 20.0


@dataclass(frozen=True)
class Service:
    """What requests are answered from."""

    settings: ServiceSettings
    book: CallerBook
    folders: JobFolders
    purse: Purse
    extractions: Extractions
    runner: JobRunner
    metrics: Metrics
    gate: CallerGate = field(default_factory=CallerGate)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ServiceSettings, metrics: Metrics) -> AsyncIterator["Service"]:
        """A service whose processes are started, and whose jobs go on; nobody else may use its root. Raises
        ``StoreError`` if that cannot be used.
        """
        book = CallerBook(settings.root)
        try:
            folders = JobFolders(settings.root)
            purse = Purse(book, settings.pricing, metrics.note_call)
            extractions = Extractions(settings, purse, metrics.extractions.set)
            runner = JobRunner(settings, folders, purse)
            metrics.count_jobs(lambda: {state.value: n for state, n in runner.count_states().items()})
            extractions.start()
            runner.start()
            try:
                yield cls(settings, book, folders, purse, extractions, runner, metrics)
            finally:
                await runner.close(_TO_STOP_S)
                await extractions.close()
        finally:
            book.close()
