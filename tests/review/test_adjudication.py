"""One gold made of two reviewers' golds."""

import json

import pytest

from tests.commands import invoke

from .reviewing import SEED, Client, serve

OTHER = "000_071fc1b3f362aea9"


@pytest.fixture
def golds(gold, tmp_path):
    """Anna's gold and Ben's, which differs in a value, lacks an item and has another one."""
    ben = json.loads(json.dumps(gold))
    ben["endpoints"][0]["category"] = "safety"
    ben["eligibility"]["criteria"].pop()
    ben["dosing"] = [
        {
            "agent": "fludarabine",
            "section": "brief_summary",
            "quote": "heavily treated",
            "role": "other",
        }
    ]
    folders = tmp_path / "anna", tmp_path / "ben"
    for folder, written in zip(folders, (gold, ben), strict=True):
        folder.mkdir()
        (folder / f"{SEED}.json").write_text(json.dumps(written), "utf-8")
    other = {"record_id": OTHER, "eligibility": {"sex": "male"}}
    (folders[1] / f"{OTHER}.json").write_text(json.dumps(other), "utf-8")
    return folders


@pytest.fixture
def client(seed_run, golds, tmp_path):
    with serve(seed_run, tmp_path / "agreed", golds) as served:
        yield Client(served)


def test_one_gold_is_made_of_two_and_both_stay(client, golds, gold, tmp_path):
    paths = [folder / f"{SEED}.json" for folder in golds]
    before = [path.read_bytes() for path in paths]
    rows = [(row["id"], row["reasons"]) for row in client.get("queue")]
    assert rows == [(SEED, ["3 differences"]), (OTHER, ["only in ben"])]
    fields = client.item("eligibility", OTHER)["fields"]
    assert fields["sex"]["value"] == "male"
    differing = {
        item["path"]: [(one["field"], one["by"], one["value"]) for one in item["differences"]]
        for item in client.get("record", id=SEED)["items"]
        if item["differences"]
    }  # fmt: skip
    assert differing == {
        "eligibility.criteria[1]": [("", "anna", None)],
        "dosing[0]": [("", "ben", None)],
        "endpoints[0]": [("category", "ben", "safety")],
    }
    status, answer = client.finish(anyway=True)
    assert (status, answer["message"]) == (422, "Unresolved differences: 3")
    client.change("endpoints[0]", {"category": "safety"})
    client.change("dosing[0]", None)
    client.change("eligibility.criteria[1]", {"@checked": True})
    status, answer = client.finish()
    assert status == 200, answer
    gold["endpoints"][0]["category"] = "safety"
    written = json.loads((tmp_path / "agreed" / f"{SEED}.json").read_text("utf-8"))
    assert written == gold
    assert [path.read_bytes() for path in paths] == before
    paths[0].write_text(json.dumps(gold), "utf-8")
    status, answer = client.finish()
    assert (status, "with different gold annotations" in answer["message"]) == (
        422,
        True,
    )


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("ben", "is also one of the --adjudicate folders"),
        ("agreed", "have no gold for any record"),
    ],
)
def test_golds_that_cannot_be_adjudicated_are_refused(
    seed_run, golds, gold, tmp_path, folder, message
):
    for annotator in golds:
        for path in annotator.iterdir():
            path.unlink()
        text = json.dumps(gold | {"record_id": "other"})
        (annotator / "other.json").write_text(text, "utf-8")
    done = invoke(
        "review", seed_run, "--gold", tmp_path / folder, "--adjudicate", *golds
    )
    assert done.exit_code in (1, 2)
    assert message in done.stderr
