"""A run with own fields, a review that serves a run, and the requests of its page."""

import http.client
import json
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from extractor.apps.review.app import open_review
from tests.commands import extract

SEED = "003_b184c860ed2ef927"
OWN = "NCT00000001"
"""The record of a run with own fields."""
_FIELDS = ("EjectionFraction", "Blinding", "Washout")
_CRITERIA = (
    "Inclusion Criteria:\n\n* Left ventricular ejection fraction below 40 % by Examplography\n"
    "* Age of at least 18 years\n\nExclusion Criteria:\n\n* Ejection fraction above 70 %"
)


def make_custom(folder):
    """Make a run of one record with custom fields."""
    title = {"nctId": OWN, "briefTitle": "A two week washout of examplumab"}
    criteria = {"eligibilityCriteria": _CRITERIA}
    modules = {"identificationModule": title, "eligibilityModule": criteria}
    study = json.dumps({"protocolSection": modules})
    (folder / "records.json").write_text(study, "utf-8")
    fields = [("--fields", f"extractor.catalogue:{name}") for name in _FIELDS]
    return extract(folder / "records.json", folder / "run", *chain(*fields))


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
            kept = (zlib.compress(written), line["record_id"])
            store.execute("UPDATE records SET packed = ? WHERE record_id = ?", kept)
    return run


class Served(NamedTuple):
    """A running review, the folder of its gold, whether a test has ended it, and what ends it."""

    address: str
    gold: Path
    ended: Event = Event()
    stop: Callable[[], None] = lambda: None

    @property
    def port(self):
        return urlsplit(self.address).port

    @property
    def token(self):
        return self.address.partition("token=")[2]


@contextmanager
def serve(run, gold, annotators=None):
    """Serve a review in a thread; of the golds of two ``annotators``, if given."""
    with ExitStack() as stack:
        opened = stack.enter_context(open_review(run, gold, annotators=annotators))
        thread = Thread(target=opened.serve, daemon=True)
        thread.start()
        ended = Event()

        def stop():
            ended.set()
            opened.stop()
            thread.join(120)
            stack.close()

        try:
            yield Served(opened.address, gold, ended, stop)
        finally:
            stop()


class Client:
    """The requests of the page, over HTTP."""

    def __init__(self, served):
        self._served = served
        status, headers, _ = ask(served, f"/?token={served.token}")
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]

    def get(self, what, **query):
        """Return an answer; the status if it is refused."""
        status, _, text = ask(
            self._served, f"/api/{what}?{urlencode(query)}", cookie=self.cookie
        )
        assert status == 200, text
        return json.loads(text)

    def post(self, what, record_id=SEED, **body):
        """Act on a record; return the status and the answer."""
        status, _, text = ask(
            self._served,
            f"/api/{what}?{urlencode({'id': record_id})}",
            "POST",
            json.dumps(body),
            cookie=self.cookie,
            origin=f"http://127.0.0.1:{self._served.port}",
            content_type="application/json",
        )
        return status, json.loads(text)

    def change(self, path, value, record_id=SEED, words=None, **patch):
        """Change an item as it is now; return the changed record."""
        record = self.get("record", id=record_id)
        status, answer = self.post(
            "change",
            record_id,
            version=record["version"],
            words=words,
            patch={"path": path, "value": value, **patch},
        )
        assert status == 200, answer
        return answer

    def item(self, path, record_id=SEED):
        """Return an item as the page gets it; None without it."""
        return find_item(self.get("record", id=record_id), path)

    def select(self, section, first, last=None, record_id=SEED):
        """Return words of a text as the page selects them, from ``first`` to ``last``."""
        sections = self.get("record", id=record_id)["sections"]
        text = next(one["text"] for one in sections if one["name"] == section)
        last = last or first
        start = text.index(first)
        end = text.index(last, start) + len(last)
        return {"section": section, "start": start, "end": end}

    def finish(self, record_id=SEED, *, anyway=False):
        """Finish a record; return the status and the answer."""
        return self.post("finish", record_id, anyway=anyway)


def find_item(record, path):
    """Return an item of a record by its path; None without it."""
    found = [item for item in record["items"] if item["path"] == path]
    return found[0] if found else None


def ask(served, path, method="GET", body=None, **headers):
    """One request with exactly these headers; names are written with underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        sent["content-length"] = str(len(body))
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.putrequest(
        method, path, skip_host="host" in sent, skip_accept_encoding=True
    )
    for name, value in sent.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode() if body is not None else None)
    response = connection.getresponse()
    received = {name.lower(): value for name, value in response.getheaders()}
    text = response.read().decode()
    connection.close()
    return response.status, received, text
