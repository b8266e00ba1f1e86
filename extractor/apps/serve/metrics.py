"""The service's metrics in the text format of Prometheus.

They are totals of the whole service since its start. All label values come from closed sets, so no
metric contains a key, a caller, a job, a record or a path that a client has made up.
"""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from extractor.apps.serve.jobs import Jobs
from extractor.apps.serve.money import Money

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 300)
"""Upper bounds in seconds. ``--timeout`` is 60 seconds by default; event streams last longer."""
_TOKENS = {
    "prompt": "prompt_tokens",
    "cached": "cached_tokens",
    "output": "output_tokens",
}


class Measured(Protocol):
    """What the metrics read of a service."""

    @property
    def jobs(self) -> Jobs: ...

    @property
    def money(self) -> Money: ...

    @property
    def queue_length(self) -> int: ...


class Metrics(Collector):
    """Counts requests, and reads all other metrics from the service when they are requested."""

    def __init__(self, service: Measured) -> None:
        self._service = service
        # not the global registry, to which other services in this process would write as well
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "extractor_requests",
            "Requests by method, route template and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "extractor_request_seconds",
            "Duration of requests.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended. ``route`` is its template, such as
        ``/v1/jobs/{job_id}``.
        """
        if method not in _METHODS:
            method = "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the queue, the jobs and the model."""
        yield GaugeMetricFamily(
            "extractor_queue_length",
            "Extractions running or waiting, which --queue limits.",
            self._service.queue_length,
        )
        jobs = GaugeMetricFamily("extractor_jobs", "Jobs by state.", labels=["state"])
        for state, number in self._service.jobs.count_states().items():
            jobs.add_metric([state], number)
        yield jobs
        money = self._service.money
        tokens = CounterMetricFamily(
            "extractor_tokens",
            "Tokens of answered calls; cached tokens are also prompt tokens.",
            labels=["kind"],
        )
        for kind, name in _TOKENS.items():
            tokens.add_metric([kind], getattr(money.usage, name))
        yield tokens
        if money.usd is not None:
            yield CounterMetricFamily(
                "extractor_dollars",
                "Cost of the model in US dollars; calls without a reply count at their maximum.",
                money.usd,
            )

    def respond(self) -> Response:
        """Return the response to ``GET /metrics``."""
        return Response(
            generate_latest(self._registry),
            headers={"content-type": CONTENT_TYPE_LATEST},
        )
