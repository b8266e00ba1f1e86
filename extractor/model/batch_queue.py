"""Calls that wait for a batch, and the place in the budget that each of them keeps."""

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_book import BatchBook
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget
from extractor.schemas import Usage


class BatchQueue:
    """Reserves the most that each waiting call may cost, also of calls that an earlier command has
    left waiting. Calls that a batch refused earlier are asked again.

    ``has_refused`` is true if the budget had no room for a call.
    """

    def __init__(self, book: BatchBook, budget: Budget) -> None:
        book.forgive()
        self.has_refused = False
        self._store = book.store
        self._budget = budget
        self._reserved = {
            call.question_key: budget.set_aside(call) for _, call in book.waiting()
        }

    def answer(self, call: Call) -> Completion:
        """Take a call for the next batch. Raises ``AnswerPending``, or ``BudgetReached`` if the
        budget has no room for it.
        """
        if call.question_key not in self._reserved:
            reservation = self._budget.try_reserve(call)
            if reservation is None:
                self.has_refused = True
                raise BudgetReached(str(self._budget))
            self._reserved[call.question_key] = reservation
        raise AnswerPending("the answer has not arrived yet")

    def settle(self, name: str, number: int, usage: Usage | None) -> None:
        """Release the place of a call, and count what it has cost: the most, which is stored too,
        if nothing states it (None).
        """
        reservation = self._reserved.pop(name)
        if usage is None:
            self._store.send(number, reservation.most)
        self._budget.settle(reservation, usage)
