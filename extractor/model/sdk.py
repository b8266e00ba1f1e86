"""Open the SDK of a provider through instructor, so that it keeps keys and redirects to itself."""

import os
from contextlib import suppress
from importlib import import_module
from typing import Any

import instructor
from instructor.core.exceptions import ConfigurationError

from extractor.errors import MissingExtra
from extractor.masking import remember
from extractor.model.failures import explain_opening
from extractor.model.library_logs import mask_log
from extractor.model.network import open_connection
from extractor.model.providers import list_providers
from extractor.model.spec import ModelSpec
from extractor.model.surroundings import check_surroundings

# it logs each failed attempt as an error, with what the server said
mask_log("instructor")

_NO_KEY = "none"
"""What the SDK gets for a server without a key; it is not sent."""


def open_client(spec: ModelSpec, mode: str) -> Any:
    """Open instructor's client of a provider, without the SDK's own retries and limits of time.

    Raises ``MissingExtra`` without its SDK, ``MissingKey`` without a key, ``ArgumentError`` for a
    key, a proxy or certificates of the environment that cannot be used.
    """
    check_surroundings(spec)
    if spec.provider == "litellm":
        _quieten_litellm()
    name = f"openai/{spec.name}" if spec.is_compatible else str(spec)
    arguments = _list_arguments(spec)
    failure: Exception
    try:
        client = instructor.from_provider(
            name, async_client=True, mode=instructor.Mode[mode], **arguments
        )
    except ConfigurationError as error:
        extra = list_providers()[spec.provider].extra
        if extra and "install" in str(error).lower():
            failure = MissingExtra(f"a model of {spec.provider} needs its SDK", extra)
        else:
            failure = explain_opening(error, spec)
    except Exception as error:  # noqa: BLE001 - each SDK has its own
        failure = explain_opening(error, spec)
    else:
        _set_up(client.client, spec)
        return client
    # raised here, since the SDK's error may hold the key
    raise failure


def _list_arguments(spec: ModelSpec) -> dict[str, Any]:
    """Return what the SDK of a model needs to be told: its key (a word in place of one for a server
    that needs none), and the address of its server with a guarded connection.
    """
    arguments: dict[str, Any] = {}
    if spec.api_key:
        arguments["api_key"] = spec.api_key.get_secret_value()
    elif spec.is_compatible:
        arguments["api_key"] = _NO_KEY
    if spec.base_url:
        arguments["base_url"] = spec.base_url
        arguments["http_client"] = open_connection(direct=spec.is_direct)
    return arguments


def _quieten_litellm() -> None:
    """Stop LiteLLM from fetching prices over the network, and advertising on standard output."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    with suppress(ImportError):
        import_module("litellm").suppress_debug_info = True  # type: ignore[attr-defined]


def _set_up(sdk: Any, spec: ModelSpec) -> None:
    """Set up a provider's SDK: it repeats no request and has no limit of time, which are this
    program's; it follows no redirects; and its keys are masked from now on. A server that speaks as
    OpenAI's does gets no organization and no project of OpenAI.
    """
    _remember_keys(sdk)
    _forbid_redirects(sdk)
    if hasattr(sdk, "max_retries"):
        sdk.max_retries = 0
    if hasattr(sdk, "timeout"):
        sdk.timeout = None
    # the environment sets these for OpenAI alone
    if spec.is_compatible:
        sdk.organization = None
        sdk.project = None


def _remember_keys(sdk: Any) -> None:
    """Mask the keys that an SDK found by itself, in a file of its own or a variable that no name
    tells.
    """
    for client in (sdk, getattr(sdk, "_api_client", None)):
        for name in ("api_key", "auth_token"):
            key = getattr(client, name, None)
            if isinstance(key, str) and key != _NO_KEY:
                remember(key)


def _forbid_redirects(sdk: Any) -> None:
    """Let no service send its requests on, with their key and the text of records, to another
    address.
    """
    google = getattr(sdk, "_api_client", None)
    own_client = getattr(sdk, "_client", None)
    googles_client = getattr(google, "_async_httpx_client", None)
    for client in (own_client, googles_client):
        if client is not None and hasattr(client, "follow_redirects"):
            client.follow_redirects = False
    # Google's SDK prefers aiohttp
    arguments = getattr(google, "_async_client_session_request_args", None)
    if isinstance(arguments, dict):
        arguments["allow_redirects"] = False
