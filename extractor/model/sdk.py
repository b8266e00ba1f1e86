"""Open a provider's SDK by its public constructor, and give it to instructor.

The constructors take what is needed here: no retries and no timeouts, because this program has its
own, and an HTTP client without redirects, which would send the key and the text of records to
another address. The differences between providers are in ``providers.toml``.
"""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

import httpx2
import instructor
import openai

from extractor.errors import MissingExtra
from extractor.masking import remember
from extractor.model.failures import explain_failure
from extractor.model.pace import Failure
from extractor.model.spec import LOOPBACK, ModelSpec, read_key

# instructor logs each failed attempt with the server's message, which may contain a key. Events
# report failed attempts instead.
logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)

Sdk = Any
"""The client of a provider's SDK. The clients share no base class, and most are optional."""
_NO_KEY = "none"
"""The placeholder for a server without a key."""
_AZURE_VERSION = "2024-10-21"
"""The version of Azure's API if OPENAI_API_VERSION is not set."""
_MOST_BYTES = 2**24
"""Maximum number of unpacked bytes in a reply. An answer has a few thousand."""
_MOST_IN_FILE = 2**30
"""The same for a file with the answers of a batch."""


def open_client(spec: ModelSpec) -> tuple[Sdk, httpx2.AsyncClient]:
    """Open a provider's SDK. Return it with the client for its connections.

    Raises ``MissingExtra`` if the SDK is not installed, ``MissingKey`` if there is no key, and
    ``ArgumentError`` if the key in the environment is malformed.
    """
    key = _find_key(spec)
    failure: Exception
    try:
        http = _open_http(spec)
        sdk = _open_sdk(spec, key, http)
    except ImportError:
        need = f"a model of {spec.provider} requires its SDK"
        failure = MissingExtra(need, spec.entry.extra or spec.provider)
    except Exception as error:  # noqa: BLE001 - each SDK has its own
        failure = explain_failure(Failure(None, str(error), kind="unopened"), spec)
    else:
        # the SDK may have found a key in a file
        for name in ("api_key", "auth_token"):
            found = getattr(sdk, name, None)
            if isinstance(found, str) and found != _NO_KEY:
                remember(found)
        return sdk, http
    # raised here without the SDK's error as its context, which may contain the key
    raise failure


def instruct(sdk: Sdk, spec: ModelSpec, mode: str) -> Sdk:
    """Return instructor's client for an SDK. ``mode`` is how it sends the schema."""
    sends = instructor.Mode[mode]
    if spec.entry.sdk == "anthropic":
        return instructor.from_anthropic(sdk, mode=sends)
    if spec.entry.sdk == "google":
        return instructor.from_genai(sdk, mode=sends, use_async=True)
    return instructor.from_openai(sdk, mode=sends)


def _find_key(spec: ModelSpec) -> str | None:
    """Return the API key from the provider's environment variable. The SDKs read further secrets
    by themselves. Raises ``MissingKey`` if the provider needs a key and none of its variables is
    set, and ``ArgumentError`` for a malformed key, which a library's error message would otherwise
    expose.
    """
    if spec.api_key:
        return spec.api_key.get_secret_value()
    if spec.is_server:
        return None
    entry = spec.entry
    variables = filter(None, (entry.key, *entry.secrets))
    keys = [read_key(os.environ.get(name), name) for name in variables]
    if entry.key is None:
        return None
    if not any(keys):
        raise explain_failure(Failure(None, "", kind="no_key"), spec)
    if keys[0]:
        return keys[0].get_secret_value()
    return None


def _open_http(spec: ModelSpec) -> httpx2.AsyncClient:
    # servers on this machine are reached without a proxy
    is_local = urlsplit(spec.base_url or "").hostname in LOOPBACK
    return openai.DefaultAsyncHttpxClient(
        trust_env=not is_local,
        verify=httpx2.create_ssl_context(),
        follow_redirects=False,
        timeout=None,
        event_hooks={"response": [_read_bounded]},
    )


async def _read_bounded(response: httpx2.Response) -> None:
    """Read a reply. Raises ``DecodingError``, like for a reply that cannot be unpacked, if it is
    too long.
    """
    most = _MOST_BYTES
    if response.url.path.endswith("/content"):
        most = _MOST_IN_FILE
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > most:
            raise httpx2.DecodingError(f"the reply has more than {most:,} bytes")
    # as Response.aread does, which has no limit
    response._content = bytes(content)


def _open_sdk(spec: ModelSpec, key: str | None, http: httpx2.AsyncClient) -> Sdk:
    entry = spec.entry
    if entry.sdk == "google":
        from google import genai  # noqa: PLC0415 - an extra

        options = genai.types.HttpOptions(httpx_async_client=http)
        return genai.Client(vertexai=entry.cloud, api_key=key, http_options=options)
    # the retries and timeouts are those of ``sending``
    settings: dict[str, Any] = {"max_retries": 0, "timeout": None, "http_client": http}
    if entry.sdk == "anthropic":
        import anthropic  # noqa: PLC0415 - an extra

        if not entry.cloud:
            return anthropic.AsyncAnthropic(api_key=key, **settings)
        # without a bearer token, requests are signed with AWS credentials, which boto3 finds
        if not os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
            import boto3  # noqa: F401, PLC0415 - an extra
        return anthropic.AsyncAnthropicBedrock(**settings)
    if entry.cloud:
        version = os.environ.get("OPENAI_API_VERSION", _AZURE_VERSION)
        return openai.AsyncAzureOpenAI(api_key=key, api_version=version, **settings)
    sdk = openai.AsyncOpenAI(api_key=key or _NO_KEY, base_url=spec.base_url, **settings)
    # the environment variables for these apply only to OpenAI
    if spec.base_url:
        sdk.organization = None
        sdk.project = None
    return sdk
