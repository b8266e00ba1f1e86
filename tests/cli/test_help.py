"""Help in groups, suggestions for mistyped words, shell completion."""

import itertools
import re
from collections import Counter

import pytest
import typer

from extractor.apps.cli.app import app
from extractor.apps.cli.help_examples import EXAMPLES, list_examples
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


def list_commands(group=None, path=()):
    """Yield the words of each command, and the command; groups of commands too."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from list_commands(command, (*path, name))


COMMANDS = {" ".join(words): command for words, command in list_commands()}
"""All commands, and the groups of commands."""
MERE_GROUPS = {"batch", "gold", "serve keys"}


@pytest.mark.parametrize("words", ["", *COMMANDS])
def test_the_short_option_for_help_prints_the_same_and_no_type_of_a_flag(words):
    long, short = (invoke(*words.split(), option).stdout for option in ("--help", "-h"))
    assert long == short
    assert "Show this message and exit." in long
    assert "<bool>" not in long


def test_each_command_has_examples_at_the_end_of_its_help():
    assert EXAMPLES.keys() == COMMANDS.keys() - MERE_GROUPS
    for words in EXAMPLES:
        examples = list_examples(words)
        assert 2 <= len(examples) <= 3, words
        assert f"extractor {words}" in "".join(examples)
        end = re.split(r"Examples: *\n", read_help(*words.split()))[1]
        assert [line.strip() for line in end.strip().splitlines()] == examples


def test_examples_use_only_options_that_their_commands_have():
    longest_first = sorted(COMMANDS, key=len, reverse=True)
    for line in itertools.chain.from_iterable(map(list_examples, EXAMPLES)):
        written = line.removeprefix("extractor ")
        named = next(
            name for name in longest_first if f"{written} ".startswith(f"{name} ")
        )
        known = {name for option in COMMANDS[named].params for name in option.opts}
        given = {word for word in line.split() if word.startswith("-")}
        assert given <= known, line


def test_what_names_the_output_has_a_short_option():
    for words, command in COMMANDS.items():
        for option in list_options(command):
            if {"--out", "--to"} & set(option.opts):
                assert "-o" in option.opts, words
    for words in ("review", "evaluate", "diff"):
        assert any("-o" in option.opts for option in list_options(COMMANDS[words]))


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
