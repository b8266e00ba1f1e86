"""The jobs of a service, without its processes: old ones are deleted, whatever happens to others."""

import asyncio
from contextlib import closing, contextmanager, suppress
from datetime import timedelta

import pytest

from extractor.apps.serve import jobs
from extractor.apps.serve.callers import CallerBook, SharedMeter
from extractor.apps.serve.job import JobState
from extractor.apps.serve.jobs import JobRunner
from extractor.apps.serve.settings import ServiceOptions, ServiceSettings
from extractor.model.cost.budget import Pricing
from extractor.model.events import Event
from extractor.options import ExtractionOptions
from extractor.run.executor import InlineExecutor

DAY = timedelta(days=1)


@contextmanager
def open_runner(root):
    """A service's jobs, none of which begins by itself."""
    pricing = Pricing(None)
    options = ServiceOptions(effort="none")
    settings = ServiceSettings(options, root, "t" * 16, None, pricing, 1)
    with (
        closing(CallerBook(root)) as book,
        closing(SharedMeter(root, pricing, None, book)) as meter,
    ):
        runner = JobRunner(settings, book, meter, InlineExecutor())
        runner.fill = lambda: None
        yield runner


def submit(runner, caller="anna"):
    job_id, upload = runner.prepare(caller)
    (upload / "records").write_bytes(b"x")
    options = ExtractionOptions(effort="none")
    return runner.submit(caller, job_id, "records", 1, options).id


def end(runner, job_id):
    runner.cancel(job_id, "anna")
    entry = runner._entries[job_id]
    old = "2020-01-01T00:00:00+00:00"
    entry.job = entry.job.model_copy(update={"ended": old})


async def clean_once(runner):
    """Let the runner delete what is old, until it waits for the next time."""
    cleaning = asyncio.create_task(runner._clean(DAY))
    await asyncio.wait([cleaning], timeout=1)
    assert not cleaning.done(), cleaning.exception()
    cleaning.cancel()
    with suppress(asyncio.CancelledError):
        await cleaning


@pytest.fixture
def told(monkeypatch):
    """The events that the jobs tell."""
    events = []
    place = "extractor.apps.serve.jobs.tell"
    monkeypatch.setattr(place, lambda event, **facts: events.append((event, facts)))
    return events


@pytest.mark.parametrize("happens", ["deleted", "resumed"])
async def test_a_job_that_is_deleted_or_resumed_meanwhile_is_left_to_that(
    tmp_path, monkeypatch, happens
):
    """While the first old job is deleted, something happens to the second."""
    with open_runner(tmp_path) as runner:
        first, second, third = (submit(runner) for _ in range(3))
        for job_id in (first, second, third):
            end(runner, job_id)
        delete = JobRunner.delete

        async def delete_slowly(self, job_id, by=None):
            if job_id == first and happens == "deleted":
                await delete(self, second, "anna")
            elif job_id == first:
                self.resume(second, "anna")
            await delete(self, job_id, by)

        monkeypatch.setattr(JobRunner, "delete", delete_slowly)
        await clean_once(runner)
        left = [job.id for job in runner.list_jobs("anna")]
        assert left == ([] if happens == "deleted" else [second])
        assert (tmp_path / "jobs" / "anna" / second).exists() == bool(left)


async def test_a_job_that_cannot_be_deleted_holds_up_no_other_and_is_not_forgotten(
    tmp_path, monkeypatch, caplog, told
):
    with open_runner(tmp_path) as runner:
        stuck, other = submit(runner), submit(runner)
        for job_id in (stuck, other):
            end(runner, job_id)
        discard = jobs._discard

        def discard_others(folder):
            if folder.name == stuck:
                raise PermissionError(13, "Permission denied", str(folder))
            discard(folder)

        monkeypatch.setattr(jobs, "_discard", discard_others)
        await clean_once(runner)
        assert [job.id for job in runner.list_jobs("anna")] == [stuck]
        assert f"job {stuck}: it cannot be deleted" in caplog.text
        deleted = [facts for event, facts in told if event == Event.JOB_DELETED]
        assert [facts["job"] for facts in deleted] == [other]
        monkeypatch.undo()
        await clean_once(runner)
        assert runner.list_jobs("anna") == []


async def test_a_job_may_be_deleted_twice_at_once(tmp_path, told):
    with open_runner(tmp_path) as runner:
        job_id = submit(runner)
        await asyncio.gather(
            runner.delete(job_id, "anna"), runner.delete(job_id, "operator")
        )
        deleted = [facts for event, facts in told if event == Event.JOB_DELETED]
        assert [facts["by"] for facts in deleted] == ["anna"]


async def test_the_last_job_of_a_caller_takes_its_folder_with_it_and_not_its_id(
    tmp_path,
):
    with open_runner(tmp_path) as runner, closing(CallerBook(tmp_path)) as book:
        book.add("anna", 60)
        first, last = submit(runner), submit(runner)
        await runner.delete(first, "anna")
        assert (tmp_path / "jobs" / "anna" / last).exists()
        await runner.delete(last, "anna")
        assert list((tmp_path / "jobs").iterdir()) == []
        book.revoke("anna")
        book.add("anna", 60)
        assert [caller.id for caller in book] == ["anna.2"]
        # a caller goes on after it has deleted all of its jobs
        assert runner.find("anna", submit(runner))


async def test_events_say_who_submitted_cancelled_resumed_and_deleted(tmp_path, told):
    with open_runner(tmp_path) as runner:
        job_id = submit(runner)
        runner.cancel(job_id, "anna")
        runner.resume(job_id, "operator")
        await runner.delete(job_id)  # the service itself, since the job is old
    ours = {"job": job_id, "caller": "anna"}
    zero = {"extracted": 0, "failed": 0}
    none = {"effort": "none", "model": None, "bytes": 1}
    assert told == [
        (Event.JOB_SUBMITTED, ours | none),
        (Event.JOB_CHANGED, ours | {"state": JobState.CANCELLED, "by": "anna"}),
        (Event.JOB_CHANGED, ours | {"state": JobState.QUEUED, "by": "operator"}),
        (Event.JOB_DELETED, ours | {"by": None} | zero),
    ]
