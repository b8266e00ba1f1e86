"""Calls and answers in files, in OpenAI's batch format."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from extractor.errors import AnswerPending, ArgumentError
from extractor.model.batch_apis import AnswerLine, read_lines, write_line
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.request_form import RequestForm
from extractor.model.spec import ClientSettings, ModelSpec


class Exchange:
    """The answer files to read, and the file to which unanswered ``requests`` are written.

    If a call has several answers, the last answer is used. Lines that cannot be read count as paid
    unless they show the opposite. ``failed`` lists the lines without an
    answer as ``file, line: reason``, unless another line answers the same call. Raises
    ``ArgumentError`` if an answer file does not exist, or if the requests would overwrite an
    answer file.

    ``is_saved`` is True when the request file has been written.
    """

    def __init__(
        self, answers: Sequence[Path] = (), requests: Path | None = None
    ) -> None:
        if requests in answers:
            remedy = "choose another file for the requests"
            raise ArgumentError(f"{requests} contains answers; {remedy}")
        self.requests = requests
        self.is_saved = False
        self._open: set[str] = set()
        self._answers: dict[str, Completion] = {}
        self._unread = defaultdict[str, dict[str, AnswerLine]](dict)
        self._write: Callable[[Call], object] = lambda _: None
        failed = {}
        for path in answers:
            if not path.is_file():
                raise ArgumentError(f"{path}: there is no such file")
            with path.open("rb") as file:
                for number, line in read_lines(file):
                    place = f"{path}, line {number}"
                    if line.completion:
                        self._answers[line.name] = line.completion
                    else:
                        # a line without a name is reported by its location
                        failed[line.name or place] = f"{place}: {line.problem}"
                    if line.name and not line.completion and not line.is_free:
                        self._unread[line.name][line.sha256] = line
        self.failed = [failed[name] for name in failed if name not in self._answers]

    @property
    def written(self) -> int:
        """The number of unanswered calls."""
        return len(self._open)

    def __str__(self) -> str:
        """Return the text that represents the model in a run's settings. It does not name the
        files, because a run can continue with other answer files.
        """
        return "answers by file"

    def answer(self, call: Call) -> Completion:
        """Return the answer from the files, or write the call and raise ``AnswerPending``."""
        name = call.question_key
        if name in self._answers:
            return self._answers[name]
        if name not in self._open:
            self._open.add(name)
            self._write(call)
        raise AnswerPending("the answer is not in the files")

    def list_unread(self, call: Call) -> Iterable[AnswerLine]:
        """Return the lines that may be paid but unreadable answers to a call. They are returned
        once.
        """
        return self._unread.pop(call.question_key, {}).values()

    @contextmanager
    def open(self, spec: ModelSpec, settings: ClientSettings) -> Iterator["Exchange"]:
        """Answer calls inside the block, and write the unanswered calls. The request file is
        created, or replaced, when the block ends without an error.

        Raises ``ArgumentError`` if requests are to be written but the provider does not support
        batch files.
        """
        if not self.requests:
            yield self
            return
        spec.check_batches()
        form = RequestForm(spec, settings)
        unfinished = self.requests.with_name(f".{self.requests.name}.unfinished")
        try:
            unfinished.unlink(missing_ok=True)  # of a killed process
            with unfinished.open("xb") as file:  # does not follow links
                self._write = lambda call: file.write(
                    write_line(call.question_key, form.write(call))
                )
                yield self
            unfinished.replace(self.requests)
            self.is_saved = True
        finally:
            unfinished.unlink(missing_ok=True)
