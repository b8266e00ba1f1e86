"""Serve a review on this machine until it is stopped."""

import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import uvicorn

from extractor.errors import StoreError

from .app import build_app
from .desk import ReviewDesk
from .guard import Token
from .journal import Journal
from .records import RunRecords

__all__ = ["serve_review"]

_HOST = "127.0.0.1"
_JOURNAL = ".review"


def serve_review(
    run: Path, gold: Path, *, reviewer: str, port: int, inputs: Sequence[Path], say: Callable[[str, RunRecords], None]
) -> None:
    """Serve a run's review on the loopback interface alone; ``port`` 0 takes a free one.

    ``say`` is told the address, which opens the review once. Gold goes into ``gold``, drafts and history into a
    folder ``.review`` in it. Raises ``StoreError`` for a run, a folder or a port that cannot be used.
    """
    records = RunRecords(run, inputs)
    folder = gold / _JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{gold}: cannot be written ({error.strerror}); choose another --gold") from error
    with closing(Journal(folder / "journal.sqlite")) as journal, _listen(port) as listening:
        taken = listening.getsockname()[1]
        token = Token()
        app = build_app(ReviewDesk(records, gold, journal, reviewer), token, taken)
        # No log of requests: the first one has the token in it.
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
        )
        say(f"http://{_HOST}:{taken}/?token={token.value}", records)
        uvicorn.Server(config).run(sockets=[listening])


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
