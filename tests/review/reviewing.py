"""Runs with known errors, a review that serves one, and a reviewer's actions as the page
requests them.
"""

import json
import shutil
import sqlite3
import zlib
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from extractor.apps.review.app import open_review
from extractor.apps.review.changes import Change
from extractor.schemas import TrialExtraction
from tests.commands import extract

SEED = "003_b184c860ed2ef927"
GOLD = Path(__file__).parents[2] / "seeds" / "gold"
_CHANGE = TypeAdapter(Change)
OWN = "NCT00000001"
"""The record of a run with own fields."""
_MISSED = "Participants will be eligible if they are heavily treated", "CD22)."
_INVENTED = {
    "agent": "chimeric antigen receptor T cell",
    "section": "brief_summary",
    "quote": "heavily treated B-ALL",
}


_LIMITED = "failed from re-induction chemotherapy after relapse or continued MRD+"
"""What the one time window of the seeds limits, as the rules read it; their gold is of guideline
1.4.
"""


def read_gold(record_id=SEED):
    """Return the gold of a record with the fields that it may lack, as a review writes them."""
    gold = TrialExtraction.model_validate_json(
        (GOLD / f"{record_id}.json").read_text("utf-8")
    ).to_gold()
    gold["eligibility"].setdefault("groups", [])
    for one in gold["eligibility"]["criteria"]:
        one.setdefault("group", None)
        window = one["time_window"]
        one["time_windows"] = [window | {"of": _LIMITED}] if window else []
    for one in gold["dosing"]:
        one.setdefault("arms", [])
    return gold


def make_run(seed_run, run):
    """Copy a run of the seeds with three errors in one record: a missing criterion, a wrong
    time, an invented dose.
    """
    shutil.copytree(seed_run, run)
    lines = [
        json.loads(line)
        for line in (run / "extractions.jsonl").read_text("utf-8").splitlines()
    ]
    return write_results(
        run, [_spoil(line) if line["record_id"] == SEED else line for line in lines]
    )


def _spoil(extraction):
    gold = read_gold()
    del gold["eligibility"]["criteria"][1]
    gold["eligibility"]["confidence"] = 0.99
    gold["eligibility"]["criteria"][0]["confidence"] = 0.97
    gold["endpoints"][0] |= {
        "time_points": [{"value": 6, "unit": "month"}],
        "confidence": 0.4,
    }
    amounts = [{"low": 95, "high": 95, "unit": "%"}]
    gold["dosing"] = [
        _INVENTED | {"amounts": amounts, "role": "other", "confidence": 0.3}
    ]
    return {"source": extraction["source"], "findings": extraction["findings"]} | gold


def make_many(folder, count):
    """Make a run of ``count`` records with distinct titles and doubtful eligibility, the last
    the least doubtful.
    """
    ids = [f"NCT{number:08d}" for number in range(count)]
    studies = (
        {"nctId": name, "briefTitle": f"One of many, part {number}"}
        for number, name in enumerate(ids)
    )
    lines = (
        json.dumps({"protocolSection": {"identificationModule": study}})
        for study in studies
    )
    (folder / "records.jsonl").write_text("\n".join(lines), "utf-8")
    run = extract(folder / "records.jsonl", folder / "run")
    people = ({"confidence": number / count, "criteria": []} for number in range(count))
    return write_results(
        run,
        [
            {"record_id": name, "eligibility": one}
            for name, one in zip(ids, people, strict=True)
        ],
    )


_FIELDS = Path(__file__).parent / "my_fields.py"
_CRITERIA = (
    "Inclusion Criteria:\n\n* Left ventricular ejection fraction below 40 % by Examplography\n"
    "* Age of at least 18 years\n\nExclusion Criteria:\n\n* Ejection fraction above 70 %"
)


def make_custom(folder):
    """Make a run of one record with fields of the user's own."""
    modules = {
        "identificationModule": {
            "nctId": OWN,
            "briefTitle": "A two week washout of examplumab",
        },
        "eligibilityModule": {"eligibilityCriteria": _CRITERIA},
    }
    (folder / "records.json").write_text(
        json.dumps({"protocolSection": modules}), "utf-8"
    )
    return extract(folder / "records.json", folder / "run", "--fields", str(_FIELDS))


def write_results(run, lines):
    """Put other results into a run and its store, as if the run had written them."""
    with (
        (run / "extractions.jsonl").open("wb") as results,
        closing(sqlite3.connect(run / "run.sqlite")) as store,
        store,
    ):
        for line in lines:
            written = json.dumps(line, ensure_ascii=False).encode()
            results.write(written + b"\n")
            kept = (sha256(written).digest(), zlib.compress(written), line["record_id"])
            store.execute(
                "UPDATE lines SET sha256 = ?, packed = ? WHERE record_id = ?", kept
            )
    return run


class Served(NamedTuple):
    """A running review: its address with the token, the folder of its gold, and whether the test
    has ended it.
    """

    address: str
    gold: Path
    ended: Event

    @property
    def port(self):
        return urlsplit(self.address).port

    @property
    def token(self):
        return self.address.partition("token=")[2]


@contextmanager
def serve(run, gold, reviewer="anna", annotators=None):
    """Serve a review in a thread of this process; of the golds of two ``annotators``, if given."""
    opened_reviews = Queue()

    def work():
        with open_review(run, gold, reviewer=reviewer, annotators=annotators) as opened:
            opened_reviews.put(opened)
            opened.serve()

    thread = Thread(target=work, daemon=True)
    thread.start()
    opened = opened_reviews.get(timeout=120)
    ended = Event()
    try:
        yield Served(opened.address, gold, ended)
    finally:
        ended.set()
        opened.stop()
        thread.join(120)


def name_record(review):
    """The record that the tests of a run review."""
    known = review._records.doubts
    return SEED if SEED in known else next(iter(known))


def describe(review):
    return review.describe(name_record(review))


def item(review, name):
    return next(
        (entry for entry in describe(review)["items"] if entry["path"] == name), None
    )


def change(review, **request):
    return review.change(name_record(review), _CHANGE.validate_python(request))


def set_value(review, name, path, value):
    seen = item(review, name)
    change(
        review,
        kind="set",
        item=name,
        version=seen["version"],
        path=path,
        old=seen["value"][path],
        value=value,
    )


def decide(review, kind, *names):
    change(
        review,
        kind=kind,
        items=[
            {"item": name, "version": item(review, name)["version"]} for name in names
        ],
    )


def select(review, section, words):
    """Select words as the page does; no character in these texts is wider than one UTF-16 unit."""
    text = next(
        one["text"] for one in describe(review)["sections"] if one["name"] == section
    )
    first, last = words if isinstance(words, tuple) else (words, words)
    start = text.index(first)
    return {
        "section": section,
        "start": start,
        "end": text.index(last, start) + len(last),
    }


def read(review, name, path, section, words):
    """Fill a field from words of the text."""
    known = {"item": name, "version": item(review, name)["version"], "path": path}
    change(review, kind="read", **known, selection=select(review, section, words))


def add(review, group, section, words, **more):
    return change(
        review,
        kind="add",
        group=group,
        selection=select(review, section, words),
        **more,
    )


def add_criterion(review):
    return add(review, "eligibility.criteria", "brief_summary", _MISSED)


def mend(review):
    """Correct all errors of the extraction."""
    set_value(review, "endpoints[0]", "time_points", [{"value": 3, "unit": "month"}])
    added = add_criterion(review)
    decide(review, "reject", "dosing[0]")
    decide(
        review,
        "accept",
        "eligibility",
        "eligibility.criteria[0]",
        "endpoints[0]",
        added,
    )
    return added
