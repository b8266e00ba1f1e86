"""The variables of proxies and certificates, as errors name them.

The libraries that read these variables name none of them, and repeat a part of a proxy's password.
"""

import os

import httpx2

from extractor.errors import ArgumentError

_NETWORK = frozenset(
    {"http_proxy", "https_proxy", "all_proxy", "ssl_cert_file", "ssl_cert_dir"}
)


def check_network(*, direct: bool = False) -> None:
    """Open and close a client as an SDK does: with the proxies of the environment, unless the way
    is ``direct``, and its certificates.

    Raises ``ArgumentError`` that names the variables, and shows no value of them.
    """
    try:
        certificates = httpx2.create_ssl_context()
        httpx2.Client(verify=certificates, trust_env=not direct).close()
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        problem = (
            f"cannot be used ({type(error).__name__}); write a proxy as http://HOST:PORT (# in a"
            " password as %23), and name a readable file of certificates in PEM"
        )
        raise ArgumentError(f"{name_variables()}: {problem}") from None


def name_variables(ending: str = "") -> str:
    """Name the variables of proxies and certificates that are set, those with this ending."""
    names = (name for name in os.environ if name.lower() in _NETWORK)
    return " or ".join(name for name in names if name.lower().endswith(ending))
