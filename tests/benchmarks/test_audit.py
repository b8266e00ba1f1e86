"""Counts and samples of what the audit finds."""

from pathlib import Path

from benchmarks.audit import Audited, audit_records, draw_sample, format_counts, format_finding

SEEDS = Path(__file__).parents[2] / "seeds" / "records"


def _found(audited: list[Audited]):
    return [(one.record, finding) for one in audited for finding in one.findings]


def test_the_seeds_are_counted_by_kind() -> None:
    audited = list(audit_records(SEEDS))
    rows = [line.split() for line in format_counts(audited).splitlines()]
    assert rows[1:3] == [["endpoint_not_registered", "warning", "4", "1"], ["time_points_differ", "warning", "1", "1"]]
    assert rows[3][:4] == ["2", "of", "5", "records;"]


def test_a_record_that_comes_twice_is_counted_once(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for path in SEEDS.iterdir():
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    assert len(list(audit_records(tmp_path))) == 5


def test_a_sample_has_every_kind_before_any_kind_twice() -> None:
    found = _found(list(audit_records(SEEDS)))
    assert {finding.kind.value for _, finding in draw_sample(found, 2, seed=1)} == {
        "endpoint_not_registered",
        "time_points_differ",
    }
    assert draw_sample(found, 3, seed=4) == draw_sample(found, 3, seed=4)
    assert len(draw_sample(found, 99, seed=4)) == 5


def test_a_finding_is_shown_with_both_sides() -> None:
    shown = [format_finding(*pair) for pair in _found(list(audit_records(SEEDS)))]
    (differs,) = [text for text in shown if "time_points_differ" in text]
    assert "[[ORR(CR+CRi) on days 45, 90, 120]]" in differs
    assert "[[day 30, day 45, day 90]]" in differs
