"""The variables of proxies and certificates, as errors name them.

The libraries that read these variables name none of them, and repeat a part of a proxy's password.
"""

import os

import httpx2

from extractor.errors import ArgumentError

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def check_network(*, direct: bool = False) -> None:
    """Open and close a client, as every SDK opens one: with the proxies of the environment, unless
    the way is ``direct``, and its certificates.

    Raises ``ArgumentError`` that names the variables, and shows neither address nor password.
    """
    try:
        certificates = httpx2.create_ssl_context()
        httpx2.Client(verify=certificates, trust_env=not direct).close()
    # also an SSLError
    except OSError as error:
        problem = f"no certificates can be read ({error.strerror})"
        remedy = "name a file of certificates in PEM, or unset it"
        raise ArgumentError(f"SSL_CERT_FILE: {problem}; {remedy}") from None
    except ImportError:
        problem = "a SOCKS proxy needs a package that is not installed"
        remedy = "pip install socksio, or name an HTTP proxy"
    except (ValueError, httpx2.InvalidURL):
        problem = "this is no address of a proxy"
        remedy = (
            "write http://HOST:PORT, and in a password %23 for #, %2F for /, %3F for ?"
        )
    else:
        return
    raise ArgumentError(f"{' or '.join(name_proxies())}: {problem}; {remedy}")


def name_proxies() -> tuple[str, ...]:
    """Name the variables of proxies that are set."""
    return tuple(name for name in os.environ if name.lower() in _PROXIES)
