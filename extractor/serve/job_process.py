"""The life of a job's process: a run over the job's upload, told as events, that can end at any moment."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import Any

from extractor.api import Extractor
from extractor.errors import BudgetReached, ExtractorError, ModelUnavailable
from extractor.events import Event, EventLog, listening, tell
from extractor.llm.client import ClientSettings
from extractor.llm.transport import Route
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.run.batch import BatchLimits, note_unread, run_batch
from extractor.run.budget import Pricing
from extractor.run.executor import InlineExecutor, ProcessExecutor, extract_with
from extractor.run.folder import RunFolder
from extractor.run.manifest import describe_settings, read_manifest
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import TrialRecord

from .asking import ServiceMeter
from .hold import hold
from .jobs import EVENTS, RUN, UPLOAD
from .messages import Ended, Ending, Grant, Progress, Stop, describe_unexpected
from .process import ChildLine

__all__ = ["JobPlan", "perform_job"]

_PATIENCE_S = 30.0
_PROGRESS_S = 0.2
_MANIFEST, _LOCK = "run.json", ".lock"
_OTHER_PROGRAM = "the program or its model is another than when the job began; send the records again"


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job's folder, and how its records are extracted. The process of one that ``is_suspect`` died of a record."""

    folder: Path
    caller: str
    options: ExtractionOptions
    pricing: Pricing
    asking: ClientSettings
    concurrency: int
    workers: int
    is_suspect: bool = False

    @property
    def extractor(self) -> Extractor:
        return Extractor(self.pricing.spec, **asdict(self.options))

    @property
    def uses_rules_alone(self) -> bool:
        return self.options.assist is Assist.NEVER or self.pricing.spec is None


@dataclass(slots=True)
class _Course:
    """A job under way: what it has done, what it stops for, and who tells the service."""

    line: ChildLine
    tally: Tally = field(default_factory=Tally)
    stopped: bool = False
    unread: str | None = None
    """Why the upload was not read to its end."""
    meter: ServiceMeter | None = None
    told: float = 0.0

    def goes_on(self, _: object = None) -> bool:
        return not self.stopped and not (self.meter and self.meter.reached)

    @property
    def stopped_by(self) -> str | None:
        """What ended the job before its records ended."""
        return "interrupted" if self.stopped else "the budget was reached" if not self.goes_on() else None

    @property
    def progress(self) -> Progress:
        return Progress(self.tally.extracted + self.tally.resumed, self.tally.failed, self.tally.usage)

    def tell_progress(self) -> None:
        """Not for each record: the service has more to do."""
        if monotonic() - self.told > _PROGRESS_S:
            self.told = monotonic()
            self.line.send(self.progress)


def perform_job(line: ChildLine, plan: JobPlan) -> None:
    """Do what is left of a job, and say how it ended."""
    course = _Course(line)
    # Names in results and failures are those of the upload, not of this machine's folders.
    os.chdir(plan.folder / UPLOAD)
    folder = Path("..")
    with hold(folder, _PATIENCE_S), (folder / EVENTS).open("a", encoding="utf-8") as events:
        (folder / RUN / _LOCK).unlink(missing_ok=True)  # of a start that was killed: who holds the folder is alone
        with listening(EventLog(events)):
            ending, reason = _perform(plan, folder / RUN, course)
    line.send(Ended(ending, course.progress, reason))


def _perform(plan: JobPlan, run: Path, course: _Course) -> tuple[Ending, str | None]:
    tell(Event.RUN_STARTED, assist=plan.options.assist.value, model=_name_model(plan), workers=plan.workers)
    since = monotonic()
    ending, status, reason = Ending.FAILED, "failed", None
    try:
        asyncio.run(_extract_all(plan, run, course))
        ending, status = (Ending.STOPPED, "interrupted") if course.stopped else (Ending.DONE, "done")
        if course.unread:
            ending, status, reason = Ending.FAILED, "failed", course.unread
    except BudgetReached as error:
        ending, status, reason = Ending.PAUSED, "budget", str(error)
    except ModelUnavailable:
        ending, reason = Ending.PAUSED, "the model cannot be used at the moment"
    except (ExtractorError, OSError) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - its text may be that of a record, its class is not
        reason = f"an unexpected {describe_unexpected(error)}"
    counts = {"extracted": course.tally.extracted, "resumed": course.tally.resumed, "failed": course.tally.failed}
    usage = course.tally.usage.model_dump(include={"calls", "prompt_tokens", "output_tokens"})
    tell(Event.RUN_ENDED, status=status, seconds=round(monotonic() - since, 3), **counts, **usage)
    return ending, reason


def _name_model(plan: JobPlan) -> str | None:
    return None if plan.uses_rules_alone or plan.pricing.spec is None else plan.pricing.spec.name


async def _extract_all(plan: JobPlan, run: Path, course: _Course) -> None:
    loop, extractor = asyncio.get_running_loop(), plan.extractor

    def hear(message: Any) -> None:
        if isinstance(message, Grant) and course.meter:
            course.meter.hear(message)
        elif isinstance(message, Stop):
            course.stopped = True

    course.line.listen(lambda message: loop.call_soon_threadsafe(hear, message))
    settings = describe_settings(extractor)
    stale = _is_stale(run, settings)
    if stale and not plan.uses_rules_alone:
        raise ExtractorError(_OTHER_PROGRAM)  # begun anew, all would be paid again
    with RunFolder(run, settings, fresh=stale, price=plan.pricing.cost) as folder:
        stopped_by: str | None = "an error"
        try:
            extract_all = _extract_by_rules if plan.uses_rules_alone else _extract_with_model
            await extract_all(plan, folder, course)
            stopped_by = course.stopped_by
        finally:
            folder.finish(course.tally, stopped_by)
    if course.meter and course.meter.reached:
        raise BudgetReached(course.meter.reached)


def _is_stale(run: Path, settings: dict[str, Any]) -> bool:
    earlier = read_manifest(run / _MANIFEST)
    return earlier is not None and any(earlier.settings.get(name) != settings[name] for name in settings)


async def _extract_by_rules(plan: JobPlan, folder: RunFolder, course: _Course) -> None:
    async with _open_processes(plan) as executor:
        folder.begin()
        extract = partial(extract_with, executor, options=plan.options, model=None)
        await _run(extract, folder, course, executor.capacity)


async def _extract_with_model(plan: JobPlan, folder: RunFolder, course: _Course) -> None:
    course.meter = ServiceMeter(course.line.send, lambda: plan.caller)
    route = Route(course.meter)
    async with plan.extractor.open(plan.concurrency, folder.replies, route, plan.asking) as opened:
        course.tally.meter, course.tally.price = lambda: opened.usage, plan.pricing.cost
        folder.begin()
        async with _open_processes(plan) if plan.is_suspect else InlineExecutor() as executor:
            extract = partial(extract_with, executor, options=plan.options, model=opened.model)
            await _run(extract, folder, course, plan.concurrency)


def _open_processes(plan: JobPlan) -> ProcessExecutor:
    """Processes that compute. Of a job that is suspect, they compute all of its records."""
    return ProcessExecutor(plan.workers, inline_first=0) if plan.is_suspect else ProcessExecutor(plan.workers)


async def _run(
    extract: Callable[[TrialRecord], Awaitable[ExtractedLine]], folder: RunFolder, course: _Course, concurrency: int
) -> None:
    report = partial(note_unread, sink=folder, tally=course.tally)

    def read() -> Iterator[TrialRecord]:
        try:
            yield from takewhile(course.goes_on, read_records(".", on_error=report))
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - what was read before is extracted
            unexpected = describe_unexpected(error)
            course.unread = f"the upload could not be read to its end: an unexpected {unexpected}"
            report(ExtractorError(course.unread))

    async def told(record: TrialRecord) -> ExtractedLine:
        try:
            return await extract(record)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            raise ExtractorError(f"an unexpected {describe_unexpected(error)}") from error
        finally:
            course.tell_progress()
            await asyncio.sleep(0)  # a word of the service is heard between records

    await run_batch(read(), told, folder, course.tally, BatchLimits(concurrency))
