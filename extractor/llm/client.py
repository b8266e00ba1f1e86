"""The model client, which sends questions and returns valid items with their usage.

The path of a call: ``Model.complete`` -> the store -> the budget -> ``LiveModel`` (pace, retries, instructor, the
provider's SDK) -> the store -> its items, one by one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any, Protocol
from weakref import WeakValueDictionary

from extractor.errors import AnswerPending, AnswerRejected, BudgetReached, ModelError, ModelUnavailable, RequestTooLong
from extractor.schemas import Usage

from .completions import Completion, Ending
from .estimates import RequestSize, measure_call
from .failures import TOO_LONG, is_too_long
from .limits import RetryPolicy
from .patience import MOST_CALLS, Patience, Watch
from .providers import Reasoning
from .reply_models import is_listing
from .requests import Call, ModelReply, Question, Render
from .salvage import CallOutcome, RejectedItem, Salvage, item_number, read_items
from .session import NotedAnswer, UsageTally, current_session
from .spec import ModelSpec, hide_keys, name_model
from .store import CallStore, OpenStore, State

_CUT = "the answer did not fit into the output limit (finish reason length)"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of the client.

    ``reasoning`` is how much the model thinks, None for the default of its family; ``options`` are further parameters
    of each request. ``reasks`` is the number of re-asks after an answer that breaks its schema. ``concurrency`` limits
    the requests in flight, ``requests_per_minute`` and ``tokens_per_minute`` (prompt and output) the rate. ``timeout``
    is in seconds, from sending a request to the end of its reply. ``output_tokens`` lowers the output limit of each
    call. ``patience`` says when the model is given up; with None it never is. ``most_calls`` may be answered for the
    questions of one call, re-asks and halves included.
    """

    reasoning: Reasoning | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reasks: int = 1
    concurrency: int = 8
    timeout: float = 600.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    output_tokens: int | None = None
    patience: Patience | None = field(default_factory=Patience)
    most_calls: int = MOST_CALLS


class Meter(Protocol):
    """A budget, which decides whether a request may be sent."""

    async def reserve(self, size: RequestSize) -> int:
        """Wait for room, and reserve what a request may use. Raises ``BudgetReached`` if there will be no room."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""


class Answerer(Protocol):
    """Whatever answers a call: a live model, an earlier run, or, later, a batch that ``queues`` it."""

    queues: bool

    async def __call__(self, call: Call, most: int) -> tuple[Completion, int]:
        """The last answer with the usage of all, and their number, at most ``most``."""

    async def close(self) -> None:
        """Release what it holds."""


class Model:
    """A language model: it answers questions, through a store and within a budget.

    Use it as an asynchronous context manager to keep connections open between calls. It works in several event loops
    one after another, but not in two at once. ``watch`` says what it waits for. ``answerer`` opens whatever answers
    (default: the provider's live model), ``store`` opens the store of calls, and ``meter`` is the budget that each
    call must fit.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings | None = None,
        policy: RetryPolicy | None = None,
        *,
        answerer: Callable[[], Answerer] | None = None,
        store: OpenStore | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.spec = spec
        self._settings, policy = settings or ClientSettings(), policy or RetryPolicy()
        self.watch = Watch(self._settings.patience, name_model(spec), partial(hide_keys, key=spec.api_key))
        self._policy = replace(policy, sleep=self.watch.pausing(policy.sleep))
        self._make, self._open_store, self._meter = answerer or self._open_live, store, meter
        self._store: CallStore | None = None
        self._total = UsageTally()
        self._users = 0
        self._answerer: Answerer | None = None
        self._asked: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"Model({str(self.spec)!r})"

    @property
    def name(self) -> str:
        """The provider's name for the model."""
        return self.spec.name

    @property
    def usage(self) -> Usage:
        """The sum over all calls, including failed ones."""
        return self._total.usage

    async def __aenter__(self) -> "Model":
        if self._answerer is None:
            self._answerer = self._make()
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._answerer is not None:
            answerer, self._answerer = self._answerer, None
            await answerer.close()

    async def complete(self, questions: Sequence[Question], render: Render) -> ModelReply:
        """Ask questions, in one call or in as many as the answers need.

        ``render`` makes the call for any subset of the questions. The reply holds every item that is valid on its own;
        ``rejected`` lists the reasons for dropped ones. A reply without items and rejections is a valid, empty answer.

        Raises ``AnswerRejected`` if no item could be used, ``ModelUnavailable`` if the provider cannot be reached or
        refuses the call, ``ModelAway`` if it is given up (all with the usage of the attempts), ``BudgetReached`` if
        the meter refuses, and ``CassetteMiss`` if a replay has no answer to the call.
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
        """Ask, in at most ``most`` answered calls. What is cut off or too long for the model is asked in two halves.

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
        """One call: a stored answer, or a new one, and what can be used of it."""
        if self._settings.output_tokens is not None:
            call = replace(call, max_output_tokens=min(call.max_output_tokens, self._settings.output_tokens))
        if self._open_store and self._store is None:
            self._store = self._open_store()
        try:
            async with self._asked.setdefault(call.key_for(self.name), asyncio.Lock()):  # equal calls share an answer
                if completion := self._find(call, tally):
                    return _use(completion, read_items(completion, call), 0)  # what is stored costs nothing now
                return await self._send(call, tally, most)
        except AnswerPending:
            return CallOutcome(Salvage(), "", pending=True)

    def _find(self, call: Call, tally: UsageTally) -> Completion | None:
        """A stored answer. Raises ``AnswerPending`` if it will come by a batch."""
        assert self._answerer is not None, "complete() holds the model open"
        kept = self._store.find(call, self.name) if self._store else None
        if kept is None or (kept.completion is None and not self._answerer.queues):
            return None
        if kept.state is State.REFUSED:
            kind = RequestTooLong if is_too_long(kept.why) else ModelUnavailable
            raise kind(f"{name_model(self.spec)}: a batch refused this call: {kept.why}", lasting=False)
        if kept.completion is None:
            raise AnswerPending("the answer has not arrived yet")
        tally.add(kept.completion.usage, spent=False)
        return kept.completion

    async def _send(self, call: Call, tally: UsageTally, most: int) -> CallOutcome:
        """A new answer, within the budget. The call is stored before it is sent."""
        assert self._answerer is not None
        reservation = await self._meter.reserve(measure_call(call)) if self._meter else 0
        number = self._store.begin(call, self.name, current_session().record_id) if self._store else 0
        spent = Usage()
        try:
            completion, calls = await self._answerer(call, most)
            spent = completion.usage
        except AnswerPending:
            if self._store and self._answerer.queues:
                self._store.end(number, State.WAITING)
            elif self._store:
                self._store.withdraw(number)
            raise
        except BaseException as error:  # also a cancellation
            spent = getattr(error, "usage", None) or Usage()
            if self._store:
                self._store.charge(number, spent, TOO_LONG if isinstance(error, RequestTooLong) else "")
            raise
        finally:
            tally.add(spent)
            if self._meter:
                self._meter.charge(reservation, spent)
        salvage = read_items(completion, call)
        if self._store:
            self._store.end(number, _judge(call, completion, salvage), completion)
        return _use(completion, salvage, calls)

    def _open_live(self) -> Answerer:
        from .live import LiveModel  # noqa: PLC0415 - slow

        return LiveModel(self.spec, self._settings, self._policy, self.watch)


def _judge(call: Call, completion: Completion, salvage: Salvage) -> State:
    if completion.ending is Ending.CUT:  # what cannot be halved is asked again in the next run
        return State.CUT if len(call.questions) > 1 or salvage.items else State.REJECTED
    return State.ANSWERED if salvage.items or not salvage.rejected else State.REJECTED


def _use(completion: Completion, salvage: Salvage, calls: int) -> CallOutcome:
    return CallOutcome(salvage, completion.model, truncated=completion.ending is Ending.CUT, calls=calls)


def _find_problem(outcome: CallOutcome, questions: Sequence[Question]) -> str | None:
    """Why an answer is of no use; None if it is of use, be it empty because the text states nothing."""
    if outcome.salvage.items:
        return None
    if outcome.salvage.rejected:
        return "; ".join(dict.fromkeys(rejection.reason for rejection in outcome.salvage.rejected))
    return None if all(map(is_listing, questions)) else "the answers are empty"
