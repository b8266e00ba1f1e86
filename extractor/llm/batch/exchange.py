"""Questions by file instead of by network: what a file answers is answered, what none answers is written to one."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import httpx2

from extractor.errors import AnswerPending
from extractor.llm.trace import Served, read_usage

from .batch_files import AnswerFiles, RequestFile, name_request

__all__ = ["Exchange", "ExchangeTransport"]


class Exchange:
    """Files of answers to read, and the file to which requests without an answer go.

    ``answers`` and ``requests`` are these files. Raises ``ValueError`` for an answer file that is not there and if
    there is nothing to read or write, ``CassetteError`` for one that cannot be read.
    """

    def __init__(self, answers: Sequence[Path] = (), requests: Path | None = None) -> None:
        if not answers and not requests:
            raise ValueError("an exchange needs files of answers, or a file for requests")
        for path in answers:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file of answers")
        if requests and requests in answers:
            raise ValueError(f"{requests} holds answers; name another file for the requests")
        self.answers = AnswerFiles(answers)
        self.requests = RequestFile(requests) if requests else None

    def __str__(self) -> str:
        return f"answers by file, SHA-256 {self.answers.sha256[:16]}"

    @contextmanager
    def open(self) -> Iterator["ExchangeTransport"]:
        """A transport that answers from the files; the requests' file is whole when the block ends."""
        with self.requests or nullcontext() as requests:
            yield ExchangeTransport(self.answers, requests)


class ExchangeTransport(httpx2.AsyncBaseTransport):
    """Answers what the files answer, notes down what they do not, and never touches the network.

    Raises ``AnswerPending`` for a request without an answer.
    """

    def __init__(self, answers: AnswerFiles, requests: RequestFile | None) -> None:
        self._answers, self._requests = answers, requests

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        completion = self._answers.find(name_request(body))
        if completion is not None:
            response = httpx2.Response(200, json=completion)
            response.extensions["served"] = Served(read_usage(response.content), spent=True)
            return response
        if self._requests:
            self._requests.add(body)
        raise AnswerPending("its answer is still to come: no file of answers holds it")
