"""The examples of the documentation run, and links between files lead somewhere."""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.effort import main as measure_effort
from docs.hooks import on_page_markdown
from extractor.errors import ArgumentError
from extractor.options import read_columns
from extractor.schemas import FindingKind, Task

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
    str(page.relative_to(ROOT / "docs")): page
    for page in PAGES
    if re.search("^```(console|pycon)", page.read_text("utf-8"), re.M)
}
"""Pages with examples that run."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the inputs that the pages name."""
    for name in ("seeds", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    # A page starts `extractor` by its name, as a user with an active environment would.
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN.values(), ids=RUN)
@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("default::UserWarning")  # a page may show what warns
def test_the_examples_of_a_page_print_what_they_show(page):
    """``console`` and ``pycon`` blocks run in order; ``...`` stands for output left out.
    ``text`` blocks do not run.
    """
    names = {}
    blocks = re.findall(
        r"^```(console|pycon)\n(.*?)^```", page.read_text("utf-8"), re.M | re.S
    )
    for language, body in blocks:
        if language == "pycon":
            names = check_python(body, names, page)
        else:
            check_console(body)


def run(command):
    """What a command prints: a single call of ``extractor`` in this process, anything else in a
    shell.
    """
    if command.startswith("extractor ") and not set("|&;>") & set(command):
        return invoke(*shlex.split(command)[1:]).output
    shell = f'extractor() {{ "{sys.executable}" -m extractor "$@"; }}\n{command}'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    shown = {"capture_output": True, "text": True}
    return subprocess.run(
        ["bash", "-c", shell], env=environment, check=True, **shown
    ).stdout


def test_the_page_on_findings_lists_every_kind():
    page = (ROOT / "docs" / "reference" / "findings.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+_\w+|markup)` \|", page, re.M)
    assert sorted(listed) == sorted(FindingKind)


def test_the_page_on_formats_lists_our_names_of_columns():
    page = (ROOT / "docs" / "reference" / "formats.md").read_text("utf-8")
    [names] = re.findall(r"Our names:\n\n(.*?)\n\n", page, re.S)
    with pytest.raises(ArgumentError) as raised:
        read_columns({"-": "any"})
    listed = str(raised.value).partition("choose from ")[2].split(", ")
    assert sorted(re.findall(r"`(\w+)`", names)) == sorted(listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_of_a_page_is_empty(page):
    blocks = re.findall(r"^```\S+\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    assert all(map(str.strip, blocks))


def test_the_page_on_packages_lists_every_package():
    page = (ROOT / "docs/explanation/how-it-works.md").read_text("utf-8")
    folders = {path.parent.name for path in (ROOT / "extractor").glob("*/__init__.py")}
    concepts = (ROOT / "extractor/concepts").glob("*/__init__.py")
    named = set(re.findall(r"`(\w+)/?`", page))
    assert (folders | {path.parent.name for path in concepts}) - named == set()


def test_the_types_that_a_page_maps_exist():
    page = (ROOT / "docs/contributing/types.md").read_text("utf-8")
    mapped = re.findall(r"^- `(\w+)` \(`([\w/]+\.py)`\): ", page, re.M)
    assert mapped
    assert [
        (name, module)
        for name, module in mapped
        if f"\nclass {name}" not in (ROOT / "extractor" / module).read_text("utf-8")
    ] == []


def test_the_site_has_every_page():
    assert sorted(PAGES) == sorted((ROOT / "docs").rglob("*.md"))


def check_python(body, names, page):
    """Run the examples of a block with the names of earlier ones, and return all names."""
    test = doctest.DocTestParser().get_doctest(body, names, page.name, str(page), 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
    return test.globs


def check_console(body):
    """Run each command of a block; a command goes on in lines that begin with ``>``."""
    checker = doctest.OutputChecker()
    calls = re.findall(r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", body, re.M)
    for lines, shown in calls:
        command = lines.replace("\n> ", "\n").rstrip()
        printed = run(command)
        assert checker.check_output(shown, printed, doctest.ELLIPSIS), (
            f"$ {command}\n{printed}"
        )


MOST_PAGES = 34
MOST_WORDS = 51_000
"""Of all pages as the site has them, with what is generated."""


def test_the_site_stays_short():
    words = [len(on_page_markdown(page.read_text("utf-8")).split()) for page in PAGES]

    assert len(words) <= MOST_PAGES
    assert sum(words) <= MOST_WORDS


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "extractor.errors.GoldError",
            "### `GoldError`\n\n```python\nclass GoldError\n",
        ),
        ("extractor.schemas.Task", "```python\nTask: 'eligibility', 'dosing', "),
        (
            "extractor.schemas.TrialRecord",
            "\n- `document: DocumentText | None = None`: ",
        ),
        ("extractor.api.Extractor", "```python\nextract(record: TrialRecord | Mapping"),
    ],
)
def test_marks_of_the_reference_are_replaced_by_what_they_name(name, shown):
    now = on_page_markdown(f"# Title\n<!-- from {name} -->\nmore words")
    assert shown in now
    assert "<!-- from" not in now
    assert now.startswith("# Title\n### ")
    assert now.endswith("\nmore words")


@pytest.fixture(scope="module")
def efforts():
    """The measured figures of each effort, by group."""
    measured = json.loads((ROOT / "benchmarks/figures/effort.json").read_text("utf-8"))
    efforts = {}
    for row in measured:
        efforts.setdefault(row["effort"], {})[row["group"]] = row["figures"]
    return efforts


def write_cell(groups, field):
    """The figures of a field in all groups, as a cell of a table has them."""
    figures = [figures.get(field) for figures in groups.values()]
    return " / ".join("\u2013" if f1 is None else f"{f1:.3f}" for f1 in figures)


def test_the_figures_of_accuracy_are_as_measured(efforts):
    page = (ROOT / "docs/explanation/accuracy.md").read_text("utf-8")
    groups = next(iter(efforts.values()))
    fields = next(iter(groups.values()))

    for field in fields:
        is_total = "." not in field.removesuffix(".micro")
        if not is_total:
            cells = [write_cell(groups, field) for groups in efforts.values()]
            assert f"| {field} | {' | '.join(cells)} |" in page
    for effort, groups in efforts.items():
        cells = [write_cell(groups, total) for total in (*Task, "all")]
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


def test_the_tests_that_security_names_exist():
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
