"""Runs the README's blocks in order, in one shell of a clone, and compares their output with what
the README shows. An example above the installation runs after it.

``...`` stands for output left out.

The set-up commands run too. Their environment sees the packages of this one, so ``pip install``
needs no network and changes nothing outside the clone. The test suite itself is skipped; `.ci/run`
runs it.
"""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from benchmarks.effort import PRICE, bill, find_pricing
from docs.hooks import on_page_markdown
from extractor.apps.cli.app import app
from extractor.schemas import Task
from tests.commands import read_lines

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MOST_WORDS = 6_000
"""Of the page of all commands, as the site shows it."""


@dataclass(frozen=True)
class Block:
    """A fenced block. A ``text`` block after a ``bash`` block is the output of its commands."""

    language: str
    body: str


BLOCKS = [
    Block(*found)
    for found in re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
]


def is_suite(block):
    return block.language == "bash" and block.body.rstrip().endswith("pytest")


def make_script(number, block, folder):
    """Shell commands that run one block and store its output and exit code."""
    printed = folder / str(number)
    if block.language == "bash":
        return f"{{\n{block.body}}} >'{printed}' 2>&1; echo $? >'{printed}.code'"
    if block.language == "console":
        commands = "\n".join(
            line[2:] for line in block.body.splitlines() if is_typed(line)
        )
        return f"{{\n{commands}\n}} >'{printed}' 2>&1; echo 0 >'{printed}.code'"
    if block.language in ("pycon", "python"):
        source = folder / f"{number}.{block.language}"
        source.write_text(block.body, "utf-8")
        doctests = "-m doctest -o NORMALIZE_WHITESPACE -o ELLIPSIS"
        options = doctests if block.language == "pycon" else ""
        run = f"python {options} '{source}' >'{printed}' 2>&1"
        return f"{run}; echo $? >'{printed}.code'"
    return ""


def is_typed(line):
    return line.startswith(("$ ", "> "))


def find_shown_output(number):
    """The output that the README shows for a block, or None."""
    block = BLOCKS[number]
    if block.language == "console":
        lines = block.body.splitlines(keepends=True)
        return "".join(line for line in lines if not is_typed(line))
    following = BLOCKS[number + 1 : number + 2]
    if block.language == "bash" and following and following[0].language == "text":
        return following[0].body
    return None


def copy_checkout(to):
    """Copy the files that git tracks or would add, with uncommitted changes."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if os.path.lexists(ROOT / name):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name, follow_symlinks=False)


def run_blocks(folder):
    clone = folder / "clone"
    printed = folder / "printed"
    clone.mkdir()
    printed.mkdir()
    copy_checkout(clone)
    venv.create(clone / ".venv", with_pip=True, symlinks=True)
    (site,) = (clone / ".venv").glob("lib/python*/site-packages")
    (site / "packages_of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    installs = next(n for n, block in enumerate(BLOCKS) if block.language == "bash")
    # The example at the top is there to be read first; it runs once the package is installed.
    order = [installs, *(n for n in range(len(BLOCKS)) if n != installs)]
    script = [
        make_script(n, BLOCKS[n], printed) for n in order if not is_suite(BLOCKS[n])
    ]
    kept = {name: os.environ[name] for name in os.environ if name[:6] != "PYTHON"}
    without_network = {
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }
    known = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "HOME": str(printed)}
    environment = kept | without_network | known
    paths = os.environ["PATH"].split(os.pathsep)
    outside = [path for path in paths if ".venv" not in path]
    environment["PATH"] = os.pathsep.join([str(Path(sys.base_prefix, "bin")), *outside])
    ending = "for job in $(jobs -p); do kill $job; done; wait"
    subprocess.run(
        ["bash", "-c", "\n".join([*script, ending])],
        cwd=clone,
        env=environment,
        check=True,
        timeout=600,
    )


@pytest.mark.slow
def test_every_block_prints_what_it_shows(tmp_path, subtests):
    """One test, because all blocks run in one shell: processes of pytest that share them would
    wait for each other.
    """
    run_blocks(tmp_path)

    clone = tmp_path / "clone"
    for number, block in enumerate(BLOCKS):
        with subtests.test(block=number):
            if block.language == "json":
                check_items(block, clone / "results" / "extractions.jsonl")
            elif block.language in RUNNING and not is_suite(block):
                check_output(number, tmp_path / "printed")
    with subtests.test("the package of the clone has run"):
        check_package(clone)


def list_items(results):
    """Criteria, endpoints and absences of a run, as JSON."""
    for extraction in read_lines(results):
        yield from (
            *extraction["eligibility"]["criteria"],
            *extraction["endpoints"],
            *extraction["absences"],
        )


RUNNING = ("bash", "console", "pycon", "python")
"""Languages of blocks that run."""


def check_output(number, printed):
    """A block has ended without an error, and printed what follows it, where that is shown."""
    output = (printed / str(number)).read_text("utf-8")
    code = (printed / f"{number}.code").read_text().strip()
    assert code == "0", f"{BLOCKS[number].body}\n{output}"
    shown = find_shown_output(number)
    if shown is not None:
        checker = doctest.OutputChecker()
        assert checker.check_output(shown, output, doctest.ELLIPSIS), output


def check_items(block, results):
    """One of the items of the run has what a block shows."""
    wanted = json.loads(block.body)
    assert any(contains(item, wanted) for item in list_items(results))


def check_package(clone):
    code = "import extractor; print(extractor.__file__)"
    environment = os.environ.copy()
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [clone / ".venv/bin/python", "-P", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.startswith(str(clone))


def contains(item, wanted):
    """Whether ``item`` has everything in ``wanted``; lists may have more members."""
    if isinstance(wanted, dict):
        if not isinstance(item, dict) or not wanted.keys() <= item.keys():
            return False
        return all(contains(item[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        if not isinstance(item, list):
            return False
        return all(any(contains(own, member) for own in item) for member in wanted)
    return item == wanted


FIGURES = ROOT / "benchmarks" / "figures"
GROUPS = ("oncology and allergy", "other areas")


def join(figures, places):
    return " / ".join(f"{figure:.{places}f}" for figure in figures)


def price(results, model):
    """The dollars that a model costs, as the table has them."""
    dollars = [bill(result, find_pricing(model)).dollars for result in results]
    return join(dollars, 2) if any(dollars) else "0"


@pytest.mark.parametrize(
    ("effort", "name"), [("rules", "rules alone"), ("full", "`full`")]
)
def test_the_table_of_accuracy_is_as_measured(effort, name):
    rows = json.loads((FIGURES / "effort.json").read_text("utf-8"))
    (row,) = (row for row in rows if row["effort"] == effort)

    cells = [name, *(price([row], model) for model in ("gpt-5-mini", PRICE))]
    cells += [join([row["figures"][total]], 3) for total in (*Task, "all")]

    assert f"| {' | '.join(cells)} |" in README
    assert f"annotated {row['records']} trials" in README


def test_the_figures_of_the_text_are_as_measured():
    harmful = json.loads((FIGURES / "quotes.json").read_text("utf-8"))["harmful"]
    assert f"Of {harmful['count']:,} quotes" in README
    assert f"check accepted {harmful['wrong']}." in README


def test_it_is_short_and_its_links_lead_to_files():
    assert len(README.splitlines()) <= 120
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_site_shows_every_command_and_option():
    page = (ROOT / "docs/reference/cli.md").read_text("utf-8")

    described = on_page_markdown(page)

    assert len(described.split()) <= MOST_WORDS
    root = typer.main.get_command(app)
    for name in root.list_commands(None):
        command = root.get_command(None, name)
        _, _, section = described.partition(f"### `extractor {name}`\n")
        section, _, _ = section.partition("\n### ")
        options = [one for one in command.params if one.param_type_name == "option"]
        assert [one.opts[0] for one in options if one.opts[0] not in section] == [], (
            name
        )
