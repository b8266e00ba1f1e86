"""What a budget is told of the requests of one call: nothing twice, nothing never."""

import pytest

from extractor.errors import BudgetReached
from extractor.llm.client import Model
from extractor.llm.metering import Reservation
from extractor.llm.pace import RetryPolicy
from extractor.llm.spec import ClientSettings, ModelSpec
from extractor.schemas import Usage
from tests.skipping import loop_time, skipping_time

from .colours import ask_about, render
from .stub import InLoop, completion, fault, items, through

RED, BLUE = items({"n": 1, "colour": "red"}), items({"n": 1, "colour": "blue"})
"""A valid answer, and one that breaks its schema."""


class Book:
    """A budget with room for some reservations, which notes what it is told."""

    def __init__(self, room):
        self.room, self.open, self.tokens = room, set(), 0

    async def reserve(self, call):
        self.room -= 1
        if self.room < 0:
            raise BudgetReached("spent")
        reservation = Reservation(Usage(output_tokens=1000))
        self.open.add(reservation)
        return reservation

    def allows(self, reservation):
        return True

    def lose(self, reservation):
        self.tokens += reservation.most.output_tokens

    def charge(self, reservation, usage):
        self.open.remove(reservation)
        self.tokens += usage.output_tokens


async def ask(book, *script):
    """Ask once; each answer has 5 tokens of output."""
    server, policy = InLoop(*script), RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    spec = ModelSpec.parse("http://model.test/v1#stub")
    model = Model(spec, ClientSettings(patience=None), policy, meter=book, answerer=lambda: opened)
    opened = through(server, model._open_live())
    await model.complete(render(ask_about(1)))


@skipping_time
async def test_an_answer_before_a_fault_and_one_after_it_are_counted_once_each():
    book = Book(room=2)
    await ask(book, completion(BLUE), fault(503), completion(RED))
    assert (book.tokens, book.open) == (10, set())


@skipping_time
async def test_an_answer_counts_though_there_is_no_room_for_the_repeat():
    book = Book(room=1)
    with pytest.raises(BudgetReached):
        await ask(book, completion(BLUE), fault(503), completion(RED))
    assert (book.tokens, book.open) == (5, set())
