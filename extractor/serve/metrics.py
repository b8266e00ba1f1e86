"""Figures of the service for Prometheus. Callers and records are not told apart in them."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from extractor.schemas import Usage

__all__ = ["Metrics"]

_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class _States(Collector):
    """Jobs by their state, counted when somebody looks."""

    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily("extractor_jobs", "Jobs that are kept.", labels=["state"])
        for state, number in sorted(self._count().items()):
            family.add_metric([state], number)
        return [family]


class Metrics:
    """All figures, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("extractor_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "extractor_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self.extractions = Gauge("extractor_extractions", "Extractions under way or waiting.", registry=registry)
        self.tokens = Counter("extractor_model_tokens", "Tokens of the model.", ("kind",), registry=registry)
        self.calls = Counter("extractor_model_calls", "Calls to the model.", registry=registry)
        self.dollars = Counter("extractor_model_usd", "Cost of the calls with a known price.", registry=registry)
        self.uploaded = Counter("extractor_upload_bytes", "Bytes of uploads.", registry=registry)

    def count_jobs(self, count: Callable[[], Mapping[str, int]]) -> None:
        """From now on jobs are counted by that."""
        self._registry.register(_States(count))

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def note_call(self, usage: Usage, picodollars: int | None) -> None:
        """Count what a call to the model took."""
        self.calls.inc(usage.calls)
        self.tokens.labels("prompt").inc(usage.prompt_tokens)
        self.tokens.labels("cached").inc(usage.cached_tokens)
        self.tokens.labels("output").inc(usage.output_tokens)
        self.dollars.inc((picodollars or 0) / 1e12)

    def render(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self._registry)
