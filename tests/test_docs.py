"""The examples of the documentation run, and links between files lead somewhere."""

import difflib
import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import extractor
from benchmarks.effort import main as measure_effort
from docs import generate
from extractor.schemas import Task

from .commands import invoke

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "docs" / name
    for name in re.findall(
        r"[\w/-]+\.md$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M
    )
]
"""All pages, in the order of the site."""
RUN = {
    page.stem: page
    for page in PAGES
    if re.search("^```(console|pycon)", page.read_text("utf-8"), re.M)
}
"""Pages with examples that run."""
PUBLIC = {name: getattr(extractor, name) for name in extractor.__all__}
"""What the reference tells its readers to import."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the inputs that the pages name."""
    for name in ("seeds", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("page", RUN.values(), ids=RUN)
@pytest.mark.usefixtures("folder")
def test_the_examples_of_a_page_print_what_they_show(page):
    """``console`` and ``pycon`` blocks run in order; ``...`` stands for output left out.
    ``text`` blocks do not run.
    """
    names = PUBLIC.copy() if page in generate.PAGES else {}
    checker = doctest.OutputChecker()
    for language, body in re.findall(
        r"^```(console|pycon)\n(.*?)^```", page.read_text("utf-8"), re.M | re.S
    ):
        if language == "pycon":
            test = doctest.DocTestParser().get_doctest(
                body, names, page.name, str(page), 0
            )
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
            assert test.examples
            names = test.globs
            continue
        for lines, shown in re.findall(
            r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", body, re.M
        ):
            printed = run(command := lines.replace("\n> ", "\n").rstrip())
            assert checker.check_output(shown, printed, doctest.ELLIPSIS), (
                f"$ {command}\n{printed}"
            )


def run(command):
    """What a command prints: a single call of ``extractor`` in this process, anything else in a
    shell.
    """
    if command.startswith("extractor ") and not set("|&;>") & set(command):
        return invoke(*shlex.split(command)[1:]).output
    shell = f'extractor() {{ "{sys.executable}" -m extractor "$@"; }}\n{command}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", shell],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_site_has_every_page():
    assert sorted(PAGES) == sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.stem)
def test_the_reference_is_as_the_code_says(page):
    shown = page.read_text("utf-8").splitlines()
    now = generate.generate(page.read_text("utf-8")).splitlines()
    changed = list(
        difflib.unified_diff(shown, now, str(page), "the code", n=1, lineterm="")
    )
    assert not changed, "\n".join(
        [*changed[:100], "To write it anew: python -m docs.generate"]
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "extractor.errors.GoldError",
            "### `GoldError`\n\n```python\nclass GoldError\n```\n\nA gold annotation ",
        ),
        (
            "extractor.schemas.Task",
            "```python\nTask.ELIGIBILITY = 'eligibility'\nTask.DOSING = 'dosing'\n",
        ),
        (
            "extractor.schemas.TrialRecord",
            "\n    registry: RegistryFields = RegistryFields(),\n    document: DocumentText | "
            "None = None,\n)\n```\n",
        ),
        (
            "extractor.api.Extractor",
            "\n#### `extract`\n\n```python\nextract(record: TrialRecord | Mapping[str, Any]) -> ",
        ),
        ("commands", "\n**Cost**\n\n- `--max-usd USD`: Most dollars "),
    ],
)
def test_marks_of_the_reference_are_replaced_by_what_they_name(name, shown):
    now = generate.generate(
        f"# Title\n<!-- from {name} -->\nwhat stood here\n<!-- end -->\nmore words"
    )
    assert shown in now
    assert "what stood here" not in now
    assert now.startswith(f"# Title\n<!-- from {name} -->\n\n")
    assert now.endswith("\n\n<!-- end -->\nmore words")


def find_writers():
    """The folders and files that commands write, each with the pages that write it and how."""
    writers = {}
    for page in (
        ROOT / "README.md",
        *(page for page in PAGES if page not in generate.PAGES),
    ):
        for verb, words in re.findall(
            r"extractor (run|batch|fetch|export) ([^`\n]*)", page.read_text("utf-8")
        ):
            for name in re.findall(r"(?:--out|--to|-o) ([a-z][\w.-]*)", words):
                meaning = page if verb == "export" else words.replace(" --quiet", "")
                writers.setdefault(name, {}).setdefault(page, set()).add(meaning)
    return writers


def test_no_two_pages_write_different_things_under_one_name():
    """A folder of results is refused to a run with other settings, and pages are read one after
    the other.
    """
    writers = find_writers()
    assert {
        name: pages
        for name, pages in writers.items()
        if len(set(map(frozenset, pages.values()))) > 1
    } == {}


def test_the_tutorial_writes_folders_of_its_own():
    """A run that is already in its folder prints other numbers, even the same run."""
    tutorial = ROOT / "docs/tutorial.md"
    written = {
        name: set(pages) for name, pages in find_writers().items() if tutorial in pages
    }
    assert written == {
        name: {tutorial} for name in ("first", "second", "second-tables")
    }


def test_the_figures_of_accuracy_are_as_measured():
    measured = json.loads((ROOT / "benchmarks/figures/effort.json").read_text("utf-8"))
    by_place = {(one["effort"], one["group"]): one["figures"] for one in measured}
    efforts, groups = ([*dict.fromkeys(place[n] for place in by_place)] for n in (0, 1))
    page = (ROOT / "docs/explanation/accuracy.md").read_text("utf-8")
    for field in by_place[efforts[0], groups[0]]:
        figures = [
            [by_place[effort, group][field] for group in groups] for effort in efforts
        ]
        cells = (
            " / ".join("\u2013" if f1 is None else f"{f1:.3f}" for f1 in pair)
            for pair in figures
        )
        assert (
            "." not in field.removesuffix(".micro")
            or f"| {field} | {' | '.join(cells)} |" in page
        )
    totals = [*Task, "all"]
    for effort in efforts:
        cells = (
            " / ".join(f"{by_place[effort, group][total]:.3f}" for group in groups)
            for total in totals
        )
        assert f"| {effort} | {' | '.join(cells)} |" in page


def test_the_table_of_costs_is_as_measured(monkeypatch, capsys):
    figures = ROOT / "benchmarks/figures/effort.json"
    monkeypatch.setattr(sys, "argv", ["effort", "--from", str(figures), "--costs"])
    measure_effort()
    assert capsys.readouterr().out in (ROOT / "docs/how-to/cost.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
