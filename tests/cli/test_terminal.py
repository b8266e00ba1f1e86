"""What a terminal would obey, or that would turn text round, never gets there from a record or a file's name."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from extractor.cli.app import app
from tests.hostile.suite import load_suite

OBEYED = ["\x1b", "\x9b", "\x07", "\u202e", "\u2067"]
SHOWN = [hostile for hostile in load_suite() if hostile.attack in {"terminal", "bidi", "zero_width"}]


@pytest.mark.parametrize("hostile", SHOWN, ids=str)
@pytest.mark.parametrize("command", [["parse"], ["run", "--assist", "never"], ["run", "--dry-run"]])
def test_commands_print_nothing_that_a_terminal_obeys(hostile, command):
    result = CliRunner().invoke(app, [*command, f"tests/hostile/records/{hostile.file}"])
    assert result.exit_code == 0
    assert [sign for sign in OBEYED[:3] if sign in result.output] == []


class Terminal:
    """A stream that is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """The counts that are shown while commands go on, as on a terminal."""
    tallies = []

    def live_line(tally):
        tallies.append(tally)
        return MagicMock()

    monkeypatch.setattr("extractor.cli.progress._live_line", live_line)
    monkeypatch.setattr("extractor.cli.progress.sys", SimpleNamespace(stderr=Terminal()))
    return tallies


def test_all_commands_that_take_long_show_how_far_they_are(shown, tmp_path):
    out, new = str(tmp_path / "run"), str(tmp_path / "new")
    assert CliRunner().invoke(app, ["run", "seeds/records", "--quiet", "--out", out]).exit_code == 0
    commands = [
        ["run", "seeds/records", "--dry-run"],
        ["impact", out],
        ["reparse", out, "--out", new],
    ]
    for command in commands:
        assert CliRunner().invoke(app, command).exit_code == 0
    assert [tally.extracted for tally in shown] == [5] * len(commands)
    assert CliRunner().invoke(app, ["run", "seeds/records", "--dry-run", "--quiet"]).exit_code == 0
    assert len(shown) == len(commands)


def test_names_of_files_and_their_errors_are_shown_without_controls(tmp_path):
    (tmp_path / "a\x1b[31m.txt").write_text("Ages, " * 3)
    result = CliRunner().invoke(app, ["parse", str(tmp_path)])
    assert result.exit_code == 1
    assert "\x1b" not in result.output
