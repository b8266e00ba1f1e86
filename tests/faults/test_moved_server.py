"""A server that moves to another address: its run goes on there, and is replayed; another model
is another setting.
"""

import pytest

from extractor.apps.cli.console import LATER
from tests.commands import invoke, read_lines

from .running import count_lines, read_manifest
from .server import WELL, Fault, serve_faults

pytestmark = pytest.mark.slow

RECORDS = 6
NO_CREDIT = {"code": "insufficient_quota", "message": "You exceeded your quota"}
BROKE = Fault(429, error=NO_CREDIT)
COMMAND = ("--effort", "all", "--concurrency", "1", "--quiet", "--out")


def run(records, out, *options):
    return invoke("run", records, *COMMAND, out, *options)


def model_of(out):
    return read_manifest(out)["settings"]["model"]


@pytest.fixture
def begun(records, tmp_path):
    """A run that stopped in its middle without credit, and its server, which is gone now."""
    with serve_faults(lambda number: WELL if number < 3 else BROKE) as server:
        ended = run(records, tmp_path / "run", "--model", f"{server.url}#stub")
    assert ended.exit_code == LATER
    said = (
        "the account has no credit left: You exceeded your quota; go on with: extractor"
    )
    assert said in ended.stderr
    assert 0 < count_lines(tmp_path / "run") < RECORDS
    assert read_lines(tmp_path / "run" / "failures.jsonl") == []
    assert read_manifest(tmp_path / "run")["usage"]["calls"] == server.answers
    return tmp_path / "run", server


@pytest.mark.parametrize("is_replay", [False, True], ids=["run", "replay"])
def test_a_run_goes_on_at_another_address_and_pays_for_nothing_again(
    is_replay, records, begun, tmp_path
):
    first, old = begun
    out = first
    if is_replay:
        out = tmp_path / "new"
        run(records, out, "--replay", first)
        assert model_of(out) == f"{old.url}#stub"

    with serve_faults() as new:
        ended = run(records, out, "--model", f"{new.url}#stub")

    assert ended.exit_code == 0, ended.output
    assert count_lines(out) == RECORDS
    assert not +old.answered & +new.asked, "no answer is paid twice"
    assert model_of(out) == f"{new.url}#stub"
    if is_replay:
        again = run(records, out, "--replay", first)
        assert again.exit_code in (0, LATER), again.output


@pytest.mark.parametrize("model", ["{}#other", "openai/stub"])
def test_another_model_is_another_setting(records, begun, model):
    with serve_faults() as new:
        refused = run(records, begun[0], "--model", model.format(new.url))

    assert refused.exit_code == 2
    assert "created with other settings (model was http://127.0.0.1:" in refused.output
    assert new.calls == 0
