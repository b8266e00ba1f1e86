"""The digest of the rules, which decides whether this program may continue a run."""

from extractor.run.manifest import digest_rules

PARTS = (
    *(
        "concepts/criteria/weights/criteria.npz",
        "concepts/outcomes/weights/outcome_cuts.toml",
        "concepts/outcomes/rules/moments.toml",
    ),
    *(
        "model/prompts/frame.v4.md",
        "model/prompts/dosing.v4.examples.json",
        "schemas/dosing.py",
        "pipeline.py",
    ),
)


def test_another_version_of_any_part_makes_other_rules(tmp_path, monkeypatch):
    """A small package with one file of each part that decides a result, and one that decides
    none.
    """
    monkeypatch.setattr(
        "extractor.run.manifest.__file__", str(tmp_path / "run" / "manifest.py")
    )
    digest = digest_rules.__wrapped__
    (tmp_path / "pipeline.py").touch()
    for name, counts in (
        *((part, True) for part in PARTS),
        ("concepts/notes.md", False),
    ):
        path = tmp_path / name
        before = digest()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"one")
        assert (digest() != before) == counts, name
        before = digest()
        path.write_bytes(b"two")
        assert (digest() != before) == counts, name
