"""The order of the records, and how little is read to list them."""

import json

import pytest

from extractor.apps.review.changes import Review
from extractor.apps.review.journal import Journal
from extractor.apps.review.queue import RunRecords

from .reviewing import SEED, make_many, mend

MANY = 200


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return RunRecords(make_many(tmp_path_factory.mktemp("many"), MANY))


@pytest.fixture
def review(many, tmp_path):
    """A review with many records."""
    journal = Journal(tmp_path / "journal.sqlite")
    yield Review(many, tmp_path, journal, "anna")
    journal.close()


def list_states(review):
    return {
        row["record"]: row["progress"]["state"]
        for row in review.list_queue()["records"]
    }


def test_records_with_the_most_expected_errors_come_first_with_reasons(start_review):
    rows = start_review().list_queue()["records"]

    assert len(rows) == 5
    expected = [row["expected"] for row in rows]
    assert expected == sorted(expected, reverse=True)
    reasons = {row["record"]: row["reasons"] for row in rows}
    assert reasons[SEED][:2] == (
        "regimen 1 is 30 % sure",
        "primary endpoint 1 is 40 % sure",
    )


def test_the_queue_of_many_opens_no_record(review, monkeypatch, tmp_path):
    monkeypatch.delattr(RunRecords, "read_text")
    monkeypatch.delattr(RunRecords, "read_extraction")
    (tmp_path / "NCT00000101.json").write_text("{", "utf-8")

    queue = review.list_queue()

    assert [row["record"] for row in queue["records"]] == [
        f"NCT{number:08d}" for number in range(MANY)
    ]
    assert len(json.dumps(queue)) < 300 * MANY
    assert review.find("NCT00000100", "next") == "NCT00000101"
    assert [name for name, state in list_states(review).items() if state != "open"] == [
        "NCT00000101"
    ]


def test_before_the_first_and_after_the_last_record_is_none(start_review):
    review = start_review()
    first, *_, last = list_states(review)

    assert review.find(first, "previous") is None
    assert review.find(last, "next") is None


def test_the_next_unfinished_record_is_behind_this_one_or_the_first(start_review):
    review = start_review()
    names = list(list_states(review))
    assert review.find(names[-1], "unfinished") == names[0]

    mend(review)
    review.finish(SEED)

    states = list_states(review)
    assert [name for name in states if states[name] == "finished"] == [SEED]
    position = names.index(SEED)
    before = names[position - 1]
    after = names[(position + 1) % len(names)]
    assert review.find(before, "unfinished") == after


@pytest.mark.parametrize(("name", "direction"), [("nothing", "next"), (SEED, "up")])
def test_an_unknown_record_or_direction_is_refused(start_review, name, direction):
    with pytest.raises(ValueError, match=r"no record|no such"):
        start_review().find(name, direction)


def test_a_text_that_changed_since_the_run_is_not_shown(spoilt_run, tmp_path):
    (tmp_path / f"{SEED}.txt").write_text(
        "Another title\nAnother summary\nLeukemia\n", "utf-8"
    )

    records = RunRecords(spoilt_run, [tmp_path])

    assert not records.has_text(SEED)
    assert records.count_without_text() == len(records.doubts) == 5
