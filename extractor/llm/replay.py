"""Answer calls from the store of an earlier run, without a model and without the network."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from extractor.errors import AnswerMissing, AnswerPending, ModelUnavailable, RequestTooLong

from .calls import Call, estimate_tokens
from .completions import Completion
from .failures import is_too_long
from .metering import Requests
from .store import CallStore, State

_SHOWN_LINES, _SHOWN_WIDTH = 24, 160


@dataclass(slots=True)
class ReplayTally:
    """The numbers of stored answers that were used and of calls without one, and the prompt tokens of the latter."""

    answered: int = 0
    missing: int = 0
    missing_tokens: int = 0


class Replay:
    """Answers from a run's store: each question gets the run's answer, of whatever model.

    Calls that failed in the run fail again. Raises ``AnswerMissing`` for an unknown call. With a ``tally``, unknown
    calls are counted and stay open (``AnswerPending``).
    """

    queues = False

    def __init__(self, store: CallStore, tally: ReplayTally | None = None) -> None:
        self._store, self._tally = store, tally

    async def __call__(self, call: Call, most: int, requests: Requests) -> tuple[Completion, int]:  # noqa: ARG002 - it sends none
        kept = self._store.recall(call.question_key)
        if kept and kept.completion and kept.state is not State.ASKED:
            if self._tally:
                self._tally.answered += kept.completion.usage.calls
            return kept.completion, kept.completion.usage.calls
        if kept and is_too_long(kept.why):
            raise RequestTooLong("the model of the run found this call too long", lasting=False)
        if self._tally:
            self._tally.missing += 1
            self._tally.missing_tokens += estimate_tokens(call.system + call.user)
            raise AnswerPending("the answer is not in the run's store")
        if kept is None:
            raise AnswerMissing(describe_miss(call.user, self._store.texts_of(call.record_id)))
        raise ModelUnavailable("the run got no reply to this call", lasting=False)

    async def close(self) -> None:
        """Nothing to close: the caller closes the store."""


def describe_miss(wanted: str, stored: Mapping[str, str]) -> str:
    """Show the stored question nearest to ``wanted``, and how they differ. ``stored`` are texts by name.

    >>> print(describe_miss("two", {"a": "one"}))
    no answer to this call in the run's store; nearest is a:
    --- a
    +++ this call
    -one
    +two
    ask again with --model, or replay with the prompts and settings of the run
    """
    remedy = "ask again with --model, or replay with the prompts and settings of the run"
    if not stored:
        return f"no answer to this call in the run's store, which is empty; {remedy}"
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted.splitlines())  # the matcher caches its index of the second sequence

    def similarity(name: str) -> float:
        matcher.set_seq1(stored[name].splitlines())
        return matcher.ratio()

    name = max(sorted(stored), key=similarity)
    lines = difflib.unified_diff(stored[name].splitlines(), wanted.splitlines(), name, "this call", n=0, lineterm="")
    shown = [line[:_SHOWN_WIDTH] for line in lines if not line.startswith("@@")]
    shown = shown or ["only the definitions or the schema differ"]
    more = [f"... {len(shown) - _SHOWN_LINES} more lines differ"] if len(shown) > _SHOWN_LINES else []
    headline = f"no answer to this call in the run's store; nearest is {name}:"
    return "\n".join([headline, *shown[:_SHOWN_LINES], *more, remedy])
