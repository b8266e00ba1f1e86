"""What reviewers do, one and two at once, without a browser."""

import json
import threading

import pytest
from pydantic import TypeAdapter

from extractor.errors import GoldError, StoreError
from extractor.evaluation import check_gold_files
from extractor.review.changes import Change, Overtaken
from extractor.review.desk import NotReady, ReviewDesk
from extractor.review.journal import ActionKind, Journal
from extractor.review.records import RunRecords

from .runs import SEED, make_run, read_gold

CHANGE = TypeAdapter(Change)
UNDO, REDO = ActionKind.UNDO, ActionKind.REDO
WANTED = "Participants will be eligible if they are heavily treated"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return RunRecords(make_run(tmp_path_factory.mktemp("desk")))


@pytest.fixture
def sit_down(records, tmp_path):
    """A desk for each reviewer, all over one folder of gold."""
    journals = []

    def sit(reviewer="anna"):
        folder = tmp_path / "gold" / ".review"
        folder.mkdir(parents=True, exist_ok=True)
        journals.append(Journal(folder / "journal.sqlite"))
        return ReviewDesk(records, tmp_path / "gold", journals[-1], reviewer)

    yield sit
    for journal in journals:
        journal.close()


def item(desk, name):
    return next((one for one in desk.describe(SEED)["items"] if one["id"] == name), None)


def change(desk, **wish):
    return desk.change(SEED, CHANGE.validate_python(wish))


def set_value(desk, name, path, value):
    seen = item(desk, name)
    change(desk, kind="set", item=name, version=seen["version"], path=path, old=seen["value"][path], value=value)


def decide(desk, kind, *names):
    change(desk, kind=kind, items=[{"item": name, "version": item(desk, name)["version"]} for name in names])


def select(records, section, words):
    text = records.texts[SEED].raw_text(section)
    start = text.index(words)
    return {"section": section, "start": start, "end": start + len(words)}


def add_criterion(desk, records):
    text = records.texts[SEED].raw_text("brief_summary")
    words = text[text.index(WANTED) : text.index("CD22).") + len("CD22).")]
    return change(desk, kind="add", add="criterion", selection=select(records, "brief_summary", words))


def mend(desk, records):
    """All that is wrong with the extraction."""
    set_value(desk, "endpoint-0", "time_points", [{"value": 3, "unit": "month"}])
    added = add_criterion(desk, records)
    decide(desk, "reject", "regimen-0")
    decide(desk, "accept", "people", "criterion-0")
    return added


def test_the_likeliest_errors_come_first_and_say_why(sit_down):
    rows = sit_down().list_queue()["records"]
    assert [row["record"] for row in rows] == sorted(
        (row["record"] for row in rows), key=lambda name: -next(r["expected"] for r in rows if r["record"] == name)
    )
    reasons = next(row["reasons"] for row in rows if row["record"] == SEED)
    assert reasons[:2] == ("regimen 1 is sure to 30 %", "primary outcome 1 is sure to 40 %")


def test_a_mended_record_is_gold(sit_down, records, tmp_path):
    desk = sit_down()
    mend(desk, records)
    desk.finish(SEED)
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == read_gold()
    assert check_gold_files(tmp_path / "gold", "seeds/records") == []
    assert desk.describe(SEED)["progress"]["state"] == "finished"


def test_what_is_not_decided_is_not_finished(sit_down, tmp_path):
    desk = sit_down()
    with pytest.raises(NotReady, match="4 items are not decided"):
        desk.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))


@pytest.mark.parametrize(
    ("name", "path", "value", "flaw"),
    [
        ("endpoint-0", "time_points", [{"value": "three", "unit": "month"}], "is no number"),
        ("endpoint-0", "concept", "survival", "is not allowed"),
        ("endpoint-0", "concept", None, "is empty"),
        ("endpoint-0", "measure", "Overall survival", "does not stand in"),
        ("criterion-0", "quote", "matched the diagnostic crit", "inside a word"),
        ("people", "minimum_age", {"value": 18, "unit": "cycle"}, "no unit of an age"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_is_no_gold(sit_down, records, tmp_path, name, path, value, flaw):
    desk = sit_down()
    mend(desk, records)
    set_value(desk, name, path, value)
    found = [one for one in desk.describe(SEED)["flaws"] if flaw in one["problem"]]
    assert [one["item"] for one in found] == [name]
    assert found[0]["path"].startswith(path)
    with pytest.raises(NotReady, match="wrong with it"):
        desk.finish(SEED)
    assert not list((tmp_path / "gold").glob("*.json"))


def test_a_registered_outcome_cannot_be_left_out(sit_down, records):
    desk = sit_down()
    mend(desk, records)
    decide(desk, "reject", "endpoint-0")
    with pytest.raises(NotReady, match="is not annotated"):
        desk.finish(SEED)


def test_who_may_take_part_cannot_be_rejected(sit_down):
    with pytest.raises(ValueError, match="cannot be rejected"):
        decide(sit_down(), "reject", "people")


def test_marked_words_become_a_criterion_as_the_rules_read_it(sit_down, records):
    desk = sit_down()
    added = item(desk, add_criterion(desk, records))
    assert added["state"] == "added"
    assert added["value"] == read_gold()["eligibility"]["criteria"][1]


def test_cut_words_are_made_whole(sit_down, records):
    desk = sit_down()
    name = change(desk, kind="add", add="criterion", selection=select(records, "brief_summary", "eavily treated B-AL"))
    assert item(desk, name)["value"]["quote"] == "heavily treated B-ALL"


@pytest.mark.parametrize(
    ("name", "path", "section", "words", "value"),
    [
        ("endpoint-0", "time_points", "primary_outcomes", "three months", [{"value": 3, "unit": "month"}]),
        ("endpoint-0", "specimens", "brief_summary", "leukemia blasts", ["leukemia blasts"]),
        ("endpoint-0", "description", "primary_outcomes", "according to NCCN", "according to NCCN"),
        ("criterion-0", "time_window", "brief_summary", "for more than three months",
         {"quote": "for more than three months", "comparator": ">", "value": 3, "unit": "month"}),
        ("criterion-0", "time_window", "brief_summary", "after relapse",
         {"quote": "after relapse", "comparator": None, "value": None, "unit": None}),
        ("criterion-0", "constraints", "brief_summary", ">95% CD19",
         [{"quantity": "CD19", "comparator": ">", "value": 95, "value_high": None, "unit": "%"}]),
        ("regimen-0", "agent", "interventions[0]", "T cell", "T cell"),
    ],
)  # fmt: skip
def test_marked_words_fill_a_field(sit_down, records, name, path, section, words, value):
    desk = sit_down()
    version = item(desk, name)["version"]
    change(desk, kind="read", item=name, version=version, path=path, selection=select(records, section, words))
    assert item(desk, name)["value"][path] == value


def test_a_quote_takes_its_section_along(sit_down, records):
    desk = sit_down()
    place = select(records, "title", "Leukemia Children")
    change(desk, kind="read", item="criterion-0", version=0, path="quote", selection=place)
    assert item(desk, "criterion-0")["value"]["section"] == "title"


def test_undo_goes_back_step_by_step_and_redo_forth(sit_down, records):
    desk = sit_down()
    before = desk.describe(SEED)["items"]
    added = mend(desk, records)
    after = {one["id"]: (one["state"], one["value"]) for one in desk.describe(SEED)["items"]}
    for _ in range(4):
        desk.step(SEED, UNDO)
    undone = desk.describe(SEED)
    assert [(one["id"], one["state"], one["value"]) for one in undone["items"]] == [
        (one["id"], one["state"], one["value"]) for one in before
    ]
    assert undone["undo"] == []
    assert item(desk, added) is None
    for _ in range(4):
        desk.step(SEED, REDO)
    assert {one["id"]: (one["state"], one["value"]) for one in desk.describe(SEED)["items"]} == after
    assert desk.describe(SEED)["redo"] == []


def test_several_accepted_at_once_are_undone_at_once(sit_down):
    desk = sit_down()
    decide(desk, "accept", "people", "criterion-0")
    desk.step(SEED, UNDO)
    assert {one["state"] for one in desk.describe(SEED)["items"]} == {"open"}


def test_a_value_set_back_is_accepted_and_restore_forgets(sit_down):
    desk = sit_down()
    set_value(desk, "endpoint-0", "concept", "mortality")
    assert item(desk, "endpoint-0")["state"] == "corrected"
    set_value(desk, "endpoint-0", "concept", "response_rate")
    assert item(desk, "endpoint-0")["state"] == "accepted"
    decide(desk, "restore", "endpoint-0")
    assert item(desk, "endpoint-0")["state"] == "open"


def test_two_reviewers_do_not_overwrite_each_other(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    seen = item(ben, "endpoint-0")
    wish = {"item": "endpoint-0", "version": seen["version"], "path": "concept", "old": seen["value"]["concept"]}
    set_value(anna, "endpoint-0", "concept", "mortality")
    with pytest.raises(Overtaken, match="anna changed this item") as refused:
        change(ben, kind="set", value="biomarker", **wish)
    assert refused.value.item.value["concept"] == "mortality"
    assert item(ben, "endpoint-0")["value"]["concept"] == "mortality"
    with pytest.raises(Overtaken):
        change(ben, kind="reject", items=[{"item": "endpoint-0", "version": seen["version"]}])


def test_two_reviewers_may_change_two_fields_of_an_item(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    change(ben, kind="set", item="endpoint-0", version=0, path="category", old="efficacy", value="safety")
    assert (
        item(anna, "endpoint-0")["value"] | {"concept": "mortality", "category": "safety"}
        == item(anna, "endpoint-0")["value"]
    )


def test_what_another_one_rejected_does_not_come_back_by_a_correction(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    decide(anna, "reject", "endpoint-0")
    with pytest.raises(Overtaken):
        change(ben, kind="set", item="endpoint-0", version=0, path="category", old="efficacy", value="safety")


def test_undo_is_of_one_s_own_and_not_over_another_s_work(sit_down):
    anna, ben = sit_down("anna"), sit_down("ben")
    set_value(anna, "endpoint-0", "concept", "mortality")
    assert ben.step(SEED, UNDO) is None
    set_value(ben, "endpoint-0", "concept", "biomarker")
    with pytest.raises(Overtaken, match="ben changed"):
        anna.step(SEED, UNDO)
    ben.step(SEED, UNDO)
    anna.step(SEED, UNDO)
    assert item(anna, "endpoint-0")["value"]["concept"] == "response_rate"


def test_at_once_means_one_after_the_other(records, tmp_path):
    """Of many threads that saw the same, each with a desk of its own, one is first and the others are told."""
    folder = tmp_path / "gold" / ".review"
    folder.mkdir(parents=True)
    Journal(folder / "journal.sqlite").close()
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def work(number):
        journal = Journal(folder / "journal.sqlite")
        desk = ReviewDesk(records, tmp_path / "gold", journal, f"reviewer {number}")
        together.wait()
        try:
            wish = {"item": "endpoint-0", "version": 0, "path": "measure", "old": "Objective response rate (ORR)"}
            change(desk, kind="set", value=f"by {number}", **wish)
            outcomes.append("done")
        except Overtaken:
            outcomes.append("told")
        finally:
            journal.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["told"] * 5]


def test_every_action_is_kept_with_its_author_and_both_values(sit_down):
    desk = sit_down()
    set_value(desk, "endpoint-0", "concept", "mortality")
    desk.step(SEED, UNDO)
    last, first = desk.list_history(SEED)
    assert (first["reviewer"], first["kind"], first["item"], first["path"]) == ("anna", "set", "endpoint-0", "concept")
    assert (first["old"]["value"]["concept"], first["new"]["value"]["concept"]) == ("response_rate", "mortality")
    assert (last["kind"], last["new"]["value"]["concept"]) == ("undo", "response_rate")
    assert first["time"] <= last["time"]


def test_a_review_goes_on_where_it_stopped(sit_down, records):
    mend(sit_down(), records)
    later = sit_down()
    assert later.describe(SEED)["progress"] == {"state": "begun", "decided": 5, "items": 5}
    later.finish(SEED)


def test_a_finished_record_that_is_changed_says_so_until_it_is_finished_again(sit_down, records, tmp_path):
    desk = sit_down()
    mend(desk, records)
    desk.finish(SEED)
    set_value(desk, "endpoint-0", "censored", value=True)
    assert desk.describe(SEED)["progress"]["state"] == "changed"
    desk.finish(SEED)
    written = json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8"))
    assert written["endpoints"][0]["censored"] is True


def test_gold_that_is_there_is_what_is_reviewed(sit_down, tmp_path):
    (tmp_path / "gold").mkdir()
    gold = read_gold()
    (tmp_path / "gold" / f"{SEED}.json").write_text(json.dumps(gold), "utf-8")
    desk = sit_down()
    assert desk.describe(SEED)["progress"] == {"state": "finished", "decided": 4, "items": 4}
    set_value(desk, "people", "sex", "all")
    desk.finish(SEED)
    gold["eligibility"]["sex"] = "all"
    assert json.loads((tmp_path / "gold" / f"{SEED}.json").read_text("utf-8")) == gold


def test_gold_that_somebody_else_wrote_is_not_lost(sit_down, records, tmp_path):
    desk = sit_down()
    mend(desk, records)
    foreign = tmp_path / "gold" / f"{SEED}.json"
    foreign.write_text("{}", "utf-8")
    with pytest.raises(GoldError, match="changed by another program"):
        desk.finish(SEED)
    assert foreign.read_text("utf-8") == "{}"


def test_a_failed_write_leaves_nothing_behind(sit_down, records, tmp_path, monkeypatch):
    desk = sit_down()
    mend(desk, records)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("extractor.review.gold.write_atomically", fail)
    with pytest.raises(OSError, match="No space"):
        desk.finish(SEED)
    assert desk.describe(SEED)["progress"]["state"] == "begun"
    monkeypatch.undo()
    desk.finish(SEED)


def test_an_added_item_stands_where_its_words_do(sit_down, records):
    desk = sit_down()
    added = change(desk, kind="add", add="criterion", selection=select(records, "title", "Leukemia Children"))
    order = [one["id"] for one in desk.describe(SEED)["items"] if one["kind"] == "criterion"]
    assert order == [added, "criterion-0"]


def test_marks_are_counted_as_the_browser_does(sit_down, records):
    desk = sit_down()
    text = records.texts[SEED].raw_text("brief_summary").encode("utf-16-le")
    marks = {field: (start, end) for field, section, start, end in item(desk, "criterion-0")["marks"]}
    start, end = marks["quote"]
    assert text[2 * start : 2 * end].decode("utf-16-le") == item(desk, "criterion-0")["value"]["quote"]


def test_a_text_that_changed_since_the_run_is_not_shown(tmp_path):
    run = make_run(tmp_path)
    other = tmp_path / "records"
    other.mkdir()
    (other / f"{SEED}.txt").write_text("Another title\nAnother summary\nLeukemia\n", "utf-8")
    records = RunRecords(run, [other])
    assert records.texts == {}
    assert set(records.doubts) >= {SEED}


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(StoreError, match="holds no run"):
        RunRecords(tmp_path)
