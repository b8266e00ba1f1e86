"""The variables of proxies and certificates, as errors name them.

The libraries that read these variables name none of them, and repeat a part of a proxy's password.
"""

import os

import httpx2

from extractor.errors import ArgumentError

_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


def check_network(*, direct: bool = False) -> None:
    """Open and close a client as an SDK does: with the proxies of the environment, unless the way
    is ``direct``, and its certificates.

    Raises ``ArgumentError`` that names the variables, and shows no value of them.
    """
    try:
        certificates = httpx2.create_ssl_context()
        httpx2.Client(verify=certificates, trust_env=not direct).close()
    # also an SSLError
    except OSError as error:
        problem = f"cannot be used ({type(error).__name__}); name a file in PEM"
        raise ArgumentError(f"SSL_CERT_FILE: {problem}") from None
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        problem = (
            f"cannot be used ({type(error).__name__}); write http://HOST:PORT, and in a password"
            " %23 for #, %2F for /, %3F for ?"
        )
        raise ArgumentError(f"{name_proxies()}: {problem}") from None


def name_proxies() -> str:
    """Name the variables of proxies that are set."""
    return " or ".join(name for name in os.environ if name.lower() in _PROXIES)
