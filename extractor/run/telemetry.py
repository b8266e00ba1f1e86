"""Exports events as OpenTelemetry spans: one for the run, one for each record, one for each call to a model.

Spans of calls follow the semantic conventions for generative AI (``chat MODEL``, ``gen_ai.*``) and have no content.
Only this module imports OpenTelemetry, from the extra ``otel``.
"""

import logging
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from extractor.events import Event, Fact, facts_of

_SECOND = 1_000_000_000
_CALL_KEYS: Mapping[str, str] = {
    "model": "gen_ai.request.model",
    "response_model": "gen_ai.response.model",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "status": "http.response.status_code",
    "error": "error.type",
    "record_id": "extractor.record.id",
    "attempt": "extractor.call.attempt",
    "stored": "extractor.call.stored",
}


class SpanWriter(logging.Handler):
    """Turns events into spans for an exporter, by default OTLP over HTTP, configured by the environment."""

    def __init__(self, exporter: SpanExporter | None = None, provider_name: str = "openai") -> None:
        super().__init__()
        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - slow

            exporter = OTLPSpanExporter()
        self._provider_name = provider_name
        self._provider = TracerProvider(resource=Resource.create({"service.name": "extractor"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("extractor")
        self._open: dict[Fact, Span] = {}  # by the record's id; the run's span has the key None

    def emit(self, record: logging.LogRecord) -> None:
        """Begin, end or write a span."""
        facts, now = facts_of(record), int(record.created * _SECOND)
        match record.getMessage():
            case Event.RUN_STARTED:
                self._open[None] = self._tracer.start_span("run", start_time=now, attributes=_own(facts))
            case Event.RUN_ENDED:
                self._end(self._open.pop(None, None), facts, now)
            case Event.RECORD_STARTED:
                self._open[facts["record_id"]] = self._begin_record(facts, now)
            case Event.RECORD_DONE | Event.RECORD_FAILED:
                known = self._open.pop(facts["record_id"], None) if facts["record_id"] else None
                self._end(known or self._begin_record(facts, now), facts, now)
            case Event.CALL_ENDED:
                self._write_call(facts, now)
            case event:
                if run := self._open.get(None):
                    run.add_event(event, _own(facts), now)

    def close(self) -> None:
        """End open spans, and send all that are left."""
        for span in reversed(self._open.values()):
            span.end()
        self._provider.shutdown()
        super().close()

    def _begin_record(self, facts: Mapping[str, Fact], now: int) -> Span:
        attributes = {"extractor.record.id": str(facts["record_id"])}
        return self._tracer.start_span("record", self._inside(None), start_time=now, attributes=attributes)

    def _write_call(self, facts: Mapping[str, Fact], now: int) -> None:
        attributes = {_CALL_KEYS[name]: fact for name, fact in facts.items() if name in _CALL_KEYS and fact is not None}
        attributes |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": self._provider_name}
        begun = now - int(float(facts.get("seconds") or 0) * _SECOND)
        context = self._inside(facts.get("record_id"))
        span = self._tracer.start_span(
            f"chat {facts.get('model')}", context, SpanKind.CLIENT, attributes, start_time=begun
        )
        if facts.get("finish_reason"):
            span.set_attribute("gen_ai.response.finish_reasons", [str(facts["finish_reason"])])
        if facts.get("error"):
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def _end(self, span: Span | None, facts: Mapping[str, Fact], now: int) -> None:
        if span is None:
            return
        span.set_attributes(_own({name: fact for name, fact in facts.items() if name not in {"record_id", "error"}}))
        if facts.get("error"):
            span.set_attribute("error.type", str(facts["error"]))
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def _inside(self, record_id: Fact) -> Context | None:
        """The context of a record's span, or of the run's span without one."""
        span = self._open.get(record_id) or self._open.get(None)
        return trace.set_span_in_context(span) if span else None


def _own(facts: Mapping[str, Fact]) -> dict[str, str | int | float | bool]:
    return {f"extractor.{name}": fact for name, fact in facts.items() if fact is not None}
