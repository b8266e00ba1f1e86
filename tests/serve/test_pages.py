"""The pages on the service and the files of ``deploy/`` do what they promise, and agree."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from extractor.model.events import Event

from .running import serve_here

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PRODUCTION = (DOCS / "how-to/production.md").read_text("utf-8")
SERVE = (DOCS / "how-to/serve.md").read_text("utf-8")


def find_block(words, page):
    """Return the block of commands that has these words."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.M | re.S)
    (block,) = [block for block in blocks if words in block]
    return block


def run_page(commands, folder):
    """Run commands in a folder with the inputs of the clone, on a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        commands = re.sub("8400", str(free.getsockname()[1]), commands)
    for name in ("seeds", "tests"):
        (folder / name).symlink_to(ROOT / name)
    # A program rather than a function of the shell, so that the page's `kill` reaches it.
    program = folder / "bin" / "extractor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m extractor "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", f"{commands}\nwait"],
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "jq", "zip", "openssl"))),
    reason="the page uses them",
)
def test_the_page_on_the_service_runs_as_written(tmp_path):
    """From the start to the revoked key, in one shell. Only the port is another."""
    begin = find_block("--log-json service.log", SERVE)
    begin = begin.replace("serve ", "serve --port 8400 ")
    chapters = SERVE[SERVE.index("## 2.") : SERVE.index("## 5.")]
    # the blocks that show what a command prints
    blocks = re.findall(r"^```text\n(.*?)^```", chapters, re.M | re.S)
    commands = re.findall(r"^\$ (.*\n(?: {4}.*\n)*)", "".join(blocks), re.M)
    done = run_page(f"{begin}{''.join(commands)}\nkill %1", tmp_path)
    assert '"record_id":"note"' in done.stdout, done.stderr
    assert '"state": "done", "reason": null' in done.stdout
    assert "\n204\n" in done.stdout
    assert "\nanna\t" in done.stdout
    assert done.stdout.count('"status": 401') == 1
    assert (tmp_path / "criteria.csv").read_text("utf-8").startswith("record_id,")


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
def test_the_filter_of_the_log_shows_what_the_page_promises(tmp_path):
    log = tmp_path / "log"
    ours = {"time": "2026-11-26T09:00:00+00:00", "caller": "anna", "job": "0f"}
    usage = {"calls": 2, "prompt_tokens": 30, "output_tokens": 12, "usd": 0.5}
    done = {"event": "job_ended", "state": "done", "extracted": 5, "failed": 1}
    answered = {"event": "request_ended", "route": "/v1/extractions", "status": 200}
    calling = [
        {"event": "worker_lost"},
        {"event": "request_failed"},
        {"event": "request_ended", "route": "/v1/jobs", "status": 507},
        {"event": "job_changed", "state": "paused"},
    ]
    quiet = [done | {"state": "queued"}, done | usage, answered | usage]
    quiet.append({"event": "job_deleted", "by": None})
    lines = [json.dumps(ours | event) for event in (*calling, *quiet)]
    log.write_text("\n".join(lines))
    alerts = find_block("fromjson?", PRODUCTION)
    journal = "journalctl -u extractor -o cat --since -5min"
    commands = alerts.replace(journal, f"(echo no event; cat {log})")
    shown = subprocess.check_output(["bash", "-ec", commands], text=True).splitlines()
    assert [json.loads(line) for line in shown] == [ours | event for event in calling]
    table = PRODUCTION[PRODUCTION.index("| event | meaning") :].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z]+_[a-z]+)`", table))
    assert named
    assert named <= set(Event)


def test_the_options_on_the_page_start_a_service_without_and_with_a_model(
    tmp_path, monkeypatch
):
    (unit,) = set(re.findall(r"`EXTRACTOR_OPTIONS=(.*?)`", PRODUCTION))
    (image,) = re.findall(r"`\S+/extractor serve (.*?)`", PRODUCTION)
    (added,) = set(re.findall(r"`(--\S+ \S+)` to the options", PRODUCTION))
    (model,) = set(re.findall(r"EXTRACTOR_MODEL=([\w-]+)", PRODUCTION))
    for number, options in enumerate((unit, image)):
        with serve_here(tmp_path / f"rules-{number}", *options.split()) as service:
            assert service.url
    monkeypatch.setenv("EXTRACTOR_MODEL", model)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-no-key")
    with serve_here(tmp_path / "model", *unit.split(), *added.split()) as service:
        assert service.url
