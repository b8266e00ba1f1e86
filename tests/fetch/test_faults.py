"""Servers that fail, lie or attack: what the client repeats, what it refuses, and what it says."""

import asyncio
import gzip
import json
import re
import socket
from dataclasses import dataclass, field, replace

import pytest

from extractor import Registry, RegistryQuery, fetch_records
from extractor.apps.fetch import RecordFile, fetch_to_file
from extractor.errors import RecordError, RegistryError, RegistryRefused
from extractor.model.pace import RetryPolicy

from .registry import Fault, make_study, serve_registry

STUDIES = [make_study(number) for number in range(1, 8)]
EVERYTHING = RegistryQuery(condition="asthma")
PAGE = "<html><head><title>Sign in\n to the network</title></head></html>"


@dataclass
class Reader:
    """Reads a local registry, and notes the waits instead of waiting."""

    url: str
    waits: list[float] = field(default_factory=list)

    @property
    def settings(self) -> Registry:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        policy = RetryPolicy(sleep=sleep, jitter=lambda: 0.0)
        return Registry(base_url=self.url, requests_per_minute=1e6, page_size=3, policy=policy)

    def read(self, **changes: object) -> list[str]:
        registry = replace(self.settings, **changes)
        return [record.record_id for record in fetch_records(query=EVERYTHING, registry=registry)]

    def fail(self, **changes: object) -> str:
        with pytest.raises(RegistryError) as caught:
            self.read(**changes)
        return str(caught.value)


@pytest.fixture
def registry():
    with serve_registry(*STUDIES) as served:
        yield served


@pytest.fixture
def reader(registry):
    return Reader(registry.url)


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
        (Fault(503, b"maintenance"), "HTTP 503: maintenance (after 6 attempts); try later", 7),
        (
            Fault(429, b"", {"Retry-After": "3600"}),
            "HTTP 429, and asks to wait 3600 seconds; try later",
            2,
        ),
        (Fault(sent=0.5), "the reply broke off", 7),
        (Fault(404, b"Not found"), "HTTP 404: Not found; check that the address", 2),
        (
            Fault(403, PAGE.encode()),
            "HTTP 403: a web page ('Sign in to the network'); check the address and the proxy",
            2,
        ),
        (
            Fault(301, b"", {"Location": "https://me:key@new.test/"}),
            "moved to https://***@new.test/; give that",
            2,
        ),
        (Fault(200, PAGE.encode()), "a web page ('Sign in to the network') instead of records", 2),
        (Fault(200, b"\xff\xfe\xff"), "not a page of studies", 7),
        (Fault(200, b'{"studies": {}}'), "studies is not a list", 7),
        (Fault(200, b'{"studies": [], "nextPageToken": 5}'), "nextPageToken is not a text", 7),
        (Fault(200, b'{"studies": [], "totalCount": -1}'), "totalCount is not a number", 7),
        (Fault(200, b"[" * 100_000), "JSON that does not look like studies", 7),
        (Fault(200, b'{"studies": [{"x": NaN}]}'), "NaN is no number of JSON", 7),
        (Fault(200, b'{"studies": [{}]}'), "a study without its NCT number", 7),
        (
            Fault(200, json.dumps({"studies": [make_study(1, nctId="../../etc/passwd")]}).encode()),
            "a study with a broken NCT number",
            7,
        ),
        (Fault(headers={"Content-Encoding": "zstd"}), "packed as 'zstd'; only gzip is read", 2),
        (Fault(200, b'{"studies": [], "nextPageToken": "more"}'), "repeats the same studies", 2),
        (
            Fault(200, json.dumps({"studies": STUDIES[3:6], "nextPageToken": "v1-3"}).encode()),
            "repeats the same page token",
            2,
        ),
        (
            Fault(200, json.dumps({"studies": STUDIES[:3], "nextPageToken": "v1-6"}).encode()),
            "repeats the same studies",
            2,
        ),
    ],
    ids=lambda value: None if isinstance(value, int | Fault) else value[:40],
)
def test_a_fault_that_stays_ends_the_fetch_with_its_reason(registry, reader, fault, said, requests):
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
    assert "a page of more than 100,000 bytes; ask for fewer records a page" in reader.fail()


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
        "the reply did not arrive in time|no answer", message
    )  # the latter on a busy machine
    assert "secret" not in message
    away = reader.fail(base_url=silent_url)
    assert "no connection" in away
    assert "(after 3 attempts); check the network" in away
    assert "secret" not in away


def test_studies_that_were_not_asked_for_are_refused(registry, reader):
    registry.plan[0] = Fault(200, json.dumps({"studies": STUDIES}).encode())
    with pytest.raises(RegistryError, match="studies that were not asked for"):
        list(fetch_records("NCT00000001", registry=reader.settings))


def test_unknown_numbers_and_broken_records_are_reported_and_the_others_read(registry, reader):
    registry.studies[1] = make_study(2)
    registry.studies[1]["protocolSection"]["conditionsModule"]["conditions"] = "not a list"
    errors: list[RecordError] = []
    numbers = ("NCT00000001", "NCT00000002", "NCT77777777", "nct00000003")
    found = list(fetch_records(*numbers, registry=reader.settings, on_error=errors.append))
    assert [record.record_id for record in found] == ["NCT00000001", "NCT00000003"]
    assert found[0].source.path == f"{registry.url}/studies/NCT00000001"
    assert [
        "a list is expected" in str(errors[0]),
        str(errors[1]).startswith("NCT77777777: not known"),
    ] == [True, True]
    with pytest.raises(RecordError, match="NCT77777777: not known to"):
        list(fetch_records("NCT77777777", registry=reader.settings))


def test_records_can_be_fetched_where_an_event_loop_runs(reader):
    async def read_in_notebook() -> list[str]:
        return reader.read()

    assert asyncio.run(read_in_notebook()) == ALL


def test_a_fetch_that_is_given_up_reads_no_further(registry, reader):
    records = fetch_records(query=EVERYTHING, registry=reader.settings)
    assert next(records).record_id == "NCT00000001"
    records.close()
    assert len(registry.asked) == 1


def test_hostile_characters_stay_what_they_are_in_lines_and_files(reader, registry, tmp_path):
    registry.studies[:] = [
        make_study(1, briefTitle="\ud800 half \u2028 line \x00 \x1b[31m"),
        make_study(2, n=10**30),
    ]
    path = tmp_path / "hostile.jsonl"
    with RecordFile(path, EVERYTHING, reader.settings) as file:
        asyncio.run(fetch_to_file(file))
    assert [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] == registry.studies


def test_requests_are_evenly_spaced(registry, reader, monkeypatch):
    rates = []

    class Limiter:
        def __init__(self, requests, seconds):
            rates.append((requests, seconds))

        async def __aenter__(self):
            rates.append("request")

        async def __aexit__(self, *_):
            pass

    monkeypatch.setattr("extractor.apps.fetch.client.AsyncLimiter", Limiter)
    registry.plan[1] = Fault(503)
    assert reader.read(requests_per_minute=30) == ALL
    assert rates == [(1, 2.0), *["request"] * 4]
