"""Calls and answers in files, in OpenAI's batch format."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import truncate
from pathlib import Path

from extractor.errors import AnswerPending, ArgumentError, BudgetReached, naming_file
from extractor.model.batch_apis import AnswerLine, read_lines, write_line
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Meter
from extractor.model.request_form import RequestForm
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import State, judge

_BEST_FIRST = (State.ANSWERED, State.CUT, State.REJECTED)


class Exchange:
    """The answer files to read, and the file to which unanswered ``requests`` are written.

    The first usable answer to a call is used. Every other line of the call counts as paid, unless
    it shows the opposite. Answers count however low the spending limit is, because they have been
    paid for, and then requests are written as far as their maximum cost fits into the limit.
    ``failed`` lists the lines without an answer as ``file, line: reason``, unless another line
    answers the same call. Raises ``ArgumentError`` if an answer file does not exist, or if the
    requests would overwrite an answer file.

    ``is_saved`` is True when the request file has been written.
    """

    def __init__(
        self, answers: Sequence[Path] = (), requests: Path | None = None
    ) -> None:
        if requests and requests.resolve() in [path.resolve() for path in answers]:
            remedy = "choose another file for the requests"
            raise ArgumentError(f"{requests} contains answers; {remedy}")
        self.requests = requests
        self.is_saved = False
        self._written: set[str] = set()
        self._ends: list[tuple[float, int]] = []
        """The maximum cost of each written request, and the offset at which its line ends."""
        # by the key of the call: the line that answers it, and the other lines that may be paid, by
        # their digest
        self._answers: dict[str, AnswerLine] = {}
        self._paid = defaultdict[str, dict[str, AnswerLine]](dict)
        self._write: Callable[[Call], object] = lambda _: None
        failed: dict[str, str] = {}
        for path in answers:
            if not path.is_file():
                raise ArgumentError(f"{path}: there is no such file")
            failed |= self._read(path)
        for name, lines in self._paid.items():
            # of equally good ones, the first
            used = min(lines.values(), key=_rank)
            if used.completion:
                self._answers[name] = used
                del lines[used.sha256]
        self.failed = [failed[name] for name in failed if name not in self._answers]

    def _read(self, path: Path) -> dict[str, str]:
        """Keep the lines of an answer file that may be paid answers. Return the problem of each
        line without an answer, keyed by the name of the request or, if there is none, the location.
        """
        failed = {}
        with path.open("rb") as file:
            for number, line in read_lines(file):
                if line.completion is None:
                    place = f"{path}, line {number}"
                    failed[line.name or place] = f"{place}: {line.problem}"
                if line.name and not line.is_free:
                    self._paid[line.name].setdefault(line.sha256, line)
        return failed

    @property
    def written(self) -> int:
        """The number of requests in the file."""
        return len(self._ends)

    def __str__(self) -> str:
        """Return the text that represents the model in a run's settings. It does not name the
        files, because a run can continue with other answer files.
        """
        return "answers by file"

    def answer(self, call: Call) -> Completion:
        """Return the answer from the files, or write the call, unless it is written already, and
        raise ``AnswerPending``.
        """
        name = call.question_key
        line = self._answers.get(name)
        if line and line.completion:
            return line.completion
        if name not in self._written:
            self._written.add(name)
            self._write(call)
        raise AnswerPending("the answer is not in the files")

    def list_unused(self, call: Call, is_answered: bool) -> Iterable[AnswerLine]:  # noqa: FBT001 - as declared by Route
        """Return the lines that may be paid answers to a call but are not used, once. If the call
        is answered already, no line is used.
        """
        name = call.question_key
        yield from self._paid.pop(name, {}).values()
        if is_answered and name in self._answers:
            yield self._answers[name]

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
        end = 0
        for number, (dollars, line_end) in enumerate(self._ends):
            if not budget.spend(dollars):
                del self._ends[number:]
                break
            end = line_end
        return end


def _rank(line: AnswerLine) -> int:
    """Return a lower number for a usable answer than for a truncated one, a higher number for any
    other, and the highest for a line without an answer.
    """
    if line.completion is None:
        return len(_BEST_FIRST)
    return _BEST_FIRST.index(judge(line.completion))
