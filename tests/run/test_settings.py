"""The digest of the rules, which decides whether this program may continue a run."""

import shutil
from pathlib import Path

import pytest

import extractor
from extractor.run.manifest import digest_rules

PACKAGE = Path(extractor.__file__).parent


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package whose files may be changed."""
    copy = tmp_path_factory.mktemp("package") / "extractor"
    return Path(shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("rulebook/weights/criteria.npz", True),
        ("rulebook/weights/outcome_cuts.toml", True),
        ("rulebook/endpoints/moments.toml", True),
        ("rulebook/notes.md", False),
        ("prompts/frame.v4.md", True),
        ("prompts/dosing.v4.examples.json", True),
        ("schemas/dosing.py", True),
        ("pipeline.py", True),
    ],
)
def test_another_version_of_any_part_makes_other_rules(copied, monkeypatch, name, counts):
    monkeypatch.setattr("extractor.run.manifest.__file__", str(copied / "run" / "manifest.py"))
    digest, path = digest_rules.__wrapped__, copied / name
    path.touch()
    before, content = digest(), path.read_bytes()
    path.write_bytes(content + b" ")
    assert (digest() != before) == counts
    path.write_bytes(content)
    assert digest() == before
