"""The specification of a model, the text after ``--model``, and the settings of its client."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from extractor.errors import ArgumentError
from extractor.masking import remember
from extractor.model.patience import Patience
from extractor.model.providers import (
    Family,
    Reasoning,
    find_family,
    guess_provider,
    list_providers,
)
from extractor.schemas.arguments import find_nearest

SERVER = "server"
"""The provider of a model that is named by the address of an OpenAI-compatible server."""
SERVER_KEY = "EXTRACTOR_MODEL_TOKEN"
"""The variable with the key of such a server. EXTRACTOR_TOKEN is that of the service."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of this machine."""
_OLLAMA = "http://localhost:11434/v1"
_NAME = re.compile(r"[\w.@/+-][\w.:@/+-]*")
_FORMS = (
    "provider/name, the bare name of a model of OpenAI, or http://host:port/v1#NAME"
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: its provider, its name there, the address of its server, and its key.

    Without ``base_url`` the provider's SDK knows the address. Without ``api_key`` it reads the
    provider's variable. ``repr`` and ``str`` show neither the key nor a user in an address.
    """

    provider: str
    name: str
    base_url: str | None = None
    api_key: SecretStr | None = None

    def __post_init__(self) -> None:
        if self.api_key:
            remember(self.api_key.get_secret_value())

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        server_key: str | None = None,
    ) -> "ModelSpec":
        """Parse a model specification: ``provider/name``, the bare name of a model of OpenAI, or a
        server's address with the name behind ``#``.

        ``api_key`` and ``base_url`` apply to models of OpenAI alone. A server named by its address
        never gets the key of a provider, but ``server_key``.

        Raises ``ArgumentError`` for text in no known form, for a bare name that is another
        provider's, and for a user or password in an address. The message does not repeat these.

        >>> ModelSpec.parse(
        ...     "http://localhost:8000/v1#llama-3"
        ... )  # doctest: +NORMALIZE_WHITESPACE
        ModelSpec(provider='server', name='llama-3', base_url='http://localhost:8000/v1',
         api_key=None)
        >>> (
        ...     str(ModelSpec.parse("gpt-5-mini", api_key="sk-secret")),
        ...     str(ModelSpec.parse("google/gemini-2.5-flash")),
        ... )
        ('openai/gpt-5-mini', 'google/gemini-2.5-flash')
        """
        text = text.strip()
        if "://" in text:
            return _parse_url(text, read_key(server_key, SERVER_KEY))
        # a server without its scheme, as localhost:8000/v1
        if re.match(r"(localhost|[\d.]+):\d+", text):
            server = f"http://{text.split('/')[0]}/v1#NAME"
            raise ArgumentError(f"{text!r} names no model; for a server write {server}")
        provider, name = _split_name(text)
        # on this machine, without a key
        if provider == "ollama":
            return cls(provider, name, _OLLAMA)
        if provider != "openai":
            return cls(provider, name)
        if base_url and "@" in base_url:
            problem = "the service's address must not contain a user or a password"
            raise ArgumentError(f"{hide_user(base_url)!r}: {problem}")
        variable = list_providers()["openai"].key
        return cls(provider, name, base_url, read_key(api_key, variable))

    @property
    def family(self) -> Family:
        """The family of models that this one belongs to."""
        return find_family(self.provider, self.name)

    @property
    def batch_protocol(self) -> str:
        """The protocol of its provider's batches. Raises ``ArgumentError`` if this program knows
        none.
        """
        if self.family.batch is None:
            raise ArgumentError(
                f"{self.provider} has no batch API that this program knows; use extractor run"
            )
        return self.family.batch

    @property
    def is_server(self) -> bool:
        """Whether it is named by the address of its server."""
        return self.provider == SERVER

    @property
    def is_compatible(self) -> bool:
        """Whether its server is not OpenAI's, and speaks as OpenAI's does."""
        return self.is_server or self.provider == "ollama"

    @property
    def host(self) -> str:
        """The host of its server, with its port; empty if its SDK knows the address."""
        if not self.base_url:
            return ""
        return urlsplit(self.base_url).netloc

    @property
    def is_direct(self) -> bool:
        """Whether its server is on this machine, so that no proxy leads to it."""
        if not self.base_url:
            return False
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def key_name(self) -> str:
        """The variable that holds its key, or words for it if no variable is known."""
        if self.is_server:
            return SERVER_KEY
        return list_providers()[self.provider].key or "the key of its provider"

    def __repr__(self) -> str:
        shown = self.base_url and hide_user(self.base_url)
        return (
            f"ModelSpec(provider={self.provider!r}, name={self.name!r}, base_url={shown!r}, "
            f"api_key={self.api_key!r})"
        )

    def __str__(self) -> str:
        if self.is_server:
            return f"{hide_user(self.base_url or '')}#{self.name}"
        return f"{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of the client.

    ``reasoning`` is how much the model thinks, None for the default of its family; ``options`` are
    further parameters of each request. ``concurrency`` limits the requests in flight. ``timeout``
    is in seconds, from sending a request to the end of its reply. ``patience`` says when the model
    is given up; with None it never is.
    """

    reasoning: Reasoning | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 8
    timeout: float = 600.0
    patience: Patience | None = field(default_factory=Patience)


def read_key(key: str | None, name: str | None = None) -> SecretStr | None:
    """Return a key as a secret, None if there is none. ``name`` is the variable that it comes from.

    Raises ``ArgumentError`` for white space and characters that no key has. The message names the
    variable alone.

    >>> read_key("one two", "XAI_API_KEY")
    Traceback (most recent call last):
    extractor.errors.ArgumentError: XAI_API_KEY: the key has characters that no key has...
    """
    if not key:
        return None
    if not is_header_word(key):
        remember(key)
        problem = (
            "the key has characters that no key has, such as a blank, a line break or a letter"
            " with an accent; set it again without them"
        )
        raise ArgumentError(f"{name or 'key'}: {problem}")
    return SecretStr(key)


def is_header_word(text: str) -> bool:
    """Return whether a text can stand in a header as one word, as each key can."""
    return text.isascii() and text.isprintable() and " " not in text


def _split_name(text: str) -> tuple[str, str]:
    """Return a provider and the name of its model. A bare name is a model of OpenAI.

    Raises ``ArgumentError`` with a remedy for the bare name of another provider's model, for an
    unknown provider (the nearest one is proposed), and for a name with characters that none has.
    """
    provider, slash, name = text.partition("/")
    if not slash:
        name = text
        provider = guess_provider(text) or "openai"
        if provider != "openai":
            remedy = f"write {provider}/{text}"
            raise ArgumentError(f"{text!r}: a bare name is a model of OpenAI; {remedy}")
    known = sorted(set(list_providers()) - {SERVER})
    if provider not in known:
        nearest = find_nearest(provider, known)
        if nearest:
            problem = f"there is no provider {provider}; did you mean {nearest}/{name}?"
            raise ArgumentError(f"{text!r}: {problem}")
        remedy = f"write one of {', '.join(known)} before the name, or {_FORMS}"
        raise ArgumentError(f"{text!r} names no known provider; {remedy}")
    if not _NAME.fullmatch(name):
        raise ArgumentError(f"{text!r} names no model; write {_FORMS}")
    return provider, name


def _parse_url(text: str, key: SecretStr | None) -> ModelSpec:
    """Parse the address of a server with the name of its model behind ``#``.

    Raises ``ArgumentError`` for anything else than an HTTP address, for a user, a password, a comma
    or a query in it, and if it names no model. No message shows a user or a query.
    """
    shown = hide_user(text).partition("?")[0]
    try:
        url = urlsplit(text)
        is_http = url.scheme in ("http", "https")
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        # The error is not shown: a password with a slash is taken for a port, and repeated in it.
        raise ArgumentError(f"{shown!r} is not a URL; write {_FORMS}") from None
    if not is_http or not has_host:
        raise ArgumentError(f"{shown!r} is not the address of a model; write {_FORMS}")
    names_user = "@" in url.netloc + url.path
    if names_user or "," in text or url.query:
        problem = (
            "a model's URL must not contain a user, a password, a comma or a query"
        )
        raise ArgumentError(f"{shown!r}: {problem}")
    if not url.fragment:
        remedy = "append #NAME, as the server lists it under /models"
        raise ArgumentError(f"{shown!r} does not say which model; {remedy}")
    address, _, _ = text.partition("#")
    return ModelSpec(SERVER, url.fragment, address.rstrip("/"), api_key=key)


def hide_user(url: str) -> str:
    """Replace the user and password in an address by ``***``. The name behind ``#`` stays, also
    with an @ in it.

    >>> hide_user("http://me:p@ss@host/v1"), hide_user("http://host/v1#org/name@2")
    ('http://***@host/v1', 'http://host/v1#org/name@2')
    """
    address, mark, name = url.partition("#")
    # A password may contain a slash, or a # before any slash.
    front, _, rest = address.partition("//")
    # http://me:p@ss@host: the last @ is the one before the host
    if "@" in rest:
        address = f"{front}//***@{rest.rpartition('@')[2]}"
    return re.sub(r"//[^/]*@", "//***@", address + mark + name)


def name_model(spec: ModelSpec) -> str:
    """Return the name of a model and the address that is asked, for messages: the server's own, or
    what the variable of the provider's SDK says (as ``ANTHROPIC_BASE_URL``); without either, the
    provider.

    >>> (
    ...     name_model(ModelSpec.parse("http://gpu-1/v1#m")),
    ...     name_model(ModelSpec.parse("deepseek/deepseek-chat")),
    ... )
    ('model m at http://gpu-1/v1', 'model deepseek-chat at deepseek')
    """
    variable = list_providers()[spec.provider].address
    address = spec.base_url or os.environ.get(variable or "")
    if not address:
        return f"model {spec.name} at {spec.provider}"
    shown, _, _ = hide_user(address).partition("?")
    return f"model {spec.name} at {shown}"


def shown_model(name: str | None) -> str:
    """Drop the path from a server's name for its model: llama.cpp reports the path of the weights,
    which is private. Other names stay; no name is "".

    >>> (
    ...     shown_model("/srv/models/tiny-q4.gguf"),
    ...     shown_model("meta-llama/Llama-3.1-8B"),
    ...     shown_model(None),
    ... )
    ('tiny-q4', 'meta-llama/Llama-3.1-8B', '')
    """
    if not name:
        return ""
    # a path of Windows understands both kinds of slashes
    path = PureWindowsPath(name)
    if path.suffix == ".gguf" or path.root:
        return path.stem
    return name
