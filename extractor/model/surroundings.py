"""Check what the environment says about keys, proxies and certificates, before anything is sent.

The libraries that read these variables name none of them: a proxy's port that is no number ends in
a traceback with a part of the password, and a missing file of certificates in an error without its
name. Here each fault is one line that names the variable, and never shows the value of a key or a
proxy.
"""

import os
import re
import ssl
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from extractor.errors import ArgumentError
from extractor.model.providers import list_providers
from extractor.model.spec import ModelSpec, read_key

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_SCHEMES = frozenset({"http", "https"})
_SOCKS = frozenset({"socks5", "socks5h"})
_USER = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(.*)@", re.IGNORECASE)
_HIGHEST_PORT = 65535


def check_surroundings(spec: ModelSpec) -> None:
    """Check the variables that decide how a model is reached.

    Raises ``ArgumentError`` for a key with white space, and for an address, a proxy or certificates
    that no library can use.
    """
    provider = list_providers()[spec.provider]
    for name in _list_key_names(spec):
        read_key(os.environ.get(name), name)
    if provider.address:
        _check_address(provider.address, spec.base_url or os.environ.get(provider.address))
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
    readable = [
        folder for folder in folders.split(os.pathsep) if os.access(folder, os.R_OK | os.X_OK)
    ]
    if not any(Path(folder).is_dir() for folder in readable):
        raise ArgumentError(
            f"SSL_CERT_DIR: {folders} is no folder that can be read; name a folder of "
            "certificates, or unset it"
        )
    return context or ssl.create_default_context(capath=folders)


def _check_certificates(name: str) -> ssl.SSLContext | None:
    """Read the file of certificates that a variable names, or its folder, as OpenSSL does."""
    path = os.environ.get(name)
    if not path:
        return None
    remedy = "name a file of certificates in PEM, or unset it"
    try:
        return ssl.create_default_context(cafile=path)
    except FileNotFoundError:
        raise ArgumentError(f"{name}: there is no file {path}; {remedy}") from None
    except ssl.SSLError:
        raise ArgumentError(
            f"{name}: {path} holds no certificate that can be read; {remedy}"
        ) from None
    except OSError as error:
        raise ArgumentError(f"{name}: {path} cannot be read ({error.strerror}); {remedy}") from None


def _list_key_names(spec: ModelSpec) -> Iterator[str]:
    """Yield the variables from which the SDK of a model may take a credential."""
    if (
        spec.api_key or spec.is_compatible
    ):  # it was checked when it was given; or the SDK reads none
        return
    provider = list_providers()[spec.provider]
    if provider.key:
        yield provider.key
    yield from provider.secrets
    if spec.provider == "litellm":  # litellm/cohere/command: the key is that of its provider
        yield f"{spec.name.partition('/')[0].upper()}_API_KEY"
        for other in list_providers().values():
            yield from filter(None, (other.key, *other.secrets))


def _check_address(name: str, address: str | None) -> None:
    if not address:
        return
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        httpx2.URL(address)
    except (ValueError, httpx2.InvalidURL):
        is_usable = False
    if not is_usable:
        raise ArgumentError(
            f"{name}: this is no address of a service; write https://HOST:PORT/PATH"
        )


def name_proxies() -> tuple[str, ...]:
    """Name the variables of the proxies that the libraries take, in the order of their
    precedence.
    """
    names = _find_names()
    set_ones = tuple(name for lower in _PROXIES if (name := names.get(lower)) and os.environ[name])
    return () if "*" in _list_exceptions() else set_ones


def _check_proxies() -> None:
    """Check the proxies that the libraries would take. Raises ``ArgumentError`` that names the
    variable.
    """
    proxies = name_proxies()
    for name in proxies:
        if problem := _find_problem(os.environ[name]):
            raise ArgumentError(f"{name}: {problem}")
    wrong = [entry for entry in _list_exceptions() if not _is_host(entry)]
    if proxies and wrong:
        remedy = "write hosts with commas between them, such as localhost,.example.org,10.0.0.0/8"
        variable = _find_names()["no_proxy"]
        raise ArgumentError(
            f"{variable}: {wrong[0]!r} is no host, so a proxy would be asked for it; {remedy}"
        )


def _list_exceptions() -> list[str]:
    """List the hosts that are asked without a proxy."""
    variable = _find_names().get("no_proxy", "")
    return [host for entry in os.environ.get(variable, "").split(",") if (host := entry.strip())]


def _find_names() -> Mapping[str, str]:
    """Map the names of proxy variables in lower case to those that are set; of two, the one in
    lower case counts.
    """
    names = {name.lower(): name for name in os.environ if name.lower().endswith("_proxy")}
    return names | {name: name for name in names if name in os.environ}


def _find_problem(proxy: str) -> str | None:
    """Say what is wrong with the address of a proxy, without any of it."""
    if any(character.isspace() or not character.isprintable() for character in proxy):
        return (
            "the address of the proxy has white space or a control character; set it again without"
        )
    address = proxy if "://" in proxy else f"http://{proxy}"
    user = _USER.match(address)
    if user and re.search(r"[#/?]", user[1]):
        codes = "%23 for #, %2F for /, %3F for ?"
        return (
            f"the user or password of the proxy has a character that ends an address; write {codes}"
        )
    return _find_unusable_scheme(address) or _find_unusable_host(address)


def _find_unusable_scheme(address: str) -> str | None:
    scheme = address.partition("://")[0].lower()
    if scheme not in _SCHEMES | _SOCKS:
        return "the proxy is of an unknown kind; write http://HOST:PORT"
    if scheme in _SOCKS and find_spec("socksio") is None:
        return (
            "a SOCKS proxy needs a package that is not installed; pip install socksio, or name "
            "an HTTP proxy"
        )
    return None


def _find_unusable_host(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        has_port = parts.port != 0
    except ValueError:
        has_port = False
    if not has_port:
        return (
            f"the port of the proxy is no number from 1 to {_HIGHEST_PORT}; write http://HOST:PORT"
        )
    if not parts.hostname:
        return "the address of the proxy has no host; write http://HOST:PORT"
    try:
        httpx2.Proxy(address)
    except (ValueError, httpx2.InvalidURL):
        return "this is no address of a proxy; write http://HOST:PORT"
    return None


def _is_host(entry: str) -> bool:
    """Return whether an entry of NO_PROXY is one that a host can be compared with."""
    if any(map(str.isspace, entry)):
        return False
    try:
        ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    else:
        return True
    try:
        httpx2.URL(entry if "://" in entry else f"all://{entry.removeprefix('*')}")
    except (ValueError, httpx2.InvalidURL):
        return False
    return True
