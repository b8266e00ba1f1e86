"""What decides a run's results: the digest of the rules, and the digest of a record."""

import pytest

from extractor.run.manifest import digest_rules
from extractor.run.store import digest_record
from extractor.schemas import RegistryFields, Source, TrialRecord


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("concepts/criteria/weights/criteria.npz", True),
        ("concepts/outcomes/rules/moments.toml", True),
        ("model/prompts/frame.v4.md", True),
        ("model/prompts/dosing.v4.examples.json", True),
        ("schemas/dosing.py", True),
        ("pipeline.py", True),
        ("concepts/notes.md", False),
    ],
)
def test_another_version_of_any_part_makes_other_rules(
    tmp_path, monkeypatch, name, counts
):
    place = str(tmp_path / "run" / "manifest.py")
    monkeypatch.setattr("extractor.run.manifest.__file__", place)
    digest = digest_rules.__wrapped__
    (tmp_path / "pipeline.py").touch()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"one", b"two"):
        before = digest()
        path.write_bytes(content)
        assert (digest() != before) == counts


def test_a_new_status_does_not_make_another_record():
    def digest(**fields):
        registry = RegistryFields(**fields)
        source = Source(path="a", format="ctgov_json")
        return digest_record(
            TrialRecord(record_id="A", source=source, sections=(), registry=registry)
        )

    first = digest(status="RECRUITING")
    assert digest(status="COMPLETED", who_masked=["PARTICIPANT"]) == first
    assert digest(sex="ALL") != first
