"""The review over HTTP: the queue, changes, undo, flaws, gold, and what a restart keeps."""

import json
from pathlib import Path

import pytest

from extractor.apps.evaluation import check_gold
from extractor.apps.export import tabulate
from extractor.apps.review.draft import list_draft_items
from extractor.apps.review.gold import correct_run
from extractor.formats import read_records
from extractor.run.joined import JoinedRuns
from extractor.schemas import TrialExtraction
from tests.commands import invoke
from tests.pages.invented import TRIAL, make_doubtful, make_run
from tests.snapshots import check_json
from tests.tables import read_cases

from .reviewing import (
    OWN,
    SEED,
    Client,
    find_item,
    make_custom,
    serve,
)

CASES = read_cases(__file__)
CRITERION = "eligibility.criteria[0]"
_REGIMEN = {"agent": "a", "section": "title", "quote": "Cell", "role": "other"}


@pytest.fixture(scope="module")
def own_run(tmp_path_factory):
    return make_custom(tmp_path_factory.mktemp("own"))


@pytest.fixture
def own(own_run, tmp_path):
    with serve(own_run, tmp_path / "gold") as served:
        yield Client(served)


def read_written(served, record_id=SEED):
    return json.loads((served.gold / f"{record_id}.json").read_text("utf-8"))


def test_a_corrected_record_becomes_gold(client, served, gold, seed_run):
    removed = gold["eligibility"]["criteria"][0]
    client.change(CRITERION, None)
    words = client.select("brief_summary", "All these participants", "(PCR).")
    added = client.change(
        "eligibility.criteria", {"category": "diagnosis"}, words=words
    )
    assert added["item"] == "eligibility.criteria[2]"
    client.change("endpoints[0]", {"category": "safety"})
    status, shown = client.finish()
    assert (status, shown["finished"]) == (200, True)
    gold["endpoints"][0]["category"] = "safety"
    written = read_written(served)
    assert written["eligibility"]["criteria"][0] == removed
    assert written == gold
    assert check_gold(served.gold, read_records("seeds/records")) == []
    row = next(row for row in client.get("queue") if row["id"] == SEED)
    assert row["state"] == "finished"
    runs = JoinedRuns([seed_run])
    assert correct_run(runs, served.gold) == 1
    assert runs.read(SEED).endpoints[0].category == "safety"


def test_the_answers_for_a_record_are_these(tmp_path):
    run = make_run(tmp_path, make_doubtful())
    with serve(run, tmp_path / "gold") as served:
        client = Client(served)
        found = {"queue": client.get("queue"), "first": client.get("record", id=TRIAL)}
        client.change("eligibility", {"sex": "female"}, TRIAL)
        words = client.select("eligibility", "INR > 2", record_id=TRIAL)
        added = client.change("eligibility.criteria", {}, TRIAL, words)
        found["added"] = find_item(added, added["item"])
        client.change("dosing[0]", None, TRIAL)
        client.post("undo", TRIAL)
        found["open"] = client.finish(TRIAL)
        _, finished = client.finish(TRIAL, anyway=True)
        shown = ("sections", "spans", "items")
        found["finished"] = {key: finished[key] for key in finished if key not in shown}
        found["queue of finished"] = client.get("queue")
        found["gold"] = read_written(served, TRIAL)
    check_json(Path(__file__).with_name("invented.json"), found)


def test_the_words_of_a_changed_value_are_marked(client):
    changed = client.change(CRITERION, {"quote": "heavily treated"})
    spans = [changed["spans"][mark] for mark in find_item(changed, CRITERION)["marks"]]
    texts = [section["text"] for section in changed["sections"]]
    marked = {texts[number][start:end] for number, start, end, *_ in spans}
    assert "heavily treated" in marked


def test_changes_are_undone_one_by_one_the_last_first(client):
    before = client.item("endpoints[0]")["fields"]
    client.change("endpoints[0]", {"category": "safety"})
    client.change("endpoints[0]", None)
    client.change("dosing", {"agent": "aspirin"})
    assert client.item("endpoints[0]") is None
    assert client.post("undo")[1]["item"] == "dosing"
    assert client.item("dosing[0]") is None
    client.post("undo")
    assert client.item("endpoints[0]")["fields"]["category"]["value"] == "safety"
    client.post("undo")
    assert client.item("endpoints[0]")["fields"] == before
    assert client.post("undo")[1]["item"] is None


@pytest.mark.parametrize(("path", "value", "place", "may_finish"), CASES["flaws"])
def test_a_flaw_is_shown_at_its_value_and_stops_the_record(
    client, served, path, value, place, may_finish
):
    client.change("dosing", _REGIMEN)
    flaws = find_item(client.change(path, value), path)["flaws"]
    assert any(flaw["field"].startswith(place) for flaw in flaws), flaws
    status, answer = client.finish()
    assert (status, answer["may_finish"]) == (422, may_finish)
    assert not list(served.gold.glob("*.json"))
    assert client.finish(anyway=True)[0] == (200 if may_finish else 422)


def test_values_of_every_kind_can_be_changed(client, served):
    client.change("dosing", _REGIMEN)
    for path, value in CASES["changes"]:
        client.change(path, value)
    assert client.finish(anyway=True)[0] == 200
    written = read_written(served)
    items = dict(list_draft_items(written, "eligibility"))
    for group in ("eligibility.criteria", "dosing", "endpoints"):
        items |= dict(list_draft_items(written, group))
    for path, value in CASES["changes"]:
        assert items[path] | value == items[path]
    window = CASES["changes"][1][1]["time_windows"][0]
    assert written["eligibility"]["criteria"][0]["time_window"] == window


def test_selected_words_make_a_new_item(client):
    words = client.select("primary_outcomes", "Complete response")
    client.change("endpoints", {}, words=words)
    fields = client.item("endpoints[1]")["fields"]
    values = [fields[name]["value"] for name in ("rank", "index", "measure")]
    assert values == ["primary", 1, "Complete response"]
    words = client.select("brief_summary", "heavily treated")
    client.change("dosing", {}, words=words)
    fields = client.item("dosing[0]")["fields"]
    assert fields["agent"]["value"] == fields["quote"]["value"] == "heavily treated"
    assert client.get("words", id=SEED, **words) == {"text": "heavily treated"}


def test_nothing_that_was_answered_is_lost_when_the_server_ends(seed_run, tmp_path):
    gold = tmp_path / "gold"
    with serve(seed_run, gold) as served:
        client = Client(served)
        client.change("endpoints[0]", {"category": "safety"})
        client.change("endpoints[0]", {"measure": "half a wor"}, typed=True)
    journal = gold / ".review" / f"{SEED}.jsonl"
    # A power failure cuts off the last line.
    journal.write_bytes(journal.read_bytes() + b'{"patch": {"pa')
    with serve(seed_run, gold) as served:
        client = Client(served)
        fields = client.item("endpoints[0]")["fields"]
        assert fields["category"]["value"] == "safety"
        assert fields["measure"]["value"] == "half a wor"
        assert fields["measure"]["typed"]
        client.change("endpoints[0]", {"category": "efficacy"})
        assert client.post("undo")[0] == 200
        client.change("endpoints[0]", {"category": "efficacy"})
        assert client.finish(anyway=True)[0] == 200
    with serve(seed_run, gold) as served:
        record = Client(served).get("record", id=SEED)
        fields = find_item(record, "endpoints[0]")["fields"]
        assert (fields["category"]["value"], record["finished"]) == ("efficacy", True)
        assert fields["measure"]["value"] == "half a wor"


def test_a_finished_record_is_reviewed_again_from_its_gold_file(client, served, gold):
    assert client.finish()[0] == 200
    gold["endpoints"][0]["category"] = "safety"
    window = gold["eligibility"]["criteria"][1]["time_windows"].pop()
    # as in gold that follows guideline 1.4
    del gold["eligibility"]["criteria"][1]["time_windows"]
    path = served.gold / f"{SEED}.json"
    path.write_text(json.dumps(gold), "utf-8")
    assert client.get("record", id=SEED)["finished"]
    fields = client.item("endpoints[0]")["fields"]
    assert fields["category"]["value"] == "safety"
    windows = client.item("eligibility.criteria[1]")["fields"]["time_windows"]
    assert [each["quote"] for each in windows["value"]] == [window["quote"]]
    path.write_text("{", "utf-8")
    status, answer = client.post("undo")
    assert (status, "is not gold" in answer["message"]) == (422, True)


def test_a_value_that_another_window_changed_is_not_overwritten(client):
    stale = {"path": "endpoints[0]", "value": {"category": "other"}}
    client.change("endpoints[0]", {"category": "safety"})
    assert client.post("change", version=0, patch=stale)[0] == 409
    stale["value"] = {"measure": "Another field"}
    assert client.post("change", version=0, patch=stale)[0] == 200


def test_a_folder_has_one_review_at_a_time(served, seed_run):
    done = invoke("review", seed_run, "--gold", served.gold)
    assert done.exit_code == 1
    assert "another review of this folder is open" in done.stderr


def test_the_canonical_name_of_a_limit_is_shown_and_corrected(own):
    shown = own.item(CRITERION, OWN)["fields"]["constraints"]
    assert str(shown).count("[lvef]") == 1
    limit = {
        "quantity": "ejection fraction",
        "comparator": "<",
        "value": 40,
        "unit": "%",
    }
    corrected = [limit | {"quantity_canonical": "rvef"}]
    own.change(CRITERION, {"constraints": corrected}, OWN)
    assert "[rvef]" in str(own.item(CRITERION, OWN)["fields"]["constraints"])
    assert own.finish(OWN, anyway=True)[0] == 200
    written = read_written(own._served, OWN)
    [constraint] = written["eligibility"]["criteria"][0]["constraints"]
    assert constraint["quantity_canonical"] == "rvef"
    [row, *_] = tabulate([TrialExtraction.model_validate(written)])["constraints"]
    assert row["quantity_canonical"] == "rvef"


def test_own_fields_are_corrected_added_and_deleted_with_their_items(own):
    limit = "custom.ejection_fraction[0]"
    assert own.item(limit, OWN)["fields"]["values.limit"]["said"] == "< 40 %"
    value = {"comparator": "<=", "value": 35, "unit": "%"}
    own.change(limit, {"values.limit": value}, OWN)
    # no field of the blinding can hold words
    words = own.select("title", "two week washout", record_id=OWN)
    own.change("custom.blinding", {"values.level": "double"}, OWN, words)
    words = own.select("eligibility", "Examplography", record_id=OWN)
    period = {"value": 2, "unit": "week"}
    washout = {"of": CRITERION, "values.free_for": period}
    own.change("custom.washout", washout, OWN, words)
    own.change("eligibility.criteria[2]", None, OWN)
    for path in (CRITERION, "eligibility.criteria[1]"):
        own.change(path, {"category": "other"}, OWN)
    status, answer = own.finish(OWN, anyway=True)
    assert status == 200, answer
    written = read_written(own._served, OWN)["custom"]
    limits = [item["values"]["limit"]["value"] for item in written["ejection_fraction"]]
    assert limits == [35]
    assert written["blinding"] == [{"of": None, "values": {"level": "double"}}]
    values = {"treatment": "Examplography", "free_for": period}
    assert written["washout"] == [{"of": CRITERION, "values": values}]
