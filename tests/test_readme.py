"""The README shows what is so: its Python runs, and what it prints of the seeds is what comes out."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import extractor

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


COMMANDS = (
    "run",
    "parse",
    "schema",
    "evaluate",
    "model",
    "cassettes",
    "report",
    "review",
    "export",
    "reparse",
    "impact",
    "import",
    "serve",
)


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", blocks("pycon"))
def test_python_examples_run(example):
    parsed = doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0)
    output = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert runner.run(parsed, out=output.append).failed == 0, "".join(output)


@pytest.fixture(scope="module")
def first_command(tmp_path_factory):
    """What the README's first command says, and the folder it writes."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "seeds").symlink_to(ROOT / "seeds")
    words = ["run", "seeds/records", "--replay", "seeds/answers", "--out", "results"]
    command = [sys.executable, "-m", "extractor", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True)
    return done.stderr, folder / "results"


@pytest.fixture(scope="module")
def results(first_command):
    _, folder = first_command
    return [json.loads(line) for line in (folder / "extractions.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("shown", blocks("json"))
def test_what_is_shown_as_output_is_part_of_the_output(shown, results):
    items = [
        item
        for extraction in results
        for item in (
            *extraction["eligibility"]["criteria"],
            *extraction["endpoints"],
            *extraction["absences"],
        )
    ]
    wanted = json.loads(shown)
    assert any(contains(item, wanted) for item in items)


def contains(item, wanted):
    """Whether an item has all that is shown; of its evidence the README shows a part."""
    if isinstance(wanted, dict):
        return isinstance(item, dict) and all(key in item and contains(item[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(item, list) and all(any(contains(i, w) for i in item) for w in wanted)
    return item == wanted


@pytest.mark.parametrize("block", blocks("console"))
def test_console_examples_print_what_is_shown(block, tmp_path):
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    shown = "".join(line + "\n" for line in block.splitlines() if not line.startswith("$ "))
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    script = f"extractor() {{ '{sys.executable}' -m extractor \"$@\"; }}; " + "; ".join(commands)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout + done.stderr == shown


def test_the_summary_shown_is_that_of_the_first_command(first_command):
    said, _ = first_command
    assert said in blocks("text")


def test_no_figure_was_left_to_be_filled_in():
    assert "@@" not in README


def test_every_command_and_option_is_documented():
    text = README + "".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    for command in COMMANDS:
        done = extractor(command, "--help")
        assert done.returncode == 0
        assert re.search(rf"extractor (?:\w+ \w+`, `)?{command}\b", text), command
        if command in ("run", "evaluate", "export", "report", "review", "serve"):
            options = set(re.findall(r"--[a-z][a-z-]+", done.stdout.decode())) - {"--help"}
            missing = {option for option in options if option not in text}
            assert not missing, f"options that README and docs do not name: {missing}"
