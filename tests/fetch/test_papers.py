"""``extractor fetch`` and ``fetch_records`` with numbers of papers, from a stand-in for E-utilities."""

import gzip

import pytest

from extractor import PaperSource, fetch_records, read_records
from extractor.apps.fetch import client
from extractor.errors import ArgumentError, RecordError, RegistryError
from extractor.model.pace import RetryPolicy
from tests.commands import invoke, read_lines

from .papers import serve_papers
from .registry import Fault, make_study, serve_registry

KEY = "0123456789abcdef0123456789abcdef0123"


@pytest.fixture
def waits(monkeypatch):
    """The waits of the client of some length; none is waited for."""
    waits = []
    keep = lambda seconds: waits.append(round(seconds, 1)) if seconds > 0.05 else None  # noqa: E731
    monkeypatch.setattr(client, "sleep", keep)
    monkeypatch.setattr(client, "_POLICY", RetryPolicy(attempts=5, jitter=lambda: 0.0))
    return waits


@pytest.fixture
def papers(monkeypatch, waits):
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    with serve_papers(range(1, 300)) as served:
        monkeypatch.setenv("EXTRACTOR_EUTILS", served.url)
        yield served


def list_ids(path):
    return [record.record_id for record in read_records(path)]


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_papers_and_studies_are_fetched_into_one_file_and_not_again(
    papers, monkeypatch, tmp_path, name
):
    out = tmp_path / name
    with serve_registry(make_study(2)) as registry:
        monkeypatch.setenv("EXTRACTOR_REGISTRY", registry.url)
        words = ["fetch", "PMC5", "pmid:7", "NCT00000002", "PMID8", "-o", out]
        for _ in range(2):
            done = invoke(*words)
            assert (done.exit_code, done.stdout) == (0, "")
    assert list_ids(out) == ["NCT00000002", "PMID7", "PMID8", "PMC5"]
    assert [record.source.format for record in read_records(out)][1:] == [
        *["pubmed_xml"] * 2,
        "jats_xml",
    ]
    asked = [(one["db"], one["id"]) for one in papers.asked]
    assert asked == [("pubmed", "7,8"), ("pmc", "5")]
    assert set(papers.paths) == {"/entrez/eutils/efetch.fcgi"}
    content = out.read_bytes()
    if out.suffix == ".gz":
        content = gzip.decompress(content)
    assert content.count(b"\n") == 4


def test_a_run_takes_papers_and_an_unknown_one_is_named(papers, tmp_path):
    done = invoke("run", "pmid:3", "PMC999", "--effort", "none", "--out", tmp_path)
    assert (done.exit_code, "not in the registry: PMC999" in done.stderr) == (1, True)
    assert [
        line["record_id"] for line in read_lines(tmp_path / "extractions.jsonl")
    ] == ["PMID3"]


@pytest.mark.parametrize(("key", "wait"), [(None, 0.3), (KEY, 0.1)])
def test_requests_keep_the_rate_and_the_key_stays_hidden(
    papers, waits, monkeypatch, key, wait
):
    if key:
        monkeypatch.setenv("NCBI_API_KEY", key)
    source = PaperSource(batch_size=2)
    found = fetch_records(*(f"pmid:{n}" for n in range(1, 7)), papers=source)
    assert [record.source.pmid for record in found] == [*"123456"]
    assert [asked.get("api_key") for asked in papers.asked] == [key] * 3
    assert waits == [wait] * 2
    assert KEY not in repr(source) + "".join(papers.paths)
    papers.plan |= dict.fromkeys(range(3, 20), Fault(400, f"key {key}".encode()))
    with pytest.raises(RegistryError) as caught:
        list(fetch_records("PMC1"))
    assert KEY not in str(caught.value)


FAULTS = [
    (Fault(429, b'{"error": "API rate limit exceeded"}'), "HTTP 429 Too Many", 5),
    (Fault(429, b"slow", {"Retry-After": "3600"}), "HTTP 429 Too Many", 1),
    (Fault(502, b"bad gateway"), "HTTP 502 Bad Gateway (bad gateway)", 5),
    (Fault(sent=0.5), "incomplete reply", 5),
    (Fault(body=b"<html>Sign in</html>"), "not a set of papers: XML without a set of articles", 5),
    (Fault(body=b"<PubmedArticleSet><PubmedArticle>"), "the set of articles is cut off", 5),
    (Fault(400, b"no such id"), "rejected the request, HTTP 400 Bad Request (no such id)", 1),
    (Fault(body=b"<PubmedArticleSet>" + b" " * 50_000), "a page of more than 40,000 bytes", 1),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "said", "requests"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_tried_again_and_ends_the_fetch_if_it_stays(
    papers, waits, monkeypatch, fault, said, requests
):
    monkeypatch.setattr(client, "MAX_PAGE_BYTES", 40_000)
    papers.plan |= dict.fromkeys(range(20), fault)
    with pytest.raises(RegistryError) as caught:
        list(fetch_records("pmid:1"))
    assert str(caught.value).startswith(f"{papers.url}: ")
    assert said in str(caught.value)
    assert len(papers.asked) == requests
    papers.plan = {len(papers.asked): fault} if requests > 1 else {}
    assert [record.record_id for record in fetch_records("pmid:1")] == ["PMID1"]


def test_numbers_and_sources_that_are_wrong_are_named(papers):
    for word, words in {"123": "as pmid:123", "PMC": "is not an NCT number"}.items():
        done = invoke("fetch", word)
        assert (done.exit_code, words in done.stderr) == (2, True)
    with pytest.raises(ArgumentError, match="must be above 0"):
        PaperSource(batch_size=0)
    with pytest.raises(ArgumentError, match="not the address"):
        PaperSource(base_url="ftp://a.test")
    with pytest.raises(RecordError, match="PMC999: not in http"):
        list(fetch_records("PMC999"))
