"""The model that ``--model`` specifies: its provider, name, address and key; and the settings of
its client.

``openai/gpt-5-mini`` denotes a provider's model (``providers.toml`` lists the providers), a bare
name denotes an OpenAI model, and ``http://host:port/v1#NAME`` denotes a model on the user's own
server, which uses OpenAI's protocol. Such a server never receives a provider's key, only
``EXTRACTOR_MODEL_TOKEN``. ``sdk.open_client`` opens the model.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PureWindowsPath
from urllib.parse import urlsplit

from pydantic import SecretStr

from extractor.errors import ArgumentError
from extractor.masking import hide_user, remember
from extractor.model.providers import (
    Family,
    Provider,
    Reasoning,
    find_family,
    list_providers,
)

SERVER = "server"
"""The provider of a model that is specified by the address of an OpenAI-compatible server."""
SERVER_KEY = "EXTRACTOR_MODEL_TOKEN"
"""The environment variable that contains the key for such a server. ``EXTRACTOR_TOKEN`` is the key
of the service.
"""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of this machine."""
_NAME = re.compile(r"[\w.@/+-][\w.:@/+-]*")
_LIKE_ADDRESS = re.compile(r".*://|localhost:|[\d.]+:\d")
_ADDRESS = re.compile(
    r"https?://(\[[^]\s@?,]+\]|[^]\s/:@?#,]+)(:\d{1,5})?(/[^\s@?#,]*)?"
)
"""A single address with a host but without a user name or a query string."""
_FORMS = "provider/name, the bare name of an OpenAI model, or http://host:port/v1#NAME"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: its provider, its name, the address of its server, and its key.

    If ``base_url`` is None, the provider's SDK determines the address. If ``api_key`` is None, the
    key is read from the provider's environment variable. ``repr`` and ``str`` hide the key and any
    user name in an address.
    """

    provider: str
    name: str
    base_url: str | None = field(default=None, repr=False)
    api_key: SecretStr | None = None

    def __post_init__(self) -> None:
        if self.api_key:
            remember(self.api_key.get_secret_value())

    @classmethod
    def parse(cls, text: str, *, server_key: str | None = None) -> "ModelSpec":
        """Parse a model specification: ``provider/name``, the bare name of an OpenAI model, or a
        server's address followed by ``#`` and the name. ``server_key`` is used only for a server's
        address.

        Raises ``ArgumentError`` for text in an unknown format, and for an address with a user name
        or password, which the message does not repeat.

        >>> str(ModelSpec.parse("http://localhost:8000/v1/#llama-3"))
        'http://localhost:8000/v1#llama-3'
        >>> ModelSpec.parse("gpt-5-mini")
        ModelSpec(provider='openai', name='gpt-5-mini', api_key=None)
        """
        text = text.strip()
        if _LIKE_ADDRESS.match(text):
            address, name = _split_address(text)
            return cls(SERVER, name, address, read_key(server_key, SERVER_KEY))
        if "/" not in text:
            text = f"openai/{text}"
        provider, _, name = text.partition("/")
        known = list_providers().keys() - {SERVER}
        if provider not in known:
            remedy = (
                f"write one of {', '.join(sorted(known))} before the name, or {_FORMS}"
            )
            raise ArgumentError(f"{text!r} does not name a known provider; {remedy}")
        if not _NAME.fullmatch(name):
            raise ArgumentError(f"{text!r} does not name a model; write {_FORMS}")
        return cls(provider, name, list_providers()[provider].url)

    @property
    def entry(self) -> Provider:
        """The provider's entry in the table."""
        return list_providers()[self.provider]

    @property
    def family(self) -> Family:
        """The family that the model belongs to."""
        return find_family(self.provider, self.name)

    def check_batches(self) -> None:
        """Raise ``ArgumentError`` if batches are not supported for the provider."""
        if not self.entry.batches:
            problem = f"{self.provider} has no batch API that this program supports"
            raise ArgumentError(f"{problem}; use extractor run")

    @property
    def is_server(self) -> bool:
        """Whether the model is specified by the address of its server."""
        return self.provider == SERVER

    @property
    def host(self) -> str:
        """The host and port of the server; empty if the SDK knows the address."""
        return urlsplit(self.base_url or "").netloc

    @property
    def key_remedy(self) -> str:
        """Advice for users about setting the key."""
        if self.is_server:
            return f"set {SERVER_KEY} to the key of this server"
        names = (self.entry.key, *self.entry.secrets, "the key of its provider")
        return f"set {next(filter(None, names))}"

    def __str__(self) -> str:
        if self.is_server:
            return f"{hide_user(self.base_url or '')}#{self.name}"
        return f"{self.provider}/{self.name}"


def read_spec(text: str, tell: Callable[[str], object]) -> ModelSpec:
    """Parse the name of a model. For a server given by URL, the key is EXTRACTOR_MODEL_TOKEN.

    Providers' keys and addresses are read later, when the provider is opened. If EXTRACTOR_MODEL is
    a server's URL, the key is sent only to that host: a model on any other is returned without a
    key, and ``tell`` receives the reason. Raises ``ArgumentError`` for an invalid specification.
    """
    server_key = os.environ.get(SERVER_KEY)
    spec = ModelSpec.parse(text, server_key=server_key)
    default_model = os.environ.get("EXTRACTOR_MODEL", "")
    if not server_key or not spec.is_server or "://" not in default_model:
        return spec
    if spec.host == ModelSpec.parse(default_model).host:
        return spec
    tell(
        f"{SERVER_KEY} belongs to the server in EXTRACTOR_MODEL and is not sent to {spec.host}"
    )
    return replace(spec, api_key=None)


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The settings of a model's client.

    ``reasoning`` is the reasoning effort of the model, or None for the default of its family;
    ``options`` are additional parameters for each request. ``concurrency`` limits the number of
    concurrent requests. ``timeout`` is the maximum time in seconds from sending a request to the
    end of its reply. If no answer is received for ``patience`` seconds while a call is waiting,
    the model is abandoned; if ``patience`` is None, this never happens.
    """

    reasoning: Reasoning | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    concurrency: int = 8
    timeout: float = 600.0
    patience: float | None = 300.0


def read_key(key: str | None, name: str | None = None) -> SecretStr | None:
    """Return a key as a secret, or None if it is empty. ``name`` is the variable that contains the
    key.

    Raises ``ArgumentError`` if the key contains white space or other characters that HTTP headers
    cannot contain. The message names the variable but does not show the key.

    >>> read_key("one two", "XAI_API_KEY")
    Traceback (most recent call last):
    extractor.errors.ArgumentError: XAI_API_KEY: the key contains characters that are not allowed...
    """
    if not key:
        return None
    if re.fullmatch("[!-~]+", key):
        return SecretStr(key)
    remember(key)
    problem = (
        "the key contains characters that are not allowed, such as a space, a line break or a "
        "letter with an accent; set it again without them"
    )
    raise ArgumentError(f"{name or 'key'}: {problem}")


def name_model(spec: ModelSpec) -> str:
    """Return the name of a model for use in messages, together with the address of its server or,
    if there is none, its provider.

    >>> name_model(ModelSpec.parse("http://gpu-1/v1#m"))
    'model m at http://gpu-1/v1'
    >>> name_model(ModelSpec.parse("anthropic/claude-x"))
    'model claude-x at anthropic'
    """
    place, _, _ = hide_user(spec.base_url or spec.provider).partition("?")
    return f"model {spec.name} at {place}"


def shown_model(name: str) -> str:
    """Return the name of a model, excluding any file path, because llama.cpp reports the path of
    the weights, which is private. Any other name is returned unchanged.

    >>> shown_model("/srv/models/tiny-q4.gguf"), shown_model("meta-llama/Llama-3.1-8B")
    ('tiny-q4', 'meta-llama/Llama-3.1-8B')
    """
    # PureWindowsPath accepts both kinds of slashes
    path = PureWindowsPath(name)
    if path.suffix == ".gguf" or path.root:
        return path.stem
    return name


def _split_address(text: str) -> tuple[str, str]:
    """Split a specification into the address of the server and the name of the model after ``#``.

    Raises ``ArgumentError`` unless the text is a single HTTP address with the name of a model. The
    message never shows a user name or a query string.
    """
    shown, _, _ = hide_user(text).partition("?")
    address, _, name = text.partition("#")
    if not _ADDRESS.fullmatch(address) or "," in text:
        remedy = (
            "write http://host:port/v1#NAME, without a user name, a password, a comma or a query "
            "string"
        )
        raise ArgumentError(f"{shown!r} is not the address of a model; {remedy}")
    if not name:
        remedy = "append #NAME, as the server lists it under /models"
        raise ArgumentError(f"{shown!r} does not name a model; {remedy}")
    return address.rstrip("/"), name
