"""The log of a service: who may read it, its first and last event, changes of keys, and what is
left out.
"""

import json
import signal
import stat
import sys

import pytest

from tests.commands import invoke

from .running import many, serve, submit, wait_until

pytestmark = pytest.mark.slow

OFTEN_ALIVE = """
from extractor.apps.cli import main
from extractor.apps.serve import routes
routes._KEEP_ALIVE_S = 0.05
main()
"""
"""The service, whose streams of events show more often that they are alive."""


def test_the_log_begins_with_the_start_ends_with_the_stop_and_tells_of_keys(tmp_path):
    program = (sys.executable, "-c", OFTEN_ALIVE)
    root = ("--root", tmp_path / "root")
    invoke("serve", "keys", "add", "early", "--new", *root)
    with serve(tmp_path / "root", "--workers", "1", program=program) as service:

        def read_events(name):
            text = service.log.read_text("utf-8")
            events = [json.loads(line) for line in text.splitlines()]
            return [event for event in events if event["event"] == name]

        assert stat.S_IMODE(service.log.stat().st_mode) == 0o600
        for path in ("/healthz", "/readyz", "/"):
            assert service.client.get(path).status_code == 200
        invoke("serve", "keys", "limit", "early", "--max-usd", "3", *root)
        wait_until(lambda: len(read_events("key_changed")) == 2)
        job_id = submit(service.client, many(200))["id"]
        with service.client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
            assert any(line.startswith(": ping") for line in stream.iter_lines())
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(100)
        (started,) = read_events("service_started")
        (ended,) = read_events("service_ended")
        added, limited = read_events("key_changed")
        answered = read_events("request_ended")

    assert (started["model"], started["workers"], started["jobs"]) == (None, 1, 0)
    assert len(started["rules"]) == 16
    assert ended["seconds"] > 0
    assert (added["caller"], added["change"]) == ("early", "added")
    assert (limited["change"], limited["max_usd"]) == ("limited", 3)
    assert "/" in {event["route"] for event in answered}
    # also those of 503 while the workers start
    assert not {"/healthz", "/readyz"} & {event["route"] for event in answered}
