"""Events of a run in a log, without texts, addresses or keys."""

import json
from io import StringIO
from pathlib import Path

from extractor.model.events import Event, EventLog, listening, tell
from tests.commands import invoke, read_lines
from tests.llm.stub import completion, fault, serve

KEY = "sk-hostile-0123456789"
SECRET = "Patients with the secret condition"


def log_run(tmp_path, source, *options, **environment):
    log = tmp_path / "log"
    out = ("--out", tmp_path / "out", "--log-json", log)
    invoke("run", source, *out, *options, **environment)
    return read_lines(log), log.read_text("utf-8")


def test_hostile_facts_stay_on_their_line_and_are_cut(tmp_path):
    with (tmp_path / "log").open("w") as file, listening(EventLog(file)):
        hostile = 'x"\n{"event": "forged"}\x1b[31m\u2028' + "y" * 500
        tell(Event.RECORD_DONE, record_id=hostile, traceback="y" * 2500)
    raw = (tmp_path / "log").read_bytes()
    assert raw.count(b"\n") == 1
    assert b"\x1b" not in raw
    (event,) = read_lines(tmp_path / "log")
    assert (event["event"], len(event["record_id"])) == ("record_done", 200)
    assert len(event["traceback"]) == 2000


def test_events_that_cannot_be_written_are_reported_once(capsys):
    class Full(StringIO):
        def write(self, _):
            raise OSError("the disk is full")

    with listening(EventLog(Full())):
        for _ in range(2):
            tell(Event.RECORD_DONE)
    assert capsys.readouterr().err == "extractor: events are lost: the disk is full\n"


def test_a_run_is_logged_without_the_text_of_what_cannot_be_read(tmp_path):
    source = tmp_path / "in.jsonl"
    good = Path("tests/records/studies.jsonl").read_text("utf-8")
    source.write_text(good + '{"protocolSection": {"' + SECRET, "utf-8")
    events, text = log_run(tmp_path, source, "--effort", "none")
    names = [event["event"] for event in events]
    done = ["record_done"] * 2
    assert names == ["run_started", *done, "record_failed", "run_ended"]
    assert (events[-2]["record_id"], events[-2]["error"]) == (None, "RecordError")
    assert events[-1]["extracted"] == 2
    assert SECRET not in text


def test_calls_are_logged_with_figures_and_nothing_else(tmp_path):
    study = json.loads(Path("tests/records/study.json").read_text("utf-8"))
    study["protocolSection"]["eligibilityModule"] = {"eligibilityCriteria": SECRET}
    source = tmp_path / "in.json"
    source.write_text(json.dumps(study), "utf-8")
    limited = fault(429, headers={"retry-after": "1"})
    with serve([limited, completion('{"items": []}')]) as server:
        model = ("--model", f"{server.url}#m")
        events, text = log_run(tmp_path, source, *model, EXTRACTOR_MODEL_TOKEN=KEY)
        address = server.url
    calls = [event for event in events if event["event"] == "call_ended"]
    for one in calls:
        del one["time"], one["seconds"]
    call = {"event": "call_ended", "record_id": "NCT90000001", "model": "m"}
    none = {"prompt_tokens": 0, "cached_tokens": 0, "output_tokens": 0}
    used = {"prompt_tokens": 10, "cached_tokens": 0, "output_tokens": 5}
    assert calls[:2] == [
        call | {"attempt": 1, "status": 429, "error": "429"} | none,
        call | {"attempt": 2, "status": 200, "error": None} | used,
    ]
    assert "rate_limited" in [event["event"] for event in events]
    for hidden in (SECRET, KEY, address, "127.0.0.1"):
        assert hidden not in text


def test_every_event_is_documented():
    page = Path("docs/reference/cli.md").read_text("utf-8")
    assert [event for event in Event if f"| `{event}` |" not in page] == []
