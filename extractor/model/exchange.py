"""Calls and answers by files, in the form of providers' batches, for a closed network: one JSON
object per line.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from extractor.errors import AnswerPending, AnswersError
from extractor.model.batch_book import (
    MOST_BYTES,
    MOST_REQUESTS,
    BatchBook,
)
from extractor.model.batch_lines import load_row, read_line, write_line
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.database import open_scratch
from extractor.model.request_form import RequestForm
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore, State


class Exchange:
    """Files of answers to read, and the file that receives the calls without an answer.

    A later answer to a call replaces an earlier one. ``failed`` lists lines without a completion as
    ``file, line: why``, unless another line answers the same call. ``parts`` are the written files:
    beyond the limits of one file, such as ``most_tokens`` of its prompts, calls go to
    ``<stem>-2<suffix>`` and so on. Raises ``ValueError`` for a missing answer file and without any
    file, ``AnswersError`` for a file that cannot be read.
    """

    def __init__(
        self,
        answers: Sequence[Path] = (),
        requests: Path | None = None,
        most_tokens: int | None = None,
    ) -> None:
        _check_paths(answers, requests)
        self.requests = requests
        self.written = 0
        self._most_tokens = most_tokens
        self.parts: list[Path] = []
        self._store = CallStore(open_scratch())
        self._unmetered: set[str] = set()
        self.failed = self._read(answers)
        # the reply model of the calls takes its place
        self._reply_model: type[BaseModel] = BaseModel

    def _read(self, answers: Iterable[Path]) -> tuple[str, ...]:
        """Store the answers of files. Return why other lines have none, without those whose call
        another line answers.
        """
        failed: dict[str, str] = {}
        for place, line in _read_lines(answers):
            answer = read_line(load_row(line))
            if answer is None:
                failed[place] = f"{place}: not an answer to a request (no custom_id)"
                continue
            if answer.completion is None:
                failed[answer.name] = f"{place}: {answer.problem}"
                continue
            self._store.add_answer(answer.name, answer.completion)
            if not answer.completion.has_usage:
                self._unmetered.add(answer.name)
        unanswered = []
        for name, why in failed.items():
            if self._store.recall(name):
                continue
            unanswered.append(why)
        return tuple(unanswered)

    def __str__(self) -> str:
        """Return what a run's folder says of it, without the files: it takes answers of others."""
        return "answers by file"

    def answer(self, call: Call) -> Completion:
        """Answer from the files. Without an answer, keep the call and raise ``AnswerPending``."""
        stored = self._store.recall(call.question_key)
        if stored is None:
            self._reply_model = call.reply_model
            self._store.begin(call, model="", state=State.WAITING)
        if stored is None or stored.completion is None:
            raise AnswerPending("the answer is not in the files")
        # the store does not keep whether a reply states its usage
        has_usage = call.question_key not in self._unmetered
        return replace(stored.completion, has_usage=has_usage)

    @contextmanager
    def open(
        self,
        spec: ModelSpec,
        settings: ClientSettings,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> Iterator["Exchange"]:
        """Yield what answers from the files. If the block succeeds, write the calls without an
        answer, if a file for them is named: as many files as the limits ask for.

        Each file appears whole or not at all. An earlier file of requests is removed. Raises
        ``ValueError`` if requests are wanted and the provider has no batch files.
        """
        protocol = spec.family.batch
        if self.requests and protocol is None:
            raise ValueError(
                f"{spec.provider} has no batch files; name a server by its address: "
                "http://host/v1#NAME"
            )
        yield self
        if not self.requests or protocol is None:
            return
        book = BatchBook(self._store, self._reply_model)
        form = RequestForm(spec, settings)
        self.written = book.plan("file", most_requests, most_bytes, self._most_tokens)
        self.requests.unlink(missing_ok=True)
        for number in range(1, 1 + len(book.open_batches())):
            if number == 1:
                part = self.requests
            else:
                part = self.requests.with_stem(f"{self.requests.stem}-{number}")
            unfinished = part.with_name(f".{part.name}.unfinished")
            try:
                with unfinished.open("wb") as file:
                    for waiting in book.waiting(number):
                        body = form.write(waiting.call)
                        file.write(write_line(waiting.name, body, protocol))
                unfinished.replace(part)
            finally:
                unfinished.unlink(missing_ok=True)
            self.parts.append(part)


def _check_paths(answers: Sequence[Path], requests: Path | None) -> None:
    """Raise ``ValueError`` if no file is named, if a file of answers is missing, or if the requests
    would replace one.
    """
    if not answers and not requests:
        raise ValueError("an exchange needs a file of answers or a file for requests")
    for path in answers:
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
    if requests in answers:
        raise ValueError(
            f"{requests} contains answers; name another file for the requests"
        )


def _read_lines(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield each line that is not blank, after its file and number in words. Raises
    ``AnswersError`` if a file cannot be read.
    """
    for path in paths:
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield f"{path}, line {number}", line
        except OSError as error:
            raise AnswersError(
                f"{path}: cannot be read: {error.strerror}; name a file of answers"
            ) from error
