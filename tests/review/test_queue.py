"""The order of the records, and how little is read to list them."""

import json

import pytest

from extractor.review.changes import Decide, Review, Seen
from extractor.review.draft import ActionKind
from extractor.review.journal import Journal
from extractor.review.queue import Direction, RunRecords

from .acting import mend
from .many import make_many
from .runs import SEED

MANY = 2000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return RunRecords(make_many(tmp_path_factory.mktemp("many"), MANY))


@pytest.fixture
def desk(many, tmp_path):
    """A desk with many records; what it reads of them is noted in ``reads``."""
    journal = Journal(tmp_path / "journal.sqlite")
    yield Review(many, tmp_path, journal, "anna")
    journal.close()


@pytest.fixture
def reads(monkeypatch):
    """The results and texts that are opened, as they are."""
    opened = []
    for name in ("read_text", "read_extraction"):
        real = getattr(RunRecords, name)

        def note(self, record_id, name=name, real=real):
            opened.append((name, record_id))
            return real(self, record_id)

        monkeypatch.setattr(RunRecords, name, note)
    return opened


def accept_people():
    return Decide(kind="accept", items=(Seen(item="people", version=0),))


def list_states(desk, **asked):
    return {row["record"]: row["progress"]["state"] for row in desk.list_queue(**asked)["records"]}


def test_the_likeliest_errors_come_first_and_say_why(sit_down):
    rows = sit_down().list_queue()["records"]
    assert len(rows) == 5
    assert [row["expected"] for row in rows] == sorted((row["expected"] for row in rows), reverse=True)
    reasons = next(row["reasons"] for row in rows if row["record"] == SEED)
    assert reasons[:2] == ("dose 1 is 30 % sure", "primary outcome 1 is 40 % sure")


def test_a_page_of_many_is_small_and_opens_no_record(desk, reads):
    page = desk.list_queue(start=100, count=50)
    assert (page["total"], page["found"], page["finished"]) == (MANY, MANY, 0)
    assert [row["record"] for row in page["records"]] == [f"NCT{number:08d}" for number in range(100, 150)]
    assert len(json.dumps(page)) < 15_000
    assert desk.find("NCT00000100", Direction.NEXT) == "NCT00000101"
    assert reads == []


def test_to_open_a_record_reads_that_one_once(desk, reads):
    for _ in range(2):
        desk.describe("NCT00000007")
    assert sorted(set(reads)) == [("read_extraction", "NCT00000007"), ("read_text", "NCT00000007")]
    assert len([one for one in reads if one[0] == "read_text"]) == 1


def test_begun_records_are_read_again_only_where_something_was_done(desk, reads, monkeypatch):
    for number in (1, 2):
        desk.change(f"NCT{number:08d}", accept_people())
    replayed = []
    real = Journal.read_base
    monkeypatch.setattr(Journal, "read_base", lambda self, name: replayed.append(name) or real(self, name))
    assert list_states(desk, count=3) == {"NCT00000000": "open", "NCT00000001": "begun", "NCT00000002": "begun"}
    assert replayed == ["NCT00000001", "NCT00000002"]
    desk.step("NCT00000002", ActionKind.UNDO)
    replayed.clear()
    desk.list_queue()
    assert replayed == ["NCT00000002"]


@pytest.mark.parametrize(
    ("words", "found"), [("part 1999", 1), ("MANY one", MANY), ("nct00000012", 1), ("sure", 1900), ("no such", 0)]
)
def test_words_are_sought_in_id_title_and_reasons(desk, words, found):
    # The last twentieth of many are certain: they give no reason.
    assert desk.list_queue(words)["found"] == found


def test_what_is_finished_is_left_out_and_counted(sit_down):
    desk = sit_down()
    mend(desk)
    desk.finish(SEED)
    assert list_states(desk)[SEED] == "finished"
    assert SEED not in list_states(desk, unfinished=True)
    page = desk.list_queue(unfinished=True)
    assert (page["found"], page["finished"], page["total"]) == (4, 1, 5)


def test_the_next_record_to_review_is_behind_this_one_or_the_first(sit_down):
    desk = sit_down()
    names = list(list_states(desk))
    assert desk.find(names[0], Direction.PREVIOUS) is None
    assert desk.find(names[-1], Direction.NEXT) is None
    assert desk.find(names[-1], Direction.UNFINISHED) == names[0]
    mend(desk)
    desk.finish(SEED)
    at = names.index(SEED)
    before, behind = names[at - 1], names[(at + 1) % len(names)]
    assert desk.find(before, Direction.UNFINISHED) == behind
    if behind is not names[0]:
        assert desk.find(behind, Direction.PREVIOUS) == SEED
    with pytest.raises(ValueError, match="no record"):
        desk.find("nothing", Direction.NEXT)


def test_gold_that_is_there_counts_as_finished_unread(desk, reads, tmp_path):
    (tmp_path / "NCT00000003.json").write_text("{", "utf-8")
    page = desk.list_queue(count=4)
    assert [row["progress"]["state"] for row in page["records"]] == ["open", "open", "open", "finished"]
    assert page["finished"] == 1
    assert reads == []
