"""A stop ends the service although its model never answers, and what was cut off is counted."""

import signal
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.faults.server import serve_faults

from .running import PRICES, check_problem, many, one, post, serve, submit, wait_until

pytestmark = pytest.mark.slow

SELDOM_POLLED = """
from extractor.apps.cli import main
from extractor.apps.serve import routes
routes._POLL_S = 2.0
main()
"""
"""The service, whose streams look for events and for a stop less often than the library that sends
them looks for a stop: as on a busy machine, it sees the stop first.
"""


def test_a_stop_begins_no_call_and_ends_although_the_model_never_answers(tmp_path):
    """An extraction, a job and a stream of its events are under way. Each call may take 600
    seconds.
    """
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    with serve_faults() as server:
        server.holds_after = 6
        model = (
            "--model",
            f"{server.url}#stub",
            "--prices",
            str(prices),
            "--concurrency",
            "3",
            "--timeout",
            "500",
        )
        program = (sys.executable, "-c", SELDOM_POLLED)
        with serve(tmp_path / "root", *model, program=program) as service:
            job_id = submit(service.client, many(50), effort="all")["id"]
            wait_until(lambda: server.calls >= 9)
            url = f"/v1/jobs/{job_id}/events"
            with (
                ThreadPoolExecutor(1) as thread,
                service.client.stream("GET", url) as stream,
            ):
                lines = stream.iter_lines()
                next(lines)
                asked = thread.submit(post, service.client, one(7), effort="all")
                wait_until(lambda: server.calls >= 10)
                service.process.terminate()
                assert service.process.wait(100) == -signal.SIGTERM
                assert list(lines), "the stream ends as it should"
                check_problem(asked.result(), 503, "not-ready")
            assert server.calls == 10
            assert "ERROR" not in service.errors
            assert "Traceback" not in service.errors
        server.holds_after = None
    run = tmp_path / "root" / "jobs" / "operator" / job_id / "run" / "run.sqlite"
    with (
        closing(sqlite3.connect(run)) as store,
        closing(sqlite3.connect(tmp_path / "root" / "spending.sqlite")) as book,
    ):
        assert store.execute("SELECT count(*) FROM requests").fetchone() == (3,)
        (spent,) = book.execute("SELECT sum(dollars) FROM spending").fetchone()
        (answered,) = store.execute("SELECT sum(dollars) FROM calls").fetchone()
        assert spent > answered > 0
