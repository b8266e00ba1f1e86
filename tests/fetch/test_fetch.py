"""The command ``extractor fetch``: what it asks, what it writes, how it goes on after it was
stopped.
"""

import gzip
import json

import pytest

from extractor import read_records
from tests.commands import extractor, invoke, read_lines, start_extractor

from .registry import Fault, make_study, serve_registry

STUDIES = [
    make_study(number, "Asthma" if number % 5 else "Eczema") for number in range(1, 26)
]
ASTHMA = [f"NCT{number:08}" for number in range(1, 26) if number % 5]


@pytest.fixture
def registry():
    with serve_registry(*STUDIES) as served:
        yield served


@pytest.fixture
def fetch(registry):
    """``extractor fetch`` from the local registry, without waiting between requests."""
    return lambda *words: invoke(
        "fetch", *words, "--base-url", registry.url, "--requests-per-minute", 60_000
    )


def list_ids(path):
    return [record.record_id for record in read_records(path)]


def test_a_query_is_fetched_page_by_page_into_lines_that_a_run_reads(
    fetch, registry, tmp_path
):
    out = tmp_path / "asthma.jsonl"

    done = fetch("--condition", "asthma", "--page-size", 8, "-o", out)

    assert (done.exit_code, done.stdout) == (0, "")
    assert f"20 records in {out}" in done.stderr
    assert list_ids(out) == ASTHMA
    assert read_lines(out) == [
        study
        for study in STUDIES
        if study["protocolSection"]["conditionsModule"]["conditions"] == ["Asthma"]
    ]
    assert [asked.get("pageToken") for asked in registry.asked] == [
        None,
        "v1-8",
        "v1-16",
    ]
    assert registry.asked[0] == {
        "query.cond": "asthma",
        "pageSize": "8",
        "countTotal": "true",
    }


def test_options_become_parameters_of_the_api(fetch, registry):
    words = [
        "--intervention",
        "fictucel",
        "--term",
        "wheeze",
        "--status",
        "recruiting,not yet recruiting",
    ]
    words += [
        "--phase",
        "2,PHASE3",
        "--updated-since",
        "2026-01-31",
        "--param",
        "query.spons=Nobody & Sons",
    ]
    words += ["--param", "filter.advanced=AREA[StartDate]2025"]

    assert fetch(*words).exit_code == 0
    assert registry.asked[0] == {
        "query.intr": "fictucel",
        "query.term": "wheeze",
        "filter.overallStatus": "RECRUITING,NOT_YET_RECRUITING",
        "query.spons": "Nobody & Sons",
        "filter.advanced": "(AREA[StartDate]2025) AND AREA[Phase](PHASE2 OR PHASE3)"
        " AND AREA[LastUpdatePostDate]RANGE[2026-01-31,MAX]",
        "pageSize": "1000",
        "countTotal": "true",
    }


def test_without_a_file_records_go_to_standard_output(fetch):
    done = fetch("NCT00000003", "nct00000001", "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        STUDIES[0],
        STUDIES[2],
    ]


def test_numbers_come_from_a_file_and_unknown_ones_are_named(fetch, tmp_path):
    ids = tmp_path / "ids.txt"
    out = tmp_path / "some.jsonl.gz"
    ids.write_bytes(
        "\ufeffNCT00000002, nct00000004  # pilots\n\nNCT00000002;NCT99999999\n".encode()
    )

    done = fetch("--ids", ids, "NCT88888888", "-o", out)

    assert done.exit_code == 1
    assert "NCT88888888, NCT99999999" in done.stderr
    assert gzip.decompress(out.read_bytes()).count(b"\n") == 2
    assert list_ids(out) == ["NCT00000002", "NCT00000004"]


def test_numbers_come_from_standard_input(registry):
    done = extractor(
        "fetch", "--ids", "-", "--base-url", registry.url, stdin=b"NCT00000007"
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, STUDIES[6])


def test_a_former_number_finds_its_study_once(tmp_path):
    study = make_study(5, nctIdAliases=["NCT00000950"])
    out = tmp_path / "one.jsonl"

    with serve_registry(study) as registry:
        for _ in range(2):
            done = invoke(
                "fetch",
                "NCT00000950",
                "NCT00000005",
                "--base-url",
                registry.url,
                "-o",
                out,
            )
            assert done.exit_code == 0, done.output

    assert read_lines(out) == [study]
    assert len(registry.asked) == 1


def test_more_numbers_are_added_to_the_same_file(fetch, registry, tmp_path):
    out = tmp_path / "some.jsonl"
    fetch("NCT00000001", "-o", out)

    done = fetch("NCT00000001", "NCT00000009", "-o", out)

    assert "2 records" in done.stderr
    assert "(1 new)" in done.stderr
    assert registry.asked[-1]["filter.ids"] == "NCT00000009"
    assert list_ids(out) == ["NCT00000001", "NCT00000009"]


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_a_query_goes_on_where_the_registry_failed(fetch, registry, tmp_path, name):
    out = tmp_path / name
    words = ["--condition", "asthma", "--page-size", 6, "-o", out]
    registry.plan[2] = Fault(403, b"enough")
    assert fetch(*words).exit_code == 75
    assert list_ids(out) == ASTHMA[:12]
    with out.open("ab") as file:  # a kill amid the next page
        file.write(
            gzip.compress(b'{"protocolSection": {"identif')[:-3]
            if out.suffix == ".gz"
            else b'{"protocolSec'
        )
    assert "(8 new)" in fetch(*words, "--page-size", 100).stderr
    assert list_ids(out) == ASTHMA
    assert not out.with_name(f".{name}.new").exists()
    assert "20 records" in fetch(*words).stderr
    assert list_ids(out) == ASTHMA


def test_what_the_registry_has_since_is_added(fetch, registry, tmp_path):
    out = tmp_path / "some.jsonl"
    fetch("--condition", "asthma", "--page-size", 6, "--limit", 12, "-o", out)
    registry.update()

    registry.studies.insert(0, make_study(77))

    assert fetch("--condition", "asthma", "--page-size", 6, "-o", out).exit_code == 0
    assert list_ids(out) == [*ASTHMA[:12], "NCT00000077", *ASTHMA[12:]]


def test_a_limit_within_a_page_can_be_raised(fetch, tmp_path):
    out = tmp_path / "some.jsonl"
    for limit in (3, 3, 9, 100):
        assert (
            fetch(
                "--condition", "asthma", "--page-size", 7, "--limit", limit, "-o", out
            ).exit_code
            == 0
        )
        assert list_ids(out) == ASTHMA[:limit]


def test_fewer_studies_than_the_registry_counts_are_no_success(tmp_path):
    with serve_registry(*STUDIES[:4], counted=6) as registry:
        for out in ("-", tmp_path / "some.jsonl"):
            done = invoke(
                "fetch", "--condition", "asthma", "--base-url", registry.url, "-o", out
            )
            assert done.exit_code == 75
            assert "counts 6 records, and its pages had 4" in done.stderr
        registry.counted = 4
        done = invoke(
            "fetch", "--condition", "asthma", "--base-url", registry.url, "-o", out
        )
    assert (done.exit_code, len(list_ids(out))) == (0, 4)


def test_an_earlier_file_stays_until_there_is_something_to_replace_it_with(
    fetch, registry, tmp_path
):
    out = tmp_path / "some.jsonl"
    fetch("--condition", "eczema", "-o", out)

    registry.plan[1] = Fault(403)

    assert fetch("--condition", "asthma", "--fresh", "-o", out).exit_code == 75
    assert len(list_ids(out)) == 5
    assert fetch("--condition", "asthma", "--fresh", "-o", out).exit_code == 0
    assert list_ids(out) == ASTHMA


def test_interrupted_it_keeps_what_it_has_and_until_then_no_other_writes_there(
    fetch, registry, tmp_path
):
    out = tmp_path / "some.jsonl"
    words = [
        "fetch",
        "--condition",
        "asthma",
        "--page-size",
        5,
        "--base-url",
        registry.url,
        "-o",
        out,
    ]

    with start_extractor(*words, "--requests-per-minute", 0.1) as running:
        running.wait_for(lambda: out.exists() and out.read_bytes().count(b"\n") == 5)
        other = fetch("--condition", "asthma", "-o", out)
        assert (other.exit_code, "another fetch writes to it" in other.stderr) == (
            1,
            True,
        )
        running.send_signal(2)
        done = running.wait()

    assert done.returncode == 130
    assert b"has 5 records; the same command" in done.stderr
    assert invoke(*words, "--requests-per-minute", 60_000).exit_code == 0
    assert list_ids(out) == ASTHMA


def test_foreign_files_are_left_alone(fetch, tmp_path):
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text("my notes\n")
    unended = tmp_path / "unended.jsonl"
    unended.write_text(json.dumps(STUDIES[0]))
    packed = tmp_path / "packed.jsonl.gz"

    packed.write_text("not packed\n")

    for path, reason in (
        (foreign, "line 1: not a fetched study (not JSON"),
        (unended, "line 1: not a fetched study (the line has no end)"),
        (packed, "line 1: not a fetched study (Not a gzipped file"),
        (tmp_path, "a folder or a device"),
    ):
        done = fetch("NCT00000001", "-o", path)
        assert done.exit_code == 1
        assert reason in done.stderr
    assert foreign.read_text() == "my notes\n"
    assert unended.read_text() == json.dumps(STUDIES[0])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "nothing to fetch; name NCT numbers"),
        (["NCT123"], "'NCT123' is not an NCT number"),
        (["NCT00000001", "--condition", "asthma"], "one of the two"),
        (["NCT00000001", "--limit", "5"], "one of the two"),
        (["--phase", "1/2"], "'1/2' is not a phase"),
        (
            ["--param", "pageToken=x"],
            "pageToken cannot be given; the paging or an option of its own sets it",
        ),
        (["--condition", "a", "--param", "query.cond=b"], "query.cond cannot be given"),
        (["--param", "no value"], "give it as NAME=VALUE"),
        (
            ["--condition", "a", "--base-url", "ftp://host/api"],
            "not the address of a registry",
        ),
        (
            ["--condition", "a", "--base-url", "http://[broken"],
            "not the address of a registry",
        ),
    ],
)
def test_wrong_arguments_are_named(words, reason):
    done = invoke("fetch", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_refused_parameter_is_an_error_of_usage_with_the_registrys_words(fetch):
    done = fetch("--param", "recrs=open")
    assert (
        done.exit_code,
        "HTTP 400 Bad Request (`recrs` is unknown parameter" in done.stderr,
    ) == (2, True)


def test_a_run_takes_nct_numbers_and_resumes_without_the_network(tmp_path):
    words = [
        "NCT00000002",
        "nct00000004",
        "tests/records/study.json",
        "--effort",
        "none",
        "--workers",
        1,
    ]
    with serve_registry(*STUDIES) as registry:
        for _ in range(2):
            done = invoke(
                "run",
                *words,
                "--out",
                tmp_path / "run",
                EXTRACTOR_REGISTRY=registry.url,
            )
            assert done.exit_code == 0, done.output
        assert len(registry.asked) == 1

    lines = read_lines(tmp_path / "run" / "extractions.jsonl")

    assert [line["record_id"] for line in lines] == [
        "NCT00000002",
        "NCT00000004",
        "NCT90000001",
    ]
    assert list_ids(tmp_path / "run" / "fetched.jsonl") == [
        "NCT00000002",
        "NCT00000004",
    ]


def test_a_run_names_numbers_that_the_registry_does_not_know(fetch, registry):
    done = invoke(
        "run",
        "NCT00000002",
        "NCT55555555",
        "--effort",
        "none",
        EXTRACTOR_REGISTRY=registry.url,
    )
    assert (done.exit_code, json.loads(done.stdout)["record_id"]) == (1, "NCT00000002")
    assert "NCT55555555" in done.stderr
    assert invoke("run", "NCT55555555", EXTRACTOR_REGISTRY=registry.url).exit_code == 1


def test_a_file_named_like_a_number_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "NCT00000001").write_text(json.dumps(make_study(42)))

    done = invoke(
        "run",
        "NCT00000001",
        "--effort",
        "none",
        EXTRACTOR_REGISTRY="http://127.0.0.1:9",
    )

    assert json.loads(done.stdout)["record_id"] == "NCT00000042"
