"""The model client, which sends questions and returns valid items with their usage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx2

from extractor.errors import AnswerRejected, BudgetReached, ModelError, ModeRefused, RequestTooLong
from extractor.schemas import Usage

from .cache import OpenReplies
from .limits import UNCONNECTED, RequestLimits, RetryPolicy
from .patience import MOST_CALLS, Patience, Watch
from .reply_models import is_listing
from .requests import AnswerMode, Call, ModelReply, Question, Render
from .salvage import CallOutcome, RejectedItem, Salvage, item_number
from .spec import ModelSpec, hide_keys, name_model
from .trace import NotedAnswer, UsageTally, current_session
from .transport import CallTransport, Meter, NetworkTransport, asks_too_long

if TYPE_CHECKING:
    import openai

    from .structured import Sampling, StructuredClient

_CUT = "the answer did not fit into the output limit (finish reason length)"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of the client.

    ``mode`` is the first way to send the reply's schema; a server that refuses it gets the next one. ``reasks`` is the
    number of re-asks after an answer that breaks its schema. ``concurrency`` limits the requests in flight,
    ``requests_per_minute`` and ``tokens_per_minute`` (prompt and output) the rate. ``timeout`` is in seconds, from
    sending a request to the end of its reply. ``output_tokens`` lowers the output limit of each call. ``extra`` is
    added to each request's body, such as ``{"reasoning_effort": "low"}``. ``patience`` says when the model is given up;
    with None it never is. ``most_calls`` may be answered for the questions of one call, re-asks and halves included.
    """

    mode: AnswerMode = AnswerMode.JSON_SCHEMA
    reasks: int = 1
    concurrency: int = 8
    timeout: float = 600.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    output_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    patience: Patience | None = field(default_factory=Patience)
    most_calls: int = MOST_CALLS


class Model:
    """A language model behind an OpenAI-compatible server.

    Use it as an asynchronous context manager to keep connections open between calls. It works in several event loops
    one after another, but not in two at once. ``watch`` says what it waits for. ``transport`` makes the transport to
    the server (default: the network), ``replies`` opens the store of replies, and ``meter`` is the budget that each
    request must fit.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings | None = None,
        policy: RetryPolicy | None = None,
        transport: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        *,
        replies: OpenReplies | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.spec = spec
        self._settings, policy = settings or ClientSettings(), policy or RetryPolicy()
        self.watch = Watch(self._settings.patience, name_model(spec), partial(hide_keys, key=spec.api_key))
        self._policy = replace(policy, sleep=self.watch.pausing(policy.sleep))
        self._mode = self._settings.mode
        self._sampling: Sampling | None = None
        self._transport, self._replies, self._meter = transport or NetworkTransport, replies, meter
        self._total = UsageTally()
        self._users = 0
        self._limits: RequestLimits | None = None
        self._sdk: openai.AsyncOpenAI | None = None
        self._client: StructuredClient | None = None

    def __repr__(self) -> str:
        return f"Model({str(self.spec)!r})"

    @property
    def name(self) -> str:
        """The server's name for the model."""
        return self.spec.name

    @property
    def usage(self) -> Usage:
        """The sum over all calls, including failed ones."""
        return self._total.usage

    async def __aenter__(self) -> "Model":
        if self._sdk is None:
            self._open()
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._sdk is not None:
            sdk, self._sdk = self._sdk, None
            await sdk.close()

    async def complete(self, questions: Sequence[Question], render: Render) -> ModelReply:
        """Ask questions, in one call or in as many as the answers need.

        ``render`` makes the call for any subset of the questions. The reply holds every item that is valid on its own;
        ``rejected`` lists the reasons for dropped ones. A reply without items and rejections is a valid, empty answer.

        Raises ``AnswerRejected`` if no item could be used, ``ModelUnavailable`` if the server cannot be reached or
        refuses the request, ``ModelAway`` if it is given up (all with the usage of the attempts), ``BudgetReached`` if
        the meter refuses, and ``CassetteMiss`` if a replay has no recording of the request.
        """
        tally = UsageTally(parent=self._total)
        tally.add(Usage(questions=len(questions)))
        session = current_session()
        try:
            async with self, self.watch.calling():
                outcome = await self._ask(tuple(questions), render, tally, self._settings.most_calls)
            if not outcome.pending:
                self.watch.note_call(_find_problem(outcome, questions))
        except BudgetReached:
            session.lacking = True
            raise
        except ModelError as error:
            session.lacking = True
            error.usage = tally.usage
            raise
        rejected = tuple(map(str, outcome.salvage.rejected))
        session.pending |= outcome.pending
        session.lacking |= bool(rejected or outcome.pending)
        by_number = {question.chunk.number: question for question in questions}
        session.answers += (
            NotedAnswer(by_number[number], item, outcome.model)
            for item in outcome.salvage.items
            if (number := item_number(item)) in by_number
        )
        if rejected and not outcome.salvage.items and not outcome.pending:
            raise AnswerRejected(f"model {self.name}: {'; '.join(rejected)}", tally.usage)
        return ModelReply(outcome.salvage.items, tally.usage, outcome.model or self.name, rejected, outcome.pending)

    async def _ask(self, questions: tuple[Question, ...], render: Render, tally: UsageTally, most: int) -> CallOutcome:
        """Ask, in at most ``most`` answered calls. What is truncated or too long for the model is asked in two halves.

        Each half of what is too long may take as many calls, since it was refused before it cost anything.
        """
        if not questions:
            return CallOutcome(Salvage(), "")
        too_long = False
        try:
            outcome = await self._call(render(questions), tally, most)
        except RequestTooLong:
            if len(questions) == 1:
                raise
            outcome, too_long = CallOutcome(Salvage(), "", truncated=True), True
        if not outcome.truncated or outcome.pending:
            return outcome
        left = tuple(q for q in questions if q.chunk.number not in outcome.salvage.numbers)
        middle = (len(left) + 1) // 2
        again, model, pending, calls = Salvage(), outcome.model, False, outcome.calls
        for half, reserved in ((left[:middle], int(middle < len(left))), (left[middle:], 0)):
            room = most if too_long else most - calls - reserved
            if len(questions) > 1 and room > 0:
                answer = await self._ask(half, render, tally, room)
            else:
                answer = CallOutcome(Salvage(rejected=tuple(RejectedItem(q.chunk.number, _CUT) for q in half)), "")
            again, model = again.joined_with(answer.salvage), answer.model or model
            pending, calls = pending or answer.pending, calls + answer.calls
        return CallOutcome(again.completed_by(outcome.salvage), model, pending=pending, calls=calls)

    async def _call(self, call: Call, tally: UsageTally, most: int) -> CallOutcome:
        """One call with its re-asks, at most ``most`` in all, in the first mode that the server accepts."""
        assert self._client is not None, "complete() holds the model open"
        settings, modes = self._settings, list(AnswerMode)
        if settings.output_tokens is not None:
            call = replace(call, max_output_tokens=min(call.max_output_tokens, settings.output_tokens))
        while True:
            mode = self._mode
            try:
                return await self._client.complete(call, mode, min(settings.reasks, most - 1), tally)
            except ModeRefused:
                if mode is modes[-1]:
                    raise
                if self._mode is mode:  # another call may have changed it meanwhile
                    self._mode = modes[modes.index(mode) + 1]

    def _open(self) -> None:
        from .sdk import open_sdk  # noqa: PLC0415 - slow
        from .structured import Sampling, StructuredClient  # noqa: PLC0415 - slow

        spec, settings = self.spec, self._settings
        limits = RequestLimits(
            self._policy, settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute
        )
        transport = CallTransport(
            self._transport(), limits, self._policy, settings.timeout, self._replies, self._meter, self.watch
        )
        self._limits, self._sdk = limits, open_sdk(spec, transport, settings.timeout)
        self._sampling = self._sampling or Sampling.of(spec)
        self._client = StructuredClient(self._sdk, spec, self._explain, self._sampling, settings.extra)

    def _explain(self, error: "openai.APIError", attempts: int) -> Exception:
        """Turn the SDK's error into one with a message for users."""
        from .sdk import explain_failure  # noqa: PLC0415 - slow

        assert self._limits is not None
        response = getattr(error, "response", None)
        never_there = not self._limits.was_reached and isinstance(error.__cause__, UNCONNECTED)
        away = never_there or (response is not None and asks_too_long(response.headers, self._policy))
        return explain_failure(error, self.spec, attempts, away=away)


def _find_problem(outcome: CallOutcome, questions: Sequence[Question]) -> str | None:
    """Why an answer is of no use; None if it is of use, be it empty because the text states nothing."""
    if outcome.salvage.items:
        return None
    if outcome.salvage.rejected:
        return "; ".join(dict.fromkeys(rejection.reason for rejection in outcome.salvage.rejected))
    return None if all(map(is_listing, questions)) else "the answers are empty"
