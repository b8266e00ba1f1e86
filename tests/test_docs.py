"""The examples of the documentation run, and links between files lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

from .commands import invoke

ROOT = Path(__file__).parents[1]
EXAMPLES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "```pycon" in path.read_text("utf-8")]


@pytest.fixture
def tutorial_folder(tmp_path, monkeypatch):
    """A folder in which the commands of the tutorial have run."""
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    monkeypatch.chdir(tmp_path)
    invoke("run", "seeds/records", "--replay", "seeds/answers", "--out", "results")
    invoke("export", "results", "--to", "tables", "--format", "csv")


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.stem)
@pytest.mark.usefixtures("tutorial_folder")
def test_the_examples_of_a_page_run(page):
    blocks = re.findall(r"^```pycon\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    assert doctest.DocTestRunner().run(test).failed == 0
    assert test.examples


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
