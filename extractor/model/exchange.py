"""Calls and answers in files, in OpenAI's batch format."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from os import truncate
from pathlib import Path

from extractor.errors import (
    AnswerPending,
    AnswerRejected,
    ArgumentError,
    BudgetReached,
    naming_file,
)
from extractor.model.batch_apis import AnswerLine, read_lines, write_line
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Meter
from extractor.model.request_form import RequestForm
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import State, judge_call


class Exchange:
    """The answer files to read, and the file to which unanswered ``requests`` are written.

    The first usable answer to a call is used, also instead of one that an earlier run in the same
    folder has stored. Every other line of the call counts as paid, unless it shows the opposite.
    Answers count however low the spending limit is, because they have been paid for, and then
    requests are written as far as their maximum cost fits into the limit.
    ``failed`` contains the lines without an answer as ``file, line: reason``, unless another line
    answers the same call, keyed by the name of the request or, if there is none, the location.
    Raises ``ArgumentError`` if an answer file does not exist, or if the requests would overwrite an
    answer file.

    ``is_saved`` is True when the request file has been written, and ``is_matched`` when a call has
    been found to which a line may be a paid answer.
    """

    def __init__(
        self, answers: Sequence[Path] = (), requests: Path | None = None
    ) -> None:
        if requests and requests.resolve() in [path.resolve() for path in answers]:
            remedy = "choose another file for the requests"
            raise ArgumentError(f"{requests} contains answers; {remedy}")
        self.requests = requests
        self.is_saved = False
        self.is_matched = False
        self._written: set[str] = set()
        self._ends: list[tuple[float, int]] = []
        """The maximum cost of each written request, and the offset at which its line ends."""
        # by the key of the call: the line that answers it, or that may be an unreadable answer, and
        # all lines that may be paid, by their digest, until they are used or counted
        self._answers: dict[str, AnswerLine] = {}
        self._paid = defaultdict[str, dict[str, AnswerLine]](dict)
        self._write: Callable[[Call], object] = lambda _: None
        self.failed: dict[str, str] = {}
        for path in answers:
            if not path.is_file():
                raise ArgumentError(f"{path}: there is no such file")
            self._read(path)
        for name, lines in self._paid.items():
            # of equally good ones, the first
            used = min(lines.values(), key=_rank)
            if not used.has_failed:
                self._answers[name] = used
            if used.completion:
                self.failed.pop(name, None)

    def _read(self, path: Path) -> None:
        """Keep the lines of an answer file that may be paid answers, and the lines without one."""
        with path.open("rb") as file:
            for number, line in read_lines(file):
                if line.completion is None:
                    place = f"{path}, line {number}"
                    self.failed[line.name or place] = f"{place}: {line.problem}"
                if line.name and not line.is_free:
                    self._paid[line.name].setdefault(line.sha256, line)

    @property
    def written(self) -> int:
        """The number of requests in the file."""
        return len(self._ends)

    def __str__(self) -> str:
        """Return the text that represents the model in a run's settings. It does not name the
        files, because a run can continue with other answer files.
        """
        return "answers by file"

    def is_usable(self, call: Call) -> bool:
        """Return True if the files contain a usable answer to a call."""
        line = self._answers.get(call.question_key)
        if line and line.completion:
            return judge_call(line.completion) is State.ANSWERED
        return False

    def answer(self, call: Call) -> Completion:
        """Return the answer from the files, or write the call, unless it is written already, and
        raise ``AnswerPending``. Raises ``AnswerRejected`` if the answer cannot be read, because it
        may have been paid for.
        """
        name = call.question_key
        line = self._answers.get(name)
        if line and line.completion:
            self._paid[name].pop(line.sha256, None)
            return replace(line.completion, line=line.sha256)
        if line:
            raise AnswerRejected(line.problem)
        if name not in self._written:
            self._written.add(name)
            self._write(call)
        raise AnswerPending("the answer is not in the files")

    def list_unused(self, call: Call) -> Iterable[AnswerLine]:
        """Return the lines that may be paid answers to a call but were not used, once."""
        name = call.question_key
        self.is_matched |= name in self._paid
        return self._paid.pop(name, {}).values()

    @contextmanager
    def open(
        self, spec: ModelSpec, settings: ClientSettings, meter: Meter | None = None
    ) -> Iterator["Exchange"]:
        """Answer calls inside the block, and write the unanswered calls. The request file is
        created, or replaced, when the block ends without an error.

        Raises ``ArgumentError`` if requests are to be written but the provider does not support
        batch files, ``BudgetReached`` if only the first requests fit into the limit, and
        ``StoreError`` if the file cannot be written.
        """
        budget = meter if isinstance(meter, Budget) else Budget()
        limit = budget.max_usd
        # answers in files are paid already, so they count whatever the limit is
        budget.change_limit(None)
        path = self.requests
        if not path:
            yield self
            return
        spec.check_batches()
        form = RequestForm(spec, settings)
        unfinished = path.with_name(f".{path.name}.unfinished")

        def write(call: Call) -> None:
            line = write_line(call.question_key, form.write(call))
            # closed here, so that a full disk ends the run now
            with naming_file(path), unfinished.open("ab") as file:
                file.write(line)
            end = unfinished.stat().st_size
            self._ends.append((budget.price_most(call), end))

        with naming_file(path):
            unfinished.unlink(missing_ok=True)  # of a killed process
            unfinished.touch(exist_ok=False)  # does not follow links
        self._write = write
        try:
            yield self
            budget.change_limit(limit)
            truncate(unfinished, self._find_end(budget))
            unfinished.replace(path)
            self.is_saved = True
        finally:
            unfinished.unlink(missing_ok=True)
        if budget.reached:
            raise BudgetReached(str(budget))

    def _find_end(self, budget: Budget) -> int:
        """Return the offset at which the last written request that fits into the limit ends."""
        fitting = takewhile(lambda end: budget.spend(end[0]), self._ends)
        self._ends = list(fitting)
        return max((end for _, end in self._ends), default=0)


def _rank(line: AnswerLine) -> int:
    """Return the lowest number for a usable answer, a higher one for a truncated answer, then for
    any other, for a line without a readable answer, and for an error.
    """
    if line.completion is None:
        return len(State) + line.has_failed
    # in the order in which the states are declared
    return list(State).index(judge_call(line.completion))
