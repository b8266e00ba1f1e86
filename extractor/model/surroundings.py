"""Check what the environment says about keys, proxies and certificates, before anything is sent.

The libraries that read these variables name none of them: a proxy's port that is no number ends in
a traceback with a part of the password, and a missing file of certificates in an error without its
name. Here each fault is one line that names the variable, and never shows the value of a key or a
proxy.
"""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from extractor.errors import ArgumentError
from extractor.model.providers import list_providers
from extractor.model.spec import ModelSpec, read_key

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def check_surroundings(spec: ModelSpec) -> None:
    """Check the variables that decide how a model is reached.

    Raises ``ArgumentError`` for a key with white space, and for an address, a proxy or certificates
    that no library can use.
    """
    provider = list_providers()[spec.provider]
    for name in _list_key_names(spec):
        read_key(os.environ.get(name), name)
    if provider.address:
        address = spec.base_url or os.environ.get(provider.address)
        _check_address(provider.address, address)
    check_network(direct=spec.is_direct)
    for name in provider.certificates:
        _check_certificates(name)


def check_network(*, direct: bool = False) -> None:
    """Check the variables of proxies, unless the way is ``direct``, and of certificates. Raises
    ``ArgumentError``.
    """
    if not direct:
        _check_proxies()
    read_certificates()


def read_certificates() -> ssl.SSLContext | None:
    """Read the certificates that SSL_CERT_FILE or SSL_CERT_DIR names; None if neither is set.

    Raises ``ArgumentError`` that names the variable if they cannot be read.
    """
    context = _check_certificates("SSL_CERT_FILE")
    folders = os.environ.get("SSL_CERT_DIR")
    if not folders:
        return context
    if not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        remedy = "name a folder of certificates, or unset it"
        raise ArgumentError(f"SSL_CERT_DIR: {folders} is no folder; {remedy}")
    return context or ssl.create_default_context(capath=folders)


def _check_certificates(name: str) -> ssl.SSLContext | None:
    """Read the file of certificates that the variable ``name`` names; None if it is not set. Raises
    ``ArgumentError`` if the file cannot be read.
    """
    path = os.environ.get(name)
    if not path:
        return None
    try:
        return ssl.create_default_context(cafile=path)
    # also an SSLError
    except OSError as error:
        problem = f"{path} has no certificates that can be read ({error.strerror})"
        remedy = "name a file of certificates in PEM, or unset it"
        raise ArgumentError(f"{name}: {problem}; {remedy}") from None


def _list_key_names(spec: ModelSpec) -> Iterator[str]:
    """Yield the variables from which the SDK of a model may take a credential. There are none for a
    model with a key, which was checked when it was given, nor for a server of the user's own.

    LiteLLM asks models of other providers, with the key of each.
    """
    if spec.api_key or spec.is_compatible:
        return
    provider = list_providers()[spec.provider]
    if provider.key:
        yield provider.key
    yield from provider.secrets
    if spec.provider == "litellm":
        # litellm/cohere/command: the key of Cohere, COHERE_API_KEY
        vendor, _, _ = spec.name.partition("/")
        yield f"{vendor.upper()}_API_KEY"
        for other in list_providers().values():
            yield from filter(None, (other.key, *other.secrets))


def _check_address(name: str, address: str | None) -> None:
    """Raise ``ArgumentError`` if the address of a service, which the variable ``name`` or the user
    gives, is no HTTP address with a host. No address is no fault.
    """
    if not address:
        return
    is_usable = False
    try:
        parts = urlsplit(address)
        httpx2.URL(address)
        if parts.scheme in ("http", "https") and parts.hostname:
            is_usable = parts.port != 0
    except (ValueError, httpx2.InvalidURL):
        is_usable = False
    if not is_usable:
        raise ArgumentError(
            f"{name}: this is no address of a service; write https://HOST:PORT/PATH"
        )


def name_proxies() -> tuple[str, ...]:
    """Name the variables of the proxies that the libraries take, in the order of their
    precedence. There are none if ``no_proxy`` is ``*``.
    """
    if os.environ.get(_find_variable("no_proxy"), "").strip() == "*":
        return ()
    names = []
    for proxy in _PROXIES:
        name = _find_variable(proxy)
        if os.environ.get(name):
            names.append(name)
    return tuple(names)


def _find_variable(name: str) -> str:
    """Return a variable in small letters, if it is set so, or in capitals: the former counts."""
    return name if name in os.environ else name.upper()


def _check_proxies() -> None:
    """Check the addresses of all proxies of the environment, as the HTTP library reads them. Raises
    ``ArgumentError`` for the first that it cannot use. The message names the variable, never the
    address, which may have a password.
    """
    for name in name_proxies():
        address = os.environ[name]
        # HTTPS_PROXY=proxy:3128
        if "://" not in address:
            address = f"http://{address}"
        try:
            httpx2.Client(proxy=address, trust_env=False, verify=False).close()
        except ImportError:
            remedy = "pip install socksio, or name an HTTP proxy"
            problem = "a SOCKS proxy needs a package that is not installed"
        except (ValueError, httpx2.InvalidURL):
            problem = "this is no address of a proxy"
            remedy = "write http://HOST:PORT, and in a password %23 for #, %2F for /, %3F for ?"
        else:
            continue
        raise ArgumentError(f"{name}: {problem}; {remedy}")
