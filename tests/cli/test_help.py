"""Help: fast, in groups, with an example; completion; environment variables."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from extractor.apps.cli.app import COMMANDS, app
from tests.commands import extractor, invoke
from tests.snapshots import check_json

_HELP_S = 0.4
_MEASURED = (
    "import resource, sys; sys.argv = ['extractor', '--help']; "
    "from extractor.apps.cli import main\n"
    "try: main()\nexcept SystemExit: pass\n"
    "print(*sys.modules, resource.getrusage(resource.RUSAGE_SELF).ru_utime)"
)


def test_the_list_of_commands_loads_none_of_them():
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], capture_output=True, text=True, check=True
    )
    *_, last = done.stdout.splitlines()
    *modules, seconds = last.split()
    assert {"pydantic", "rich", "extractor.options"}.isdisjoint(modules)
    assert float(seconds) < _HELP_S
    assert re.findall(r"^  (\w+) +[A-Z]", done.stdout, re.M) == [*COMMANDS]


def list_commands(group, words=""):
    """Yield (words, command) pairs of a group and the groups in it."""
    for name in getattr(group, "commands", {}):
        command = group.get_command(None, name)
        yield f"{words}{name}", command
        yield from list_commands(command, f"{words}{name} ")


def test_each_command_has_help_by_both_options_and_these_options():
    found = {}
    for words, command in list_commands(typer.main.get_command(app)):
        long, short = (invoke(*words.split(), name).stdout for name in ("--help", "-h"))
        assert long == short
        assert f"extractor {words}" in long
        options = {option.name: option for option in command.params}
        found[words] = {
            name: [*option.opts, option.default, option.envvar, option.metavar]
            for name, option in options.items()
        }
    check_json(Path(__file__).with_name("options.json"), found)


@pytest.mark.parametrize("words", ["run", "batch submit", "parse", "review", "doctor"])
def test_the_example_of_a_command_has_only_its_options(words):
    command = typer.main.get_command(app)
    for word in words.split():
        command = command.get_command(None, word)
    _, _, example = command.help.partition("Example: ")
    assert example.startswith(f"extractor {words}")
    known = {name for option in command.params for name in option.opts}
    assert {word for word in example.split() if word[0] == "-"} <= known


def test_the_model_may_come_from_the_environment():
    words = ("run", "tests/records/study.json", "--dry-run")
    named = invoke(*words, EXTRACTOR_MODEL="gpt-5-mini")
    assert "gpt-5-mini costs $" in named.stderr
    other = invoke(*words, "--model", "gpt-5", EXTRACTOR_MODEL="gpt-5-mini")
    assert "gpt-5 costs $" in other.stderr
    own = {"EXTRACTOR_MODEL": "http://a.test/v1#m", "EXTRACTOR_MODEL_TOKEN": "secret"}
    for model, is_sent in (("http://a.test/v1#n", True), ("http://b.test/v1#n", False)):
        server = invoke(*words, "--model", model, **own)
        assert ("is not sent to b.test" not in server.stderr) is is_sent


def test_completion_completes_commands():
    done = extractor(
        _EXTRACTOR_COMPLETE="complete_bash", COMP_WORDS="extractor rep", COMP_CWORD="1"
    )
    assert done.stdout.decode().split() == ["report"]
