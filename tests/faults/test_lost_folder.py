"""A run whose folder is deleted or moved stops at once, and a run that waits in a pipe says so."""

import shutil

import pytest

from extractor.run import progress
from tests.commands import invoke, start_extractor
from tests.provider import serve_provider

from .server import Fault, serve_faults

pytestmark = pytest.mark.slow

RECORDS = 40


def move(folder):
    folder.rename(folder.with_name("elsewhere"))


def replace(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "run.sqlite").touch()


@pytest.mark.parametrize("lose", [shutil.rmtree, move, replace])
def test_a_run_without_its_folder_asks_nothing_more(records, tmp_path, lose):
    out = tmp_path / "run"
    with serve_faults() as server:
        server.holds_after = 8
        words = (
            "run",
            records,
            "--effort",
            "all",
            "--concurrency",
            4,
            "--out",
            out,
            "--model",
            f"{server.url}#stub",
        )
        with start_extractor(*words, "--quiet") as running:
            running.wait_for(lambda: server.calls >= 12)
            lose(out)
            asked = server.calls
            server.holds_after = None
            ended = running.wait()
    assert ended.returncode == 1
    assert server.calls <= asked + 4  # those that had begun
    (line,) = ended.stderr.decode().splitlines()
    assert (
        f"{out}/run.sqlite: it was deleted, moved or replaced during the run, which stops here"
        in line
    )


def test_a_moved_run_goes_on_at_its_new_place(records, tmp_path):
    out = tmp_path / "run"

    with serve_faults() as server:
        words = (
            "run",
            records,
            "--effort",
            "all",
            "--concurrency",
            4,
            "--model",
            f"{server.url}#stub",
            "--quiet",
        )
        server.holds_after = 8
        with start_extractor(*words, "--out", out) as running:
            running.wait_for(lambda: server.calls >= 12)
            move(out)
            server.holds_after = None
            assert running.wait().returncode == 1
        before = server.calls
        with start_extractor(*words, "--out", tmp_path / "elsewhere") as running:
            assert running.wait().returncode == 0

    assert server.calls <= RECORDS + 8
    assert before >= 12


def test_rules_alone_stop_without_their_folder_too(tmp_path):
    out = tmp_path / "run"
    text = "Inclusion Criteria:\n- Age 18 or older\n"
    source = tmp_path / "many"
    source.mkdir()
    for number in range(400):
        (source / f"{number:03}.txt").write_text(text + f"- Visit {number}\n", "utf-8")

    with start_extractor(
        "run", source, "--out", out, "--effort", "none", "--workers", 1
    ) as running:
        results = out / "extractions.jsonl"
        running.wait_for(lambda: results.exists() and results.stat().st_size)
        shutil.rmtree(out)
        ended = running.wait()

    assert ended.returncode == 1
    assert b"it was deleted, moved or replaced during the run" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_run_that_waits_for_batches_notices_it(records, tmp_path):
    out = tmp_path / "run"

    with serve_provider(looks=10**6) as provider:
        model = ("--model", f"{provider.url}#stub", "--effort", "all", "--quiet")
        with start_extractor(
            "batch", "collect", records, "--out", out, *model, "--poll", 1
        ) as running:
            running.wait_for(
                lambda: any(
                    route.startswith("GET /batches") for route in provider.asked[3:]
                )
            )
            shutil.rmtree(out)
            ended = running.wait()

    assert ended.returncode == 1
    assert b"it was deleted, moved or replaced during the run" in ended.stderr


@pytest.mark.parametrize("quiet", [False, True])
def test_a_pipe_hears_once_a_minute_what_a_run_waits_for(
    records, tmp_path, monkeypatch, quiet
):
    monkeypatch.setattr(progress, "_NOTE_EVERY_S", 0.05)
    limited = Fault(429, {"Retry-After": "4"})

    with serve_faults(lambda number: limited if number < 2 else Fault()) as server:
        words = (
            "run",
            records,
            "--effort",
            "all",
            "--concurrency",
            2,
            "--limit",
            2,
            "--model",
            f"{server.url}#stub",
        )
        done = invoke(
            *words, "--out", tmp_path / "run", *(("--quiet",) if quiet else ())
        )

    assert done.exit_code == 0, done.stderr
    assert ("extractor: rate limited, next try in" in done.stderr) is not quiet


def test_a_pipe_hears_which_batch_is_waited_for(records, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_NOTE_EVERY_S", 0.05)

    with serve_provider(looks=2) as provider:
        words = (
            "batch",
            "collect",
            records,
            "--limit",
            2,
            "--effort",
            "all",
            "--model",
            f"{provider.url}#stub",
        )
        done = invoke(*words, "--out", tmp_path / "run", "--poll", 0.4)

    assert done.exit_code == 0, done.stderr
    assert "extractor: waiting for batch 1 (in_progress, 0 of 2 done)" in done.stderr
