"""Asks a model questions in one call, or in as many as the answers need, and reads the answers item by item."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from extractor.errors import AnswerPending, AnswerRejected, BudgetReached, ModelError, RequestTooLong
from extractor.llm.client import Model
from extractor.llm.completions import Ending
from extractor.schemas import Usage

from .questions import ModelReply, Question, Render
from .reply_models import is_listing
from .salvage import RejectedItem, Salvage, item_number, read_items
from .session import NotedAnswer, current_session

_CUT = "the answer did not fit into the output limit (finish reason length)"
_SILENT = "the output limit was reached before the answer began (finish reason length); lower --reasoning"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of some questions, in so many answered ``calls``."""

    salvage: Salvage = field(default_factory=Salvage)
    model: str = ""
    pending: bool = False
    calls: int = 0


async def ask(model: Model, questions: Sequence[Question], render: Render) -> ModelReply:
    """Ask questions. ``render`` makes the call for any subset of them.

    The reply holds every item that is valid on its own; ``rejected`` lists the reasons for dropped ones. A reply
    without items and rejections is a valid, empty answer. The session of the record gets all of it.

    Raises ``AnswerRejected`` if no item could be used, and the errors of ``Model.complete``, all with the usage of the
    attempts.
    """
    asking, session = _Asking(model, render, Usage(questions=len(questions))), current_session()
    try:
        async with model, model.watch.calling():
            outcome = await asking.ask(tuple(questions), model.most_calls)
            if not outcome.pending:
                model.watch.note_call(_find_problem(outcome.salvage, questions))
    except (BudgetReached, ModelError) as error:
        session.lacking = True
        if isinstance(error, ModelError):
            error.usage = asking.usage
        raise
    salvage, rejected = outcome.salvage, tuple(map(str, outcome.salvage.rejected))
    session.pending |= outcome.pending
    session.lacking |= bool(rejected or outcome.pending)
    by_number = {question.chunk.number: question for question in questions}
    session.answers += (
        NotedAnswer(by_number[number], item, outcome.model)
        for item in salvage.items
        if (number := item_number(item)) in by_number
    )
    if rejected and not salvage.items and not outcome.pending:
        raise AnswerRejected(f"model {model.name}: {'; '.join(rejected)}", asking.usage)
    return ModelReply(salvage.items, asking.usage, outcome.model or model.name, rejected, outcome.pending)


@dataclass(slots=True)
class _Asking:
    """The calls for some questions, and their usage so far."""

    model: Model
    render: Render
    usage: Usage

    async def ask(self, questions: tuple[Question, ...], most: int) -> _Outcome:
        """Ask, in at most ``most`` answered calls. What is cut off or too long for the model is asked in two halves.

        Each half of what is too long may take as many calls, since it was refused before it cost anything.
        """
        if not questions:
            return _Outcome()
        is_cut = too_long = False
        try:
            outcome, is_cut = await self._call(questions, most)
        except AnswerPending:
            return _Outcome(pending=True)
        except RequestTooLong:
            if len(questions) == 1:
                raise
            outcome, too_long = _Outcome(), True
        if not is_cut and not too_long:
            return outcome
        left = tuple(q for q in questions if q.chunk.number not in outcome.salvage.numbers)
        middle = (len(left) + 1) // 2
        again, model, pending, calls = Salvage(), outcome.model, False, outcome.calls
        for half, reserved in ((left[:middle], int(middle < len(left))), (left[middle:], 0)):
            room = most if too_long else most - calls - reserved
            if len(questions) > 1 and room > 0:
                answer = await self.ask(half, room)
            else:
                answer = _Outcome(Salvage(rejected=tuple(RejectedItem(q.chunk.number, _CUT) for q in half)))
            again, model = again.joined_with(answer.salvage), answer.model or model
            pending, calls = pending or answer.pending, calls + answer.calls
        return _Outcome(again.completed_by(outcome.salvage), model, pending, calls)

    async def _call(self, questions: tuple[Question, ...], most: int) -> tuple[_Outcome, bool]:
        """One call, what can be used of its answer, and whether the output limit cut that off."""
        call = self.render(questions)
        try:
            answer = await self.model.complete(call, most)
        except BaseException as error:  # also a cancellation
            self.usage += getattr(error, "usage", None) or Usage()
            raise
        self.usage += answer.completion.usage
        salvage, is_cut = read_items(answer.completion, call, questions), answer.completion.ending is Ending.CUT
        if is_cut and not answer.completion.text.strip():  # fewer questions would take as many thoughts
            salvage, is_cut = Salvage(rejected=(RejectedItem(None, _SILENT),)), False
        # A stored one was useless before; a batch would ask without end.
        if answer.calls and not salvage.items and (is_cut or salvage.rejected):
            self.model.reject(answer)
        return _Outcome(salvage, answer.completion.model, calls=answer.calls), is_cut


def _find_problem(salvage: Salvage, questions: Sequence[Question]) -> str | None:
    """Why an answer is of no use; None if it is of use, be it empty because the text states nothing."""
    if salvage.items:
        return None
    if salvage.rejected:
        return "; ".join(dict.fromkeys(rejection.reason for rejection in salvage.rejected))
    return None if all(map(is_listing, questions)) else "the answers are empty"
