"""Open a provider's SDK through instructor, and control how it uses keys and redirects.

instructor opens OpenAI, Anthropic and Google by name; any other provider is opened by its address,
using OpenAI's protocol. The SDK's retries, timeouts and redirects are disabled, and keys that the
SDK finds by itself are masked. The differences between providers are in ``providers.toml``.
"""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

import httpx2
import instructor
import openai
from instructor.core.exceptions import ConfigurationError
from pydantic import SecretStr

from extractor.errors import MissingExtra
from extractor.masking import remember
from extractor.model.failures import explain_failure
from extractor.model.pace import Failure
from extractor.model.spec import LOOPBACK, ModelSpec, read_key

# instructor logs each failed attempt with the server's message, which may contain a key. Events
# report failed attempts instead.
logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)

_NO_KEY = "none"
"""The placeholder for a server without a key."""
_SETTINGS = {"max_retries": 0, "timeout": None, "follow_redirects": False}
_KEYS = ("api_key", "auth_token")


def open_client(spec: ModelSpec, mode: str) -> Any:
    """Open instructor's client for a provider, without the SDK's own retries and timeouts.

    Raises ``MissingExtra`` if the SDK is not installed, ``MissingKey`` if there is no key, and
    ``ArgumentError`` if the key in the environment is malformed.
    """
    name = f"openai/{spec.name}" if spec.is_compatible else str(spec)
    arguments = _list_arguments(spec)
    failure: Exception
    try:
        client = instructor.from_provider(
            name, async_client=True, mode=instructor.Mode[mode], **arguments
        )
    except Exception as error:  # noqa: BLE001 - each SDK has its own
        failure = explain_failure(Failure(None, str(error), kind="unopened"), spec)
        lacks_sdk = isinstance(error, ConfigurationError) and "install" in str(error)
        if spec.entry.extra and lacks_sdk:
            need = f"a model of {spec.provider} requires its SDK"
            failure = MissingExtra(need, spec.entry.extra)
    else:
        _set_up(client.client, spec)
        return client
    # raised here without the SDK's error as its context, which may contain the key
    raise failure


def _list_arguments(spec: ModelSpec) -> dict[str, Any]:
    """Return the arguments for an SDK: the key, and the address of the server with a secured HTTP
    client.
    """
    arguments: dict[str, Any] = {}
    key = spec.api_key or _find_key(spec)
    if key:
        arguments["api_key"] = key.get_secret_value()
    elif spec.is_compatible:
        arguments["api_key"] = _NO_KEY
    if spec.base_url:
        arguments["base_url"] = spec.base_url
        # Servers on this machine are reached without a proxy.
        arguments["http_client"] = openai.DefaultAsyncHttpxClient(
            trust_env=urlsplit(spec.base_url).hostname not in LOOPBACK,
            verify=httpx2.create_ssl_context(),
            follow_redirects=False,
        )
    return arguments


def _find_key(spec: ModelSpec) -> SecretStr | None:
    """For a provider whose table entry has an address, return the API key from the provider's
    environment variable. Other SDKs read their keys by themselves, so the result is None. Raises
    ``MissingKey`` if none of the provider's variables is set, and ``ArgumentError`` for a
    malformed key, which a library's error message would otherwise expose.
    """
    provider = spec.entry
    if spec.is_server or provider.key is None:
        return None
    variables = (provider.key, *provider.secrets)
    keys = [read_key(os.environ.get(name), name) for name in variables]
    if not any(keys):
        raise explain_failure(Failure(None, "", kind="no_key"), spec)
    return keys[0] if spec.is_compatible else None


def _set_up(sdk: Any, spec: ModelSpec) -> None:
    """Configure a provider's SDK: disable its retries and timeouts, because this program has its
    own; disable redirects, which would send the key and the text of records to another address; and
    mask its keys from now on.
    """
    google = getattr(sdk, "_api_client", None)
    parts = (
        sdk,
        getattr(sdk, "_client", None),
        google,
        getattr(google, "_async_httpx_client", None),
    )
    # each SDK keeps its settings and keys in some of these objects
    for part in parts:
        for name, value in _SETTINGS.items():
            if hasattr(part, name):
                setattr(part, name, value)
        for name in _KEYS:
            key = getattr(part, name, None)
            if isinstance(key, str) and key != _NO_KEY:
                remember(key)
    # Google's SDK uses aiohttp if it is installed
    if google:
        google._async_client_session_request_args["allow_redirects"] = False
    # the environment variables for these apply only to OpenAI
    if spec.is_compatible:
        sdk.organization = None
        sdk.project = None
