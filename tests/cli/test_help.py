"""Help in groups, suggestions for mistyped words, shell completion."""

import re
from collections import Counter

import typer

from extractor.apps.cli.app import app
from extractor.apps.cli.options import RARE
from tests.commands import extractor, invoke


def read_help(*command):
    done = invoke(*command, "--help", COLUMNS="100", TERM="dumb", NO_COLOR="1")
    assert done.exit_code == 0
    return done.stdout


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


def list_panels(group=None, path=()):
    """Yield each option of each command that users see: the command, the option, its group in
    help.
    """
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if not command.hidden:
            yield from (
                (" ".join((*path, name)), one.opts[0], one.rich_help_panel)
                for one in list_options(command)
            )
            if hasattr(command, "commands"):
                yield from list_panels(command, (*path, name))


def list_options(command):
    return [one for one in command.params if one.param_type_name == "option"]


def test_long_help_is_in_groups_an_option_has_one_group_everywhere_and_rare_ones_come_last():
    listed = list(list_panels())

    counts = Counter(command for command, *_ in listed)
    bare = set()
    groups = {}
    for command, option, panel in listed:
        if panel:
            groups.setdefault(option, set()).add(panel)
        elif panel is None and counts[command] > 6:
            bare.add(command)

    assert {"batch submit", "batch collect", "doctor"} <= set(counts)
    assert bare == set()
    assert {option: names for option, names in groups.items() if len(names) > 1} == {}
    for command in counts:
        rare = [panel == RARE for name, _, panel in listed if name == command]
        assert rare == sorted(rare), command


def test_a_mistyped_hosted_model_gets_the_nearest(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = invoke(
        "run",
        "tests/records/study.json",
        "--model",
        "gpt5-mini",
        "--dry-run",
        "--quiet",
    )
    assert (
        "openai/gpt5-mini is not a known model; did you mean openai/gpt-5-mini?"
        in done.stderr
    )
    done = invoke(
        "run",
        "tests/records/study.json",
        "--model",
        "gpt-5-mini",
        "--dry-run",
        "--quiet",
    )
    assert "did you mean" not in done.stderr


def test_completion_completes_commands():
    done = extractor(
        _EXTRACTOR_COMPLETE="complete_bash", COMP_WORDS="extractor rep", COMP_CWORD="1"
    )
    assert done.stdout.decode().split() == ["report"]
