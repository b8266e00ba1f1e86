"""Servers that fail, lie or attack: what the client repeats, what it refuses, and what it says."""

import gzip
import json
import re
import socket
from dataclasses import dataclass, replace

import pytest

from extractor import Registry, RegistryQuery, fetch_records
from extractor.apps.fetch import RecordFile, client, fetch_pages
from extractor.errors import RecordError, RegistryError, RegistryRefused
from extractor.model.pace import RetryPolicy

from .registry import Fault, make_study, serve_registry

STUDIES = [make_study(number) for number in range(1, 8)]
EVERYTHING = RegistryQuery(condition="asthma")
PAGE = "<html><head><title>Sign in\n to the network</title></head></html>"


@dataclass
class Reader:
    """Reads a local registry. Waits of some length are noted in ``waits``, none is waited for."""

    url: str
    waits: list[float]

    @property
    def settings(self) -> Registry:
        return Registry(base_url=self.url, requests_per_minute=1e6, page_size=3)

    def read(self, **changes: object) -> list[str]:
        registry = replace(self.settings, **changes)
        return [
            record.record_id
            for record in fetch_records(query=EVERYTHING, registry=registry)
        ]

    def fail(self, **changes: object) -> str:
        with pytest.raises(RegistryError) as caught:
            self.read(**changes)
        return str(caught.value)


@pytest.fixture
def registry():
    with serve_registry(*STUDIES) as served:
        yield served


@pytest.fixture
def reader(registry, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(
        client,
        "sleep",
        lambda seconds: waits.append(seconds) if seconds > 0.1 else None,
    )
    monkeypatch.setattr(client, "_POLICY", RetryPolicy(jitter=lambda: 0.0))
    return Reader(registry.url, waits)


ALL = [f"NCT{number:08}" for number in range(1, 8)]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Fault(429, b"slow down", {"Retry-After": "7"}), [7.0, 7.0]),
        (Fault(503, PAGE.encode()), [1.0, 2.0]),
        (Fault(sent=0.4), [1.0, 2.0]),
        (Fault(body=b'{"studies": [{"protocol'), [1.0, 2.0]),
        (Fault(headers={"Content-Encoding": "gzip"}), [1.0, 2.0]),
    ],
    ids=["429", "503", "cut off", "cut off by a proxy", "not packed as it says"],
)
def test_a_fault_that_passes_is_tried_again(registry, reader, fault, waits):
    registry.plan |= {1: fault, 2: fault}
    assert reader.read() == ALL
    assert reader.waits == waits
    assert registry.asked[1] == registry.asked[2] == registry.asked[3]


@pytest.mark.parametrize(
    ("fault", "said", "requests"),
    [
        (
            Fault(503, b"maintenance"),
            "HTTP 503 Service Unavailable (maintenance); check the network",
            7,
        ),
        (
            Fault(429, b"slow", {"Retry-After": "3600"}),
            "HTTP 429 Too Many Requests (slow); check the network",
            2,
        ),
        (
            Fault(sent=0.5),
            "no whole reply (RemoteProtocolError: peer closed connection",
            7,
        ),
        (
            Fault(404, b"Not found"),
            "HTTP 404 Not Found (Not found); check the network, the address",
            2,
        ),
        (
            Fault(403, PAGE.encode()),
            "HTTP 403 Forbidden (<html><head><title>Sign in to the network</title>",
            2,
        ),
        (
            Fault(301, b"", {"Location": "https://me:key@new.test/"}),
            "HTTP 301 Moved Permanently (no text); check the network, the address",
            2,
        ),
        (
            Fault(200, PAGE.encode()),
            "it begins '<html><head><title>Sign in to the network</title>",
            7,
        ),
        (Fault(200, b"\xff\xfe\xff"), "not a page of studies: not JSON", 7),
        (Fault(200, b'{"studies": 5}'), "JSON without a list of studies", 7),
        (Fault(200, b"[" * 100_000), "JSON that is nested too deep", 7),
        (Fault(200, b'{"studies": [{}]}'), "a study without its NCT number", 7),
        (
            Fault(200, b'{"studies": [], "nextPageToken": "more"}'),
            "repeats the same studies",
            2,
        ),
        (
            Fault(
                200,
                json.dumps({"studies": STUDIES[:3], "nextPageToken": "v1-6"}).encode(),
            ),
            "repeats the same studies",
            2,
        ),
        (
            Fault(400, b"Parameter `pageToken` has incorrect format"),
            "the same command goes on",
            2,
        ),
    ],
    ids=lambda value: None if isinstance(value, int | Fault) else value[:40],
)
def test_a_fault_that_stays_ends_the_fetch_with_its_reason(
    registry, reader, fault, said, requests
):
    registry.plan |= dict.fromkeys(range(1, 20), fault)

    message = reader.fail()

    assert said in message
    assert message.startswith(f"{registry.url}: ")
    assert len(registry.asked) == requests


def test_a_page_that_is_too_large_is_refused_however_small_it_is_packed(
    registry, reader, monkeypatch
):
    monkeypatch.setattr("extractor.apps.fetch.client.MAX_PAGE_BYTES", 100_000)
    bomb = gzip.compress(b'{"studies": [' + b" " * 50_000_000)

    registry.plan[0] = Fault(body=bomb, headers={"Content-Encoding": "gzip"})

    assert (
        "a page of more than 100,000 bytes; ask for fewer records a page"
        in reader.fail()
    )


def test_a_long_message_is_shortened(registry, reader):
    registry.plan[0] = Fault(400, b"no " * 1_000_000)
    with pytest.raises(RegistryRefused) as caught:
        reader.read()
    assert len(str(caught.value)) < 500


def test_a_server_that_is_silent_or_away_is_named(registry, reader):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://me:secret@127.0.0.1:{silent.getsockname()[1]}/api"
        message = reader.fail(base_url=silent_url, timeout=0.2)
    assert re.search(
        "ReadTimeout|ConnectTimeout", message
    )  # the latter on a busy machine
    assert "secret" not in message
    away = reader.fail(base_url=silent_url)
    assert "no whole reply (ConnectError" in away
    assert "check the network" in away
    assert "secret" not in away


def test_studies_that_were_not_asked_for_are_left_out(registry, reader):
    registry.plan[0] = Fault(200, json.dumps({"studies": STUDIES}).encode())
    found = list(fetch_records("NCT00000001", registry=reader.settings))
    assert [record.record_id for record in found] == ["NCT00000001"]


def test_unknown_numbers_and_broken_records_are_reported_and_the_others_read(
    registry, reader
):
    registry.studies[1] = make_study(2)
    registry.studies[1]["protocolSection"]["conditionsModule"]["conditions"] = (
        "not a list"
    )
    errors: list[RecordError] = []
    numbers = ("NCT00000001", "NCT00000002", "NCT77777777", "nct00000003")
    found = list(
        fetch_records(*numbers, registry=reader.settings, on_error=errors.append)
    )
    assert [record.record_id for record in found] == ["NCT00000001", "NCT00000003"]
    assert found[0].source.path == f"{registry.url}/studies/NCT00000001"
    assert [
        "a list is expected" in str(errors[0]),
        str(errors[1]).startswith("NCT77777777: not known"),
    ] == [True, True]
    with pytest.raises(RecordError, match="NCT77777777: not known to"):
        list(fetch_records("NCT77777777", registry=reader.settings))


def test_a_fetch_that_is_given_up_reads_no_further(registry, reader):
    records = fetch_records(query=EVERYTHING, registry=reader.settings)
    assert next(records).record_id == "NCT00000001"
    records.close()
    assert len(registry.asked) == 1


def test_hostile_characters_stay_what_they_are_in_lines_and_files(
    reader, registry, tmp_path
):
    registry.studies[:] = [
        make_study(1, briefTitle="\ud800 half \u2028 line \x00 \x1b[31m"),
        make_study(2, n=10**30),
    ]
    file = RecordFile(tmp_path / "hostile.jsonl")

    with reader.settings.open() as opened:
        for page in fetch_pages(opened, EVERYTHING, file.known):
            file.write(page.studies)

    assert [
        json.loads(line) for line in file.path.read_bytes().split(b"\n")[:-1]
    ] == registry.studies


def test_requests_are_evenly_spaced(reader):
    assert reader.read(requests_per_minute=30) == ALL
    assert reader.waits == pytest.approx([2.0, 2.0], abs=0.2)
