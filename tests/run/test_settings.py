"""What decides whether a run may be continued by this program."""

import shutil
from pathlib import Path

import pytest

import extractor
from extractor.run.manifest import digest_rules

PACKAGE = Path(extractor.__file__).parent
STAGES = ("schemas", "prompts", "text", "rulebook", "parse", "llm", "ground", "assemble", "audit")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package, in which files may be changed."""
    copy = tmp_path_factory.mktemp("package") / "extractor"
    return Path(shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def digest(copied, monkeypatch):
    monkeypatch.setattr(extractor, "__file__", str(copied / "__init__.py"))
    return digest_rules.__wrapped__


@pytest.mark.parametrize(
    "name",
    [
        "rulebook/weights/criteria.npz",
        "rulebook/weights/outcome_cuts.toml",
        "rulebook/endpoints.toml",
        "llm/local/models.toml",
        "prompts/frame.v4.md",
        "prompts/dosing.v4.examples.json",
        "schemas/dosing.py",
        "pipeline.py",
    ],
)
def test_another_version_of_any_part_makes_other_rules(copied, digest, name):
    before, path = digest(), copied / name
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert digest() != before
    path.write_bytes(content)
    assert digest() == before


def test_a_description_of_a_model_is_no_rule(copied, digest):
    before = digest()
    (copied / "llm/local/notes.md").write_text("Another word.", "utf-8")
    assert digest() == before
