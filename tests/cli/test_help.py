"""Help in groups, suggestions for mistyped words, shell completion."""

import re

import pytest

from tests.commands import extractor, invoke


def read_help(*command):
    done = extractor(*command, "--help", COLUMNS="100", TERM="dumb", NO_COLOR="1")
    assert done.returncode == 0
    return done.stdout.decode()


def test_the_first_screen_of_run_has_at_most_fifteen_options():
    text = read_help("run")
    groups = re.findall(r"^╭─ ([\w ]+?) ─", text, re.MULTILINE)
    assert groups == [
        *("Arguments", "Input and output", "What to extract", "Model", "Cost"),
        *("Speed", "Many machines", "Rarely needed"),
    ]
    first, rest = text.split("─ Speed ─")
    assert 10 <= len(re.findall(r"^│ --\w", first, re.MULTILINE)) <= 15
    assert "--workers" in rest
    assert "--help" in rest


def test_rare_modes_are_commands_of_their_own():
    assert "batch" in read_help()
    assert "doctor" in read_help()
    assert "cassettes" not in read_help()
    assert invoke("cassettes", "--help").exit_code == 0
    assert {"submit", "collect"} <= set(read_help("batch").split())


@pytest.mark.parametrize(
    ("command", "hint"), [("rnu", "Did you mean 'run'?"), ("run x --modle y", "--model"), ("batch sumbit x", "submit")]
)
def test_a_mistyped_command_or_option_gets_the_nearest(command, hint):
    done = invoke(*command.split())
    assert done.exit_code == 2
    assert hint in " ".join(done.stderr.split())


def test_a_mistyped_hosted_model_gets_the_nearest(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = invoke("run", "tests/records/study.json", "--model", "gpt5-mini", "--dry-run", "--quiet")
    assert "gpt5-mini is not a known model; did you mean gpt-5-mini?" in done.stderr
    done = invoke("run", "tests/records/study.json", "--model", "gpt-5-mini", "--dry-run", "--quiet")
    assert "did you mean" not in done.stderr


def test_completion_completes_commands():
    done = extractor(_EXTRACTOR_COMPLETE="complete_bash", COMP_WORDS="extractor rep", COMP_CWORD="1")
    assert done.stdout.decode().split() == ["report", "reparse"]
