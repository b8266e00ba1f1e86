"""Parses a model specification, the text after ``--model``."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import PureWindowsPath
from urllib.parse import urlsplit

from pydantic import SecretStr

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of this machine."""
_NAME = re.compile(r"[\w.@/+-][\w.:@/+-]*")
_FORMS = "a hosted model's name, or http://host:port/v1#NAME for a model on a server"
_USERS = re.compile(r"(?<=://)[^\s/?#]*@")
_KEYS = re.compile(r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)
_SHORTEST_KEY = 8
"""A shorter secret is no key, and masking it would spoil words."""
_OWN_SERVER = "start Ollama, llama-server or vLLM, and write http://host:port/v1#NAME (docs/how-to/own-server.md)"
_ONE_SERVER = "name one server; for several, put a proxy such as LiteLLM or nginx before them and name that"


class ModelKind(StrEnum):
    """Where a model runs."""

    HOSTED = "hosted"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model, and the server that runs it.

    ``name`` is the server's name for the model. ``base_url`` is None for a hosted model if the SDK reads its address
    and key from the environment (OPENAI_BASE_URL, OPENAI_API_KEY). ``repr`` and ``str`` show neither the key nor a
    user in an address.
    """

    kind: ModelKind
    name: str
    base_url: str | None = None
    api_key: SecretStr | None = None

    @classmethod
    def parse(
        cls, text: str, *, api_key: str | None = None, base_url: str | None = None, server_key: str | None = None
    ) -> "ModelSpec":
        """Parse a model specification.

        ``api_key`` and ``base_url`` apply to hosted models only: a server named by URL never gets the key of the hosted
        service, but ``server_key``.

        Raises ``ValueError`` for text in neither of the two forms, and for a user or password in an address. The
        message does not repeat these.

        >>> ModelSpec.parse("http://localhost:8000/v1#llama-3")
        ModelSpec(kind=<ModelKind.SERVER: 'server'>, name='llama-3', base_url='http://localhost:8000/v1', api_key=None)
        >>> ModelSpec.parse("gpt-5-mini", api_key="sk-secret").api_key
        SecretStr('**********')
        """
        text = text.strip()
        if text == "local" or text.startswith("local:") or text.endswith(".gguf"):
            raise ValueError(f"{text!r}: Extractor runs no models; {_OWN_SERVER}")
        if "://" in text:
            return _parse_url(text, _secret(server_key))
        if re.match(r"(localhost|[\d.]+):\d+", text):
            raise ValueError(f"{text!r} names no model; for a server write http://{text.split('/')[0]}/v1#NAME")
        if not _NAME.fullmatch(text):
            raise ValueError(f"{text!r} names no model; write {_FORMS}")
        if base_url and "@" in base_url:
            raise ValueError(f"{hide_user(base_url)!r}: the service's address must not contain a user or a password")
        return cls(ModelKind.HOSTED, text, base_url, api_key=_secret(api_key))

    @property
    def host(self) -> str | None:
        """The host of the model's server with its port, None if the environment names it."""
        return urlsplit(self.base_url).netloc if self.base_url else None

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["base_url"] = self.base_url and hide_user(self.base_url)
        return f"ModelSpec({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    def __str__(self) -> str:
        return self.name if self.kind is ModelKind.HOSTED else f"{hide_user(self.base_url or '')}#{self.name}"


def _secret(key: str | None) -> SecretStr | None:
    return SecretStr(key) if key else None


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
    if "," in url.path + url.fragment:
        raise ValueError(f"{shown.partition(',')[0].partition('#')[0]!r} is one of several servers; {_ONE_SERVER}")
    if not url.fragment:
        raise ValueError(f"{shown!r} does not say which model; append #NAME, as the server lists it under /models")
    return ModelSpec(ModelKind.SERVER, url.fragment, text.partition("#")[0].rstrip("/"), api_key=key)


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
    if len(secret) >= _SHORTEST_KEY:
        text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "***", text)
    return _KEYS.sub("***", _USERS.sub("***@", text))


def name_model(spec: ModelSpec) -> str:
    """The name and address of a model, for messages.

    >>> name_model(ModelSpec.parse("http://gpu-1/v1#m"))
    'model m at http://gpu-1/v1'
    """
    return f"model {spec.name} at {hide_user(spec.base_url) if spec.base_url else 'the hosted service'}"


def shown_model(name: str | None) -> str:
    """A server's name for its model, without a path: llama.cpp reports the path of the weights, which is private.

    >>> shown_model("/srv/models/tiny-q4.gguf"), shown_model("meta-llama/Llama-3.1-8B"), shown_model(None)
    ('tiny-q4', 'meta-llama/Llama-3.1-8B', '')
    """
    path = PureWindowsPath(name or "")  # understands both kinds of slashes
    return path.stem if path.suffix == ".gguf" or path.root else name or ""
