"""Parses a model specification, the text after ``--model``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

from pydantic import SecretStr

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of this machine."""
_NAME = re.compile(r"[\w.@/+-][\w.:@/+-]*")
_FORMS = "a hosted model's name, http://host:port/v1#NAME, local, local:NAME, or local:PATH.gguf"
_BETWEEN = re.compile(r",(?=\s*\w+://)")
"""The separator of several servers' addresses. A password may contain a comma."""
_USERS = re.compile(r"(?<=://)[^\s/?#]*@")
_KEYS = re.compile(r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)
SHORTEST_KEY = 8
"""A shorter secret is no key, and masking it would spoil words."""
_SEVERAL = "several servers are written http://host:port/v1#NAME,http://other:port/v1#NAME, with one name"


class ModelKind(StrEnum):
    """Where a model runs."""

    HOSTED = "hosted"
    SERVER = "server"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model, and the server or servers that run it. Several servers share its calls.

    ``name`` is the server's name for the model, None for the default model of ``local``. ``base_url`` is None for a
    local model until its server runs (see ``at``), and for a hosted model if the SDK reads its address and key from
    the environment (OPENAI_BASE_URL, OPENAI_API_KEY). ``others`` are the addresses of further servers of the same
    model. ``path`` is the weights' file of ``local:PATH.gguf``. ``repr`` and ``str`` show neither the key nor a user in
    an address.
    """

    kind: ModelKind
    name: str | None
    base_url: str | None = None
    path: Path | None = None
    api_key: SecretStr | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls, text: str, *, api_key: str | None = None, base_url: str | None = None, server_key: str | None = None
    ) -> "ModelSpec":
        """Parse a model specification.

        ``api_key`` and ``base_url`` apply to hosted models only: a server named by URL never gets the key of the hosted
        service, but ``server_key``. Several servers are separated by commas and serve a model of one name.

        Raises ``ValueError`` for text in none of the four forms, and for a user or password in an address. The message
        does not repeat these.

        >>> ModelSpec.parse("http://localhost:8000/v1#llama-3")
        ModelSpec(kind=<ModelKind.SERVER: 'server'>, name='llama-3', base_url='http://localhost:8000/v1', path=None, \
api_key=None, others=())
        >>> ModelSpec.parse("gpt-5-mini", api_key="sk-secret").api_key
        SecretStr('**********')
        >>> str(ModelSpec.parse("local:models/tiny.gguf")), str(ModelSpec.parse("local"))
        ('local:models/tiny.gguf', 'local')
        >>> ModelSpec.parse("http://gpu-1:8000/v1#llama-3, http://gpu-2:8000/v1#llama-3").addresses
        ('http://gpu-1:8000/v1', 'http://gpu-2:8000/v1')
        """
        text = text.strip()
        if text == "local" or text.startswith("local:"):
            return _parse_local(text)
        if "://" in text:
            servers = [_parse_url(part.strip(), _secret(server_key)) for part in _BETWEEN.split(text)]
            return _unite(servers) if len(servers) > 1 else servers[0]
        if text.endswith(".gguf"):
            raise ValueError(f"{text!r} names no model; for a file of weights write local:{text}")
        if re.match(r"(localhost|[\d.]+):\d+", text):
            raise ValueError(f"{text!r} names no model; for a server write http://{text.split('/')[0]}/v1#NAME")
        if not _NAME.fullmatch(text):
            raise ValueError(f"{text!r} names no model; write {_FORMS}")
        if base_url and "@" in base_url:
            raise ValueError(f"{hide_user(base_url)!r}: the service's address must not contain a user or a password")
        return cls(ModelKind.HOSTED, text, base_url, api_key=_secret(api_key))

    def at(self, base_url: str, name: str | None = None) -> "ModelSpec":
        """The same model, served at a URL.

        >>> ModelSpec.parse("local").at("http://127.0.0.1:9000/v1", "smollm2-135m").name
        'smollm2-135m'
        """
        return replace(self, base_url=base_url, name=name or self.name)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The known addresses of the model's servers."""
        return (self.base_url, *self.others) if self.base_url else ()

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the model's servers, with their ports."""
        return frozenset(urlsplit(address).netloc for address in self.addresses)

    @property
    def servers(self) -> tuple["ModelSpec", ...]:
        """One specification for each server of the model."""
        return tuple(replace(self, base_url=url, others=()) for url in self.addresses) if self.others else (self,)

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["base_url"] = self.base_url and hide_user(self.base_url)
        values["others"] = tuple(map(hide_user, self.others))
        return f"ModelSpec({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    def __str__(self) -> str:
        if self.kind is ModelKind.HOSTED:
            return str(self.name)
        if self.kind is ModelKind.SERVER:
            return ",".join(f"{hide_user(url)}#{self.name}" for url in self.addresses)
        chosen = self.path.as_posix() if self.path else self.name
        return f"local:{chosen}" if chosen else "local"


def _secret(key: str | None) -> SecretStr | None:
    if key and not (key.isascii() and key.isprintable()):
        raise ValueError("the key has characters that no key has, such as a line break or a letter with an accent")
    return SecretStr(key) if key else None


def _parse_local(text: str) -> ModelSpec:
    chosen = text.removeprefix("local").removeprefix(":")
    if chosen.endswith(".gguf"):
        path = Path(chosen).expanduser()
        return ModelSpec(ModelKind.LOCAL, path.stem, path=path)
    if text != "local" and not _NAME.fullmatch(chosen):
        raise ValueError(f"{text!r} names no local model; write local, local:NAME, or local:PATH.gguf")
    return ModelSpec(ModelKind.LOCAL, chosen or None)


def _parse_url(text: str, key: SecretStr | None) -> ModelSpec:
    shown = hide_user(text).partition("?")[0]
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError as error:
        # urlsplit takes a password with a slash for a port, and repeats it in the error.
        raise ValueError(f"{shown!r} is not a URL" + ("" if "@" in text else f": {error}")) from None
    if url.scheme not in ("http", "https") or not host or port == 0:
        raise ValueError(f"{shown!r} is not the address of a model; write {_FORMS}")
    if "@" in url.netloc + url.path or url.query:
        raise ValueError(f"{shown!r}: a model's URL must not contain a user, a password or a query")
    if not url.fragment:
        raise ValueError(f"{shown!r} does not say which model; append #NAME, as the server lists it under /models")
    if "," in url.fragment:
        raise ValueError(f"{shown!r} names no model; {_SEVERAL}")
    return ModelSpec(ModelKind.SERVER, url.fragment, text.partition("#")[0].rstrip("/"), api_key=key)


def _unite(servers: Sequence[ModelSpec]) -> ModelSpec:
    """Join servers of one model. Raises ``ValueError`` if their models differ, or a server is named twice."""
    names = dict.fromkeys(server.name for server in servers)
    if len(names) > 1:
        raise ValueError(
            f"several servers must serve one model, but these name {' and '.join(map(repr, names))}; serve it under one"
            " name (vLLM: --served-model-name, llama.cpp: --alias, Ollama: ollama cp)"
        )
    addresses = [server.base_url or "" for server in servers]
    if len(set(addresses)) < len(addresses):
        raise ValueError(f"a server is named twice in {','.join(map(str, servers))!r}; name it once")
    return replace(servers[0], others=tuple(addresses[1:]))


def join_servers(earlier: str, now: str) -> str | None:
    """Join two lists of servers. None unless they serve a model of the same name and share a server.

    >>> join_servers("http://a/v1#m,http://b/v1#m", "http://b/v1#m,http://c/v1#m")
    'http://a/v1#m,http://b/v1#m,http://c/v1#m'
    >>> join_servers("http://a/v1#m", "http://b/v1#m") is None
    True
    """
    if "://" not in earlier or "://" not in now:
        return None
    known, named = earlier.split(","), now.split(",")
    models = {server.partition("#")[2] for server in (*known, *named)}
    if len(models) > 1 or set(known).isdisjoint(named):
        return None
    return ",".join(dict.fromkeys((*known, *named)))


def hide_user(url: str) -> str:
    """Replace the user and password in an address.

    >>> hide_user("http://me:p@ss@host/v1"), hide_user("http://host/v1#org/name@2")
    ('http://***@host/v1', 'http://host/v1#org/name@2')
    """
    address, mark, name = url.partition("#")
    # A password may contain a slash, or a # before any slash.
    front, _, rest = address.partition("//")
    if "@" in rest:
        address = f"{front}//***@{rest.rpartition('@')[2]}"
    return re.sub(r"//[^/]*@", "//***@", address + mark + name)


def hide_keys(text: str, key: SecretStr | None = None) -> str:
    """Mask users in addresses, what looks like a key, and ``key``: only as a whole, and if it is long enough for one.

    >>> hide_keys("no connection to http://me:pw@host; Bearer abc", SecretStr("t"))
    'no connection to http://***@host; Bearer ***'
    >>> hide_keys("the key mine-1234 is unknown, so mine-12345 may be too", SecretStr("mine-1234"))
    'the key *** is unknown, so mine-12345 may be too'
    """
    secret = key.get_secret_value() if key else ""
    if len(secret) >= SHORTEST_KEY:
        text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "***", text)
    return _KEYS.sub("***", _USERS.sub("***@", text))


def name_model(spec: ModelSpec) -> str:
    """The name and addresses of a model, for messages.

    >>> name_model(ModelSpec.parse("http://gpu-1/v1#m,http://gpu-2/v1#m"))
    'model m at http://gpu-1/v1 and http://gpu-2/v1'
    """
    addresses = [hide_user(url) for url in spec.addresses] or ["the hosted service"]
    return f"model {spec.name} at {' and '.join(addresses)}"


def shown_model(name: str | None) -> str:
    """A server's name for its model, without a path: llama.cpp reports the path of the weights, which is private.

    >>> shown_model("/srv/models/tiny-q4.gguf"), shown_model("meta-llama/Llama-3.1-8B"), shown_model(None)
    ('tiny-q4', 'meta-llama/Llama-3.1-8B', '')
    """
    path = PureWindowsPath(name or "")  # understands both kinds of slashes
    return path.stem if path.suffix == ".gguf" or path.root else name or ""
