"""What decides a run's results: settings, the digest of the rules, and the digest of a record."""

import pytest

from extractor.run.manifest import digest_rules, explain_changed
from extractor.run.store import digest_record
from extractor.schemas import RegistryFields, Source, TrialRecord

MODEL = {"model": "openai/m", "prompts": {"questions.v4": "1f"}, "fields": None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        # one model on two servers
        ({"model": "http://gpu-1:8000/v1#m"}, ["model was openai/m, is http://gpu-1"]),
        ({"effort": "all"}, ["effort was none, is all"]),
        ({"prompts": {"questions.v4": "2e"}}, ["the prompts have changed"]),
        ({"fields": [{"name": "visits"}]}, ["the fields have changed"]),
        ({"rules": "2e"}, ["the rules have changed"]),
    ],
)
def test_each_setting_that_has_changed_is_named(change, words):
    changed = explain_changed(MODEL, MODEL | change).values()
    assert len(changed) == len(words)
    for said, word in zip(changed, words, strict=True):
        assert word in said


def test_the_address_of_a_server_is_no_setting():
    here = {"model": "http://gpu-1:8000/v1#m"}
    assert explain_changed(here, {"model": "http://gpu-2:8000/v1#m"}) == {}


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
