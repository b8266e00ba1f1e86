"""Records the exchange with the local registry that a test replays.

    python -m tests.fetch.recording

Three pages of a query, one of them after a rate limit; two NCT numbers, one of them unknown; a refused parameter.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from vcr import VCR

from extractor import Registry, RegistryQuery, fetch_records
from extractor.errors import RegistryRefused
from extractor.llm.pace import RetryPolicy

from .registry import Fault, make_study, serve_registry

CASSETTE = Path(__file__).with_name("exchange.yaml")
RECORDED = "http://registry.test/api/v2"
"""The address in the recording, in place of the local server's."""
_KEPT = frozenset({"content-type", "retry-after"})


def exchange(url: str) -> dict[str, object]:
    """Fetch from the registry at this address, and return what came back and how long the client waited."""
    waits: list[float] = []
    told: list[str] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    policy = RetryPolicy(sleep=sleep, jitter=lambda: 0.0)
    registry = Registry(base_url=url, requests_per_minute=1e6, page_size=3, policy=policy)

    def read(*numbers: str, query: RegistryQuery | None = None) -> list[str]:
        found = fetch_records(*numbers, query=query, registry=registry, on_error=lambda error: told.append(str(error)))
        return [f"{record.record_id} {record.sections[0].text}" for record in found]

    asthma = RegistryQuery(condition="asthma", phases=("2", "3"))
    results: dict[str, object] = {"query": read(query=asthma), "numbers": read("NCT00000002", "NCT99999999")}
    try:
        read(query=replace(asthma, more={"recrs": "open"}))
    except RegistryRefused as error:
        told.append(str(error))
    return results | {"waits": waits, "told": [one.replace(url, RECORDED) for one in told]}


def play(url: str, run: Callable[[str], dict[str, object]], *, record: bool) -> dict[str, object]:
    """Run against the cassette, or against a server whose replies are recorded into it."""

    def clean_request(request):
        parts = urlsplit(request.uri)
        request.uri = urlunsplit(parts._replace(netloc=urlsplit(RECORDED).netloc))
        request.headers = {}
        return request

    def clean_response(response):
        kept = {name: value for name, value in response["headers"].items() if name.lower() in _KEPT}
        return {**response, "headers": kept}

    recorder = VCR(
        match_on=("method", "path", "query"),
        before_record_request=clean_request,
        before_record_response=clean_response,
        decode_compressed_response=True,
        record_mode="all" if record else "none",
    )
    with recorder.use_cassette(str(CASSETTE)) as cassette:
        results = run(url)
    assert record or cassette.all_played, f"{CASSETTE}: an exchange is no longer used; record again"
    return results


if __name__ == "__main__":
    CASSETTE.unlink(missing_ok=True)
    with serve_registry(*(make_study(number) for number in range(1, 8))) as served:
        served.plan[1] = Fault(429, b"Too many requests", {"Retry-After": "12"})
        print(play(served.url, exchange, record=True))
