"""A run whose folder is deleted or moved stops at once."""

import shutil

import pytest

from tests.commands import start_extractor
from tests.provider import serve_provider
from tests.stand_ins import write_distinct_records

from .running import count_lines
from .server import serve_faults

pytestmark = pytest.mark.slow

RECORDS = 24
LOST = "run.sqlite: it was deleted, moved or replaced during the run, so the run stops here"


def words(records, server, *more):
    model = ("--effort", "full", "--model", f"{server.url}#stub", "--concurrency", 4)
    return ("run", records, *model, "--quiet", *more)


def move(folder):
    folder.rename(folder.with_name("elsewhere"))


def replace(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "run.sqlite").touch()


@pytest.mark.parametrize("lose", [shutil.rmtree, move, replace])
def test_a_run_without_its_folder_asks_nothing_more_and_a_moved_one_goes_on(
    records, tmp_path, lose
):
    out = tmp_path / "run"
    with serve_faults() as server:
        server.holds_after = 8
        with start_extractor(*words(records, server, "--out", out)) as running:
            running.wait_for(lambda: server.calls >= 12)
            lose(out)
            asked = server.calls
            server.holds_after = None
            ended = running.wait()
        assert ended.returncode == 1
        assert server.calls <= asked + 4  # those that had begun
        (line,) = ended.stderr.decode().splitlines()
        assert f"{out}/{LOST}" in line
        if lose is move:
            again = words(records, server, "--out", tmp_path / "elsewhere")
            with start_extractor(*again) as running:
                assert running.wait().returncode == 0
            assert server.calls <= RECORDS + 8


def test_rules_alone_stop_without_their_folder_too(tmp_path):
    out = tmp_path / "run"
    write_distinct_records(tmp_path / "many.jsonl", 200)
    rules = ("--effort", "none", "--workers", 1)
    many = ("run", tmp_path / "many.jsonl", "--out", out, *rules)
    with start_extractor(*many) as running:
        running.wait_for(lambda: count_lines(out))
        shutil.rmtree(out)
        ended = running.wait()
    assert ended.returncode == 1
    assert LOST in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_a_run_that_waits_for_batches_notices_it(records, tmp_path):
    out = tmp_path / "run"
    with serve_provider(looks=10**6) as provider:
        model = ("--model", f"{provider.url}#stub", "--effort", "full", "--quiet")
        collect = ("batch", "collect", records, "--out", out, *model, "--poll", 1)

        def is_polling():
            return any(route.startswith("GET /batches") for route in provider.asked[3:])

        with start_extractor(*collect) as running:
            running.wait_for(is_polling)
            shutil.rmtree(out)
            ended = running.wait()
    assert ended.returncode == 1
    assert LOST in ended.stderr.decode()
