"""``extractor fetch`` and ``fetch_records``: requests, output, resuming after a stop, and servers
that fail, return wrong data or attack.
"""

import gzip
import json

import pytest

from extractor import Registry, RegistryQuery, fetch_records, read_records
from extractor.apps.fetch import client
from extractor.errors import ArgumentError, RecordError, RegistryError
from extractor.model.pace import RetryPolicy
from tests.commands import extractor, invoke, read_lines, start_extractor
from tests.tables import read_cases

from .registry import Fault, make_study, serve_registry

CASES = read_cases(__file__)

STUDIES = [make_study(n, "Asthma" if n % 5 else "Eczema") for n in range(1, 26)]
ASTHMA = [f"NCT{n:08}" for n in range(1, 26) if n % 5]
QUERY = RegistryQuery(condition="asthma")
GZIP = {"Content-Encoding": "gzip"}
# fmt: off


@pytest.fixture
def registry(monkeypatch):
    with serve_registry(*STUDIES, most_per_page=8) as served:
        monkeypatch.setenv("EXTRACTOR_REGISTRY", served.url)
        yield served


@pytest.fixture
def out(tmp_path):
    return tmp_path / "some.jsonl"


@pytest.fixture
def fetch(registry, out):
    """``extractor fetch`` from the local registry into a file, without waiting between requests."""
    return lambda *words, to=out: invoke("fetch", *words, "--requests-per-minute", 60_000, "-o", to)


@pytest.fixture
def waits(monkeypatch):
    """The waits of the client of some length; none is waited for."""
    waits = []
    monkeypatch.setattr(client, "sleep", lambda seconds: waits.append(round(seconds, 1)) if seconds > 0.1 else None)
    monkeypatch.setattr(client, "_POLICY", RetryPolicy(attempts=5, jitter=lambda: 0.0))
    return waits


def read(*numbers, **options):
    """The ids of the records that Python fetches."""
    query = None if numbers else QUERY
    found = fetch_records(*numbers, query=query, registry=Registry(requests_per_minute=1e6), **options)
    return [record.record_id for record in found]


def list_ids(path):
    return [record.record_id for record in read_records(path)]


def test_a_query_is_fetched_page_by_page_into_lines_that_a_run_reads(fetch, registry, out):
    done = fetch("--condition", "asthma")
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"records in {out}: 20 (20 new)" in done.stderr
    assert list_ids(out) == ASTHMA
    assert read_lines(out) == [study for n, study in enumerate(STUDIES, 1) if n % 5]
    assert [asked.get("pageToken") for asked in registry.asked] == [None, "8", "16"]


def test_options_become_parameters_of_the_api(fetch, registry):
    assert fetch(
        *("--intervention", "fictucel", "--status", "recruiting,not yet recruiting", "--phase", "2,PHASE3"),
        *("--updated-since", "2026-01-31", "--param", "query.spons=Nobody & Sons"),
        *("--param", "filter.advanced=AREA[StartDate]2025"),
    ).exit_code == 0
    assert registry.asked[0] == {
        "query.intr": "fictucel", "filter.overallStatus": "RECRUITING,NOT_YET_RECRUITING", "query.spons": "Nobody & Sons",
        "filter.advanced": "(AREA[StartDate]2025) AND AREA[Phase](PHASE2 OR PHASE3)"
        " AND AREA[LastUpdatePostDate]RANGE[2026-01-31,MAX]",
        "pageSize": "1000", "countTotal": "true",
    }


def test_numbers_come_from_a_file_and_unknown_ones_are_named(fetch, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_bytes("\ufeffNCT00000002, nct00000004 # pilots\nNCT99999999\n".encode())
    packed = tmp_path / "packed.jsonl.gz"
    done = fetch("NCT88888888", "--ids", ids, to=packed)
    assert (done.exit_code, "NCT88888888, NCT99999999" in done.stderr) == (1, True)
    assert gzip.decompress(packed.read_bytes()).count(b"\n") == 2
    assert list_ids(packed) == ["NCT00000002", "NCT00000004"]


def test_numbers_come_from_standard_input_and_a_former_one_finds_its_study_once(registry, out):
    registry.studies[:] = [make_study(5, nctIdAliases=["NCT00000950"])]
    for _ in range(2):
        done = extractor("fetch", "--ids", "-", "-o", str(out), stdin=b"NCT00000950 NCT00000005")
        assert done.returncode == 0
    assert read_lines(out) == registry.studies
    assert len(registry.asked) == 1


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_a_fetch_goes_on_where_the_registry_or_a_kill_stopped_it(fetch, registry, tmp_path, name):
    path = tmp_path / name
    registry.plan[1] = Fault(403, b"enough")
    assert fetch("--condition", "asthma", to=path).exit_code == 75
    assert list_ids(path) == ASTHMA[:8]
    part = b'{"protocolSection": {"identif'
    with path.open("ab") as file:  # a kill amid the next page
        file.write(gzip.compress(part)[:-3] if path.suffix == ".gz" else part)
    registry.studies.insert(0, make_study(77))
    assert "21 (13 new)" in fetch("--condition", "asthma", to=path).stderr
    assert list_ids(path) == [*ASTHMA[:8], "NCT00000077", *ASTHMA[8:]]
    registry.plan[len(registry.asked)] = Fault(403)
    assert fetch("--condition", "asthma", "--fresh", to=path).exit_code == 75
    assert len(list_ids(path)) == 21  # it stays until something replaces it
    for limit in (3, 3, 4, 4, 100):
        fresh = ["--fresh"] if limit == 3 else []
        assert fetch("--condition", "eczema", "--limit", limit, *fresh, to=path).exit_code == 0
        assert len(list_ids(path)) == min(limit, 5)


def test_interrupted_it_keeps_what_it_has_and_until_then_no_other_writes_there(fetch, out):
    with start_extractor("fetch", "--condition", "asthma", "-o", str(out), "--requests-per-minute", 0.1) as running:
        running.wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") == 8)
        other = fetch("--condition", "asthma")
        assert (other.exit_code, "another fetch" in other.stderr) == (1, True)
        running.send_signal(2)
        done = running.wait()
    assert (done.returncode, b": 8 (8 new)" in done.stderr) == (130, True)
    assert fetch("--condition", "asthma").exit_code == 0
    assert list_ids(out) == ASTHMA


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", b"my notes\n", "line 1: not a fetched study (not JSON"),
        ("b.jsonl", json.dumps(STUDIES[0]).encode(), "line 1: not a fetched study (the line is incomplete)"),
        ("c.jsonl.gz", b"not packed\n", "line 1: not a fetched study (Not a gzipped"),
    ],
)
def test_foreign_files_are_left_alone(fetch, tmp_path, name, content, reason):
    assert "is a folder or a device" in fetch("NCT00000001", "--fresh", to=tmp_path).stderr
    (tmp_path / name).write_bytes(content)
    done = fetch("NCT00000001", to=tmp_path / name)
    assert (done.exit_code, reason in done.stderr) == (1, True), done.stderr
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(('words', 'code', 'reason'), CASES["wrong_arguments_are_named"])
def test_wrong_arguments_are_named(fetch, words, code, reason):
    done = fetch(*words)
    assert (done.exit_code, reason in done.stderr) == (code, True), done.stderr


def test_a_run_takes_nct_numbers_and_resumes_without_the_network(tmp_path, registry):
    for _ in range(2):
        done = invoke("run", "NCT00000002", "nct00000004", "NCT55555555", "tests/records/study.json",
                      "--effort", "none", "--out", tmp_path)
        assert (done.exit_code, "NCT55555555" in done.stderr) == (1, True)
    ids = [line["record_id"] for line in read_lines(tmp_path / "extractions.jsonl")]
    assert ids == ["NCT00000002", "NCT00000004", "NCT90000001"]
    assert list_ids(tmp_path / "fetched.jsonl") == ids[:2]
    assert registry.asked[1]["filter.ids"] == "NCT55555555"
    done = invoke("run", "NCT55555555")
    assert (done.exit_code, done.stdout) == (1, "")


FAULTS = [
    ({"body": "[" * 30_000}, "JSON that is nested too deeply", 6, [1, 2]),
    ({"body": json.dumps({"studies": STUDIES[:4], "nextPageToken": "6"})}, "repeats the same studies", 2, None),
    ({"body": gzip.compress(b"[" + b" " * 50_000).decode("latin-1"), "headers": GZIP}, "a page of more than 40,000 bytes", 2, None),
]


@pytest.mark.parametrize(("fault", "said", "requests", "expected"), [*CASES["faults"], *FAULTS])
def test_a_fault_is_tried_again_and_ends_the_fetch_if_it_stays(registry, waits, monkeypatch, fault, said, requests, expected):
    monkeypatch.setattr(client, "MAX_PAGE_BYTES", 40_000)
    body = fault.get("body")
    fault = Fault(**fault | {"body": body and body.encode("latin-1")})
    registry.plan |= dict.fromkeys(range(1, 20), fault)
    with pytest.raises(RegistryError) as caught:
        read()
    assert str(caught.value).startswith(f"{registry.url}: ")
    assert said in str(caught.value)
    assert len(registry.asked) == requests
    if expected:
        waits.clear()
        registry.asked.clear()
        registry.plan = {1: fault, 2: fault}
        assert read() == ASTHMA
        assert waits == expected
        assert registry.asked[1] == registry.asked[2] == registry.asked[3]


def test_a_server_that_is_away_is_named_without_the_password(waits):
    with pytest.raises(RegistryError, match=r"http://\*\*\*@127.0.0.1:9/api: incomplete reply \(ConnectError"):
        list(fetch_records("NCT00000001", registry=Registry(base_url="http://me:secret@127.0.0.1:9/api")))


@pytest.mark.parametrize("wrong", [
    *({"base_url": text} for text in ("ftp://a.test", "http://", "http://a\n.test", "https://a.test?b", "https://a.test#b")),
    {"page_size": 0}, {"page_size": 1001}, {"requests_per_minute": 0}, {"timeout": 0},
])
def test_an_impossible_registry_is_refused(wrong):
    with pytest.raises(ArgumentError, match=r"not the address of a registry|must be from 1 to 1,000"):
        Registry(**wrong)


def test_fewer_studies_than_the_registry_counts_are_no_success(registry):
    registry.counted = 26
    with pytest.raises(RegistryError, match="counts 26 records, but its pages contained 20"):
        read()


def test_unknown_numbers_and_broken_records_are_reported_and_the_others_read(registry):
    registry.studies[1] = make_study(2)
    registry.studies[1]["protocolSection"]["conditionsModule"]["conditions"] = {"a": "text"}
    errors = []
    found = read("NCT00000001", "NCT00000002", "NCT77777777", "nct00000003", on_error=errors.append)
    assert found == ["NCT00000001", "NCT00000003"]
    assert "text is expected" in str(errors[0])
    with pytest.raises(RecordError, match="NCT77777777: not in"):
        read("NCT77777777")
    with pytest.raises(ArgumentError, match="either NCT numbers or a query"):
        next(fetch_records("NCT00000001", query=QUERY))


def test_requests_are_evenly_spaced_and_no_more_than_needed(registry, waits):
    records = fetch_records(query=QUERY, registry=Registry(requests_per_minute=30))
    assert (next(records).record_id, len(registry.asked)) == (ASTHMA[0], 1)
    assert len(list(records)) == 19
    assert [round(wait) for wait in waits] == [2, 2]
