"""Serve a review on this machine until it is stopped."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import uvicorn

from extractor.errors import StoreError

from .app import build_app
from .desk import ReviewDesk
from .guard import Token
from .journal import Journal
from .records import RunRecords

__all__ = ["OpenReview", "open_review"]

_HOST = "127.0.0.1"
_JOURNAL = ".review"


class OpenReview:
    """A review that waits to be served: who comes to its address before is kept waiting. The address works once."""

    def __init__(self, desk: ReviewDesk, records: RunRecords, listening: socket.socket) -> None:
        token, port = Token(), listening.getsockname()[1]
        self.address = f"http://{_HOST}:{port}/?token={token.value}"
        self.records, self._listening = records, listening
        # No log of requests: the first one has the token in it.
        config = uvicorn.Config(
            build_app(desk, token, port),
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)

    def serve(self) -> None:
        """Answer requests until ``stop`` is called, or Ctrl-C comes."""
        self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """Let ``serve`` end; may be called from another thread."""
        self._server.should_exit = True


@contextmanager
def open_review(
    run: Path, gold: Path, *, reviewer: str, port: int = 0, inputs: Sequence[Path] = ()
) -> Iterator[OpenReview]:
    """Open a run's review on the loopback interface alone; ``port`` 0 takes a free one.

    Gold goes into ``gold``, drafts and history into a folder ``.review`` in it. Raises ``StoreError`` for a run, a
    folder or a port that cannot be used.
    """
    records = RunRecords(run, inputs)
    folder = gold / _JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{gold}: cannot be written ({error.strerror}); choose another --gold") from error
    with closing(Journal(folder / "journal.sqlite")) as journal, _listen(port) as listening:
        yield OpenReview(ReviewDesk(records, gold, journal, reviewer), records, listening)


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((_HOST, port))
        listening.listen()  # from now on a browser may come: it waits until it is served
    except OSError as error:
        listening.close()
        raise StoreError(f"port {port}: {error.strerror}; choose another --port") from error
    return listening
