"""Calls that wait for a provider's batch, and the budget that holds a place for each of them."""

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_book import BatchBook, WaitingCall
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Reservation
from extractor.model.store import State
from extractor.schemas import Usage


class BatchQueue:
    """Takes calls for the next batch: raises ``AnswerPending``, or ``BudgetReached`` if the
    budget has no room.

    The calls that wait in ``book``, for a batch to come or for one that is under way, get their
    place in the ``budget`` first. Calls that the provider refused earlier are asked again.
    """

    def __init__(self, book: BatchBook, budget: Budget | None = None) -> None:
        self._book = book
        self._budget = budget
        self._has_refused = False
        book.forgive()
        self._reserved: dict[str, Reservation] = {}
        if budget is None:
            return
        # None has the calls that wait for a batch
        batches = [None, *(batch.number for batch in book.open_batches())]
        for batch in batches:
            for waiting in book.waiting(batch):
                self._reserved[waiting.name] = budget.set_aside(waiting.call)

    def answer(self, call: Call) -> Completion:
        """Hold a place in the budget for a call, if it has none yet. Always raises: that the answer
        comes later, or that there is no room.
        """
        if self._budget and call.question_key not in self._reserved:
            # The first call of all is asked live, which costs up to twice as much as in a batch.
            times = 1 if self._reserved else 2
            reservation = self._budget.try_reserve(call, times)
            if reservation is None:
                self._has_refused = True
                raise BudgetReached("the budget has no room for another request")
            self._reserved[call.question_key] = reservation
        raise AnswerPending("the answer has not arrived yet")

    def reservation_of(self, name: str) -> Reservation | None:
        """Return what a waiting call of this name may use, or None without a budget."""
        return self._reserved.get(name)

    def lose(self, waiting: WaitingCall) -> None:
        """Count the answer to a waiting call as lost, in the store and in the budget: it may have
        been paid for, and the call is asked again.
        """
        reservation = self._reserved.get(waiting.name)
        most = Usage()
        if reservation:
            most = reservation.most
        self._book.store.send(waiting.number, most)
        if self._budget and reservation:
            self._budget.settle(reservation, None)
            self._reserved[waiting.name] = self._budget.set_aside(waiting.call)

    def settle(self) -> None:
        """Charge the budget with what the answers that arrived have cost, which may leave room for
        calls that were refused. An answer without usage counts at its highest cost. Calls that
        still wait keep their places.
        """
        self._has_refused = False
        if self._budget is None:
            return
        for name in list(self._reserved):
            stored = self._book.store.recall(name)
            if stored is None or stored.state is State.WAITING:
                continue
            reservation = self._reserved.pop(name)
            usage: Usage | None = Usage()
            if stored.completion:
                usage = stored.completion.usage
            if self._book.store.is_uncounted(stored.number):
                usage = None
            self._budget.settle(reservation, usage)

    def check(self) -> None:
        """Raise ``BudgetReached`` if there was no room for a call of the last round."""
        if self._has_refused:
            raise BudgetReached(str(self._budget))
