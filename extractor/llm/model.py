"""The seam to language models: questions in, valid items and their cost out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import httpx2
from pydantic import BaseModel

from extractor.errors import AnswerRejected, BudgetReached, ModelError
from extractor.schemas import Usage

from .answer_mode import AnswerMode
from .attempts import Outcome, put_call
from .call import Call, Question, Render, Reply
from .chain import NotedAnswer, current_asker
from .salvage import Rejection, Salvage, item_number
from .sending.connection import Connection, Line, ServerCalls
from .sending.dialect import Dialect
from .sending.failures import ModeRefused, RequestTooLong
from .sending.throttle import PaceLimits
from .sending.transport import RetryPolicy
from .sending.usage import UsageTally
from .spec import ModelSpec

__all__ = ["AskSettings", "Model"]

_LAST_MODE = list(AnswerMode)[-1]


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How to ask.

    ``mode`` is how the answer's schema is told at first; a server that refuses it is told in the next one.
    ``reasks`` is how often an answer that breaks its schema is asked again; ``concurrency`` bounds the requests
    under way at once, ``requests_per_minute`` and ``tokens_per_minute`` (prompt and output) those of a minute;
    ``timeout`` is in seconds from sending a request to the end of its reply; ``output_tokens`` bounds each answer
    more tightly than its call does, for servers with little room; ``extra`` goes into each request's body, such as
    ``{"reasoning_effort": "low"}``.
    """

    mode: AnswerMode = AnswerMode.JSON_SCHEMA
    reasks: int = 1
    concurrency: int = 8
    timeout: float = 600.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    output_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def limits(self) -> PaceLimits:
        """What no requests together exceed."""
        return PaceLimits(self.concurrency, self.timeout, self.requests_per_minute, self.tokens_per_minute)


class Model:
    """A language model behind an OpenAI-compatible server, or several that share its calls.

    A connection is open while a question is under way, or for as long as the model is used as an asynchronous
    context manager. One model can be used in one event loop after the other, not in two at once.
    ``usage`` is the sum of all that was asked, also of calls that failed.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: AskSettings | None = None,
        policy: RetryPolicy | None = None,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
    ) -> None:
        self.spec = spec
        self._settings = settings or AskSettings()
        self._mode = self._settings.mode
        self._line = Line(
            spec,
            policy or RetryPolicy(),
            Dialect.of(spec.kind),
            self._settings.limits,
            self._settings.extra,
            transport,
        )
        self._total = UsageTally()
        self._calls_before: dict[str, ServerCalls] = {}
        self._connection: Connection | None = None
        self._users = 0

    def __repr__(self) -> str:
        return f"Model({str(self.spec)!r})"

    @property
    def name(self) -> str:
        """What the server knows the model by."""
        return self.spec.name or "local"

    @property
    def usage(self) -> Usage:
        return self._total.usage

    @property
    def calls_by_server(self) -> dict[str, ServerCalls]:
        """What each server was sent, by its address, where there are several."""
        before = self._calls_before
        if self._connection is None:
            return before
        now = self._connection.calls_by_server
        return {server: before.get(server, ServerCalls()).plus(calls) for server, calls in now.items()}

    async def __aenter__(self) -> "Model":
        if self._connection is None:
            self._connection = Connection(self._line)
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._connection is not None:
            self._calls_before = self.calls_by_server
            connection, self._connection = self._connection, None
            await connection.close()

    async def put(self, questions: Sequence[Question], render: Render) -> Reply:
        """Put questions, in one call or in as many as the answers need.

        ``render`` makes the call for any part of the questions. The reply holds every item that is valid on its own,
        even if the answer as a whole is not; ``rejected`` says what was dropped, refused, or did not fit. No items and
        nothing rejected is an answer too: the reply model allowed that there is nothing to say.

        Raises ``AnswerRejected`` if no item at all could be used, ``ModelUnavailable`` if the server cannot be
        reached or does not take the request (both with the usage of the attempts), and ``CassetteMiss`` in a replay
        of something that was never recorded.
        """
        tally = UsageTally(parent=self._total)
        tally.add(Usage(questions=len(questions)))
        asker = current_asker()
        try:
            async with self:
                outcome = await self._ask(tuple(questions), render, tally)
        except BudgetReached:
            asker.lacking = True
            raise
        except ModelError as error:
            asker.lacking = True
            error.usage = tally.usage
            raise
        rejected = tuple(map(str, outcome.salvage.rejected))
        asker.pending |= outcome.pending
        asker.lacking |= bool(rejected or outcome.pending)
        asker.answers += _note_answers(questions, outcome.salvage.items, outcome.model)
        if rejected and not outcome.salvage.items and not outcome.pending:
            raise AnswerRejected(f"model {self.name}: {'; '.join(rejected)}", tally.usage)
        salvage, name = outcome.salvage, outcome.model or self.name
        return Reply(salvage.items, tally.usage, name, rejected, outcome.pending)

    async def _ask(self, questions: tuple[Question, ...], render: Render, tally: UsageTally) -> Outcome:
        """Ask; what was cut off or is too long for the model is asked again in two halves."""
        if not questions:
            return Outcome(Salvage(), "")
        try:
            outcome = await self._put(render(questions), tally)
        except RequestTooLong:
            if len(questions) == 1:
                raise
            outcome = Outcome(Salvage(), "", truncated=True)
        if not outcome.truncated or outcome.pending:
            return outcome
        left = tuple(q for q in questions if q.chunk.number not in outcome.salvage.numbers)
        if len(questions) == 1 and left:
            why = Rejection(left[0].chunk.number, "the answer did not fit into the output limit")
            return Outcome(replace(outcome.salvage, rejected=(why,)), outcome.model)
        return await self._ask_halves(left, outcome, render, tally)

    async def _ask_halves(
        self, left: tuple[Question, ...], outcome: Outcome, render: Render, tally: UsageTally
    ) -> Outcome:
        asked_again, model, pending = Salvage(), outcome.model, False
        middle = (len(left) + 1) // 2
        for half in (left[:middle], left[middle:]):
            answer = await self._ask(half, render, tally)
            asked_again, model = asked_again.joined_with(answer.salvage), answer.model or model
            pending = pending or answer.pending
        return Outcome(asked_again.completed_by(outcome.salvage), model, pending=pending)

    async def _put(self, call: Call, tally: UsageTally) -> Outcome:
        assert self._connection is not None, "put() holds the model open"
        settings = self._settings
        if settings.output_tokens is not None:
            call = replace(call, max_output_tokens=min(call.max_output_tokens, settings.output_tokens))
        while True:
            mode = self._mode
            try:
                return await put_call(self._connection, call, mode, settings.reasks, tally)
            except ModeRefused:
                if mode is _LAST_MODE:
                    raise
                if self._mode is mode:  # another call may have learnt it meanwhile
                    self._mode = list(AnswerMode)[list(AnswerMode).index(mode) + 1]


def _note_answers(questions: Sequence[Question], items: Sequence[BaseModel], model: str) -> list[NotedAnswer]:
    by_number = {question.chunk.number: question for question in questions}
    return [NotedAnswer(by_number[n], item, model) for item in items if (n := item_number(item)) in by_number]
