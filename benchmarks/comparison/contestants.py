"""A model that is compared: what the command line says of it, understood."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.errors import ModelUnavailable
from extractor.llm.local import find_model
from extractor.llm.opening import ModelChoice
from extractor.llm.spec import ModelKind, ModelSpec

__all__ = ["Contestant", "check_at_hand", "read_contestant", "read_contestants"]

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_FORM = "write NAME=SPEC, or NAME=SPEC@DIR to replay recorded answers"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_KNOCK_S = 5.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model by the name that it has in the tables, and where its answers come from."""

    name: str
    choice: ModelChoice

    @property
    def is_live(self) -> bool:
        """Whether it is asked, and no recording of it."""
        return self.choice.replay is None


def read_contestants(texts: list[str], record: Path | None = None) -> list[Contestant]:
    """All models of a comparison.

    Raises ``ValueError`` as ``read_contestant`` does, for a name that is given twice, and for answers to be recorded
    where no model is live.
    """
    found = [read_contestant(text, record) for text in texts]
    names = [one.name for one in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))}: more than one model has this name; give each its own")
    if record and not any(one.is_live for one in found):
        raise ValueError("there is no live model whose answers could be recorded; add --model or drop --record")
    return found


def read_contestant(text: str, record: Path | None = None) -> Contestant:
    """What ``NAME=SPEC``, or ``NAME=SPEC@DIR`` with a folder of recorded answers, means.

    What follows the last ``@`` is a folder. A model whose own name holds an ``@`` has another one at its end. What a
    live model answers is kept in a folder of its own in ``record``: recordings are named by what was asked, so that in
    one folder the answers of the last model would replace those of the others. Raises ``ValueError`` for anything else.

    >>> read_contestant("small=local:smollm2-135m@tests/small_answers").choice.replay
    PosixPath('tests/small_answers')
    >>> chosen = read_contestant("mine=http://127.0.0.1:8000/v1#org/name@2@", Path("answers")).choice
    >>> str(chosen.spec), chosen.record
    ('http://127.0.0.1:8000/v1#org/name@2', PosixPath('answers/mine'))
    """
    name, mark, rest = text.partition("=")
    if not mark or not _NAME.fullmatch(name):
        raise ValueError(f"{text!r}: {_FORM}; a NAME has letters, digits and . _ + -")
    text_of_spec, folder = rest.rsplit("@", 1) if "@" in rest else (rest, "")
    spec = read_model_spec(text_of_spec)
    if not folder:
        if spec.kind is ModelKind.LOCAL and not spec.path:
            find_model(spec.name or "")
        return Contestant(name, ModelChoice(spec, record=record and record / name, cache_dir=read_cache_folder()))
    if not Path(folder).is_dir():
        raise ValueError(
            f"{text!r}: there is no folder {folder} to replay; if the @ belongs to the model's name, write {rest}@"
        )
    return Contestant(name, ModelChoice(spec, replay=Path(folder)))


def check_at_hand(spec: ModelSpec) -> None:
    """Knock at servers of this machine, for a run waits minutes for one that is away.

    Those of other machines may be behind a proxy, and are waited for. Raises ``ModelUnavailable`` if none listens.
    """
    places = [urlsplit(address) for address in spec.addresses]
    if not places or any(place.hostname not in _LOOPBACK for place in places):
        return
    if not any(_listens(place.hostname or "", place.port or _port_of(place.scheme)) for place in places):
        raise ModelUnavailable(f"nothing listens at {spec}")


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_KNOCK_S):
            return True
    except OSError:
        return False
