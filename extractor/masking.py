"""Mask credentials in every text that leaves this process.

A credential is the value of an environment variable whose name indicates it (``OPENAI_API_KEY``,
``AWS_SESSION_TOKEN``), a header in one of ``ANTHROPIC_CUSTOM_HEADERS``, the user and password in an
address or a proxy's variable, or what an option, an argument or an SDK gives (``remember``). Text
leaves by errors (``extractor.errors``), events, standard error, and the files and the store of a
run; each of them calls ``mask``. So does the reader of a service's replies, which may repeat a key:
as it is, cut, with stars, or encoded. To mask another kind of name, edit ``_NAMES_CREDENTIAL``; to
find another way to write a key, edit ``_list_forms``.
"""

import json
import os
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "***"

_NAMES_CREDENTIAL = re.compile(
    r"\b(?:(?:api)?keys?\d*|token|secrets?|passwords?|passwd|passphrase|pat|credentials?|bearer"
    r"|auth|authorization|cookie)\b"
)
"""Words in the name of a credential: ``api_key``, ``x-api-key``, ``clientSecret``."""
_NAMES_OTHER = re.compile(
    r"\b(?:file|path|dir|url|uri|sock|name|type|version|count|mode|host|endpoint|prompt|cache"
    r"|stop|eos|bos|pad|special|ids|max|min|limit|budget|application credentials)\b"
)
"""Words in other names: ``SSH_AUTH_SOCK``, ``prompt_cache_key``."""
_NAMES_PASSWORD = re.compile(
    r"(?:password|passwd|secret|(?:pg|\bdb )pass|\bmysql pwd)s?$|\b(?:endpoint|host|api) key$"
)
"""Ends of names that are those of credentials, whatever is before."""
_HEADERS = re.compile(r"(?:extra_|default_)?headers|(?:extra|default)_query")
"""Options whose values are headers or parameters of an address, most of which are credentials."""
_PLAIN_HEADER = re.compile(
    r"accept|content-type|user-agent|anthropic-(?:beta|version)|openai-beta|api-version"
)
_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+", re.IGNORECASE)

_USER = re.compile(r"://[^\s/?#]*@")
"""A password may contain a slash, or a # before any slash. The name of a model follows a #."""
_USER_OF_ADDRESS = re.compile(r"^([^/]*//)(?:[^#]*|[^/]*)@")
_ADDRESS_WITH_USER = re.compile(r"\s*(?:([a-z][a-z0-9+.-]*)://)?(\S+)@", re.IGNORECASE)
"""The scheme, and the text before the last ``@``: a password may have any character."""

_CERTAIN = 8
"""A credential of this length is masked. A shorter one may be an ordinary word or number."""
_SHORTEST = 4
_LONG = 16
"""A credential of this length is also found inside other words, and in parts."""
_PART = 12
"""Characters of a part that gives a long credential away. No other text has them by chance."""
_WORD = re.compile(rf"[\w+/=.~%-]{{{_PART},}}")
_STARRED = re.compile(
    r"(?<![\w-])(?:([\w-]{3,})|[\w-]{0,2})(?:\*{2,}|•+|…|\.{2,})([\w-]{3,})?"
)
"""A beginning or end of three characters beside stars or dots: ``sk-ab****wxyz``."""
_LIKE_KEY = re.compile(r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)

_remembered: set[str] = set()


def mask(text: str) -> str:
    """Replace each credential in the text, and each user and password in an address, by ``***``.

    >>> remember("4f9c-11aa-77b2-e0d5")
    >>> mask(
    ...     "the key 4f9c-11aa-77b2-e0d5 of http://me:pw@host is unknown; yours is ...e0d5"
    ... )
    'the key *** of http://***@host is unknown; yours is ***'
    """
    return mask_known(_USER.sub(f"://{MASK}@", text))


def mask_known(text: str) -> str:
    """Replace each known credential, in any form in which a server may repeat it, and no other
    text: in a model's answer, an address with a user is the record's.

    Short credentials are replaced as whole words, long ones anywhere, even if they are cut or
    have stars in the middle.
    """
    forms = _list_forms(_list_credentials())
    text = forms.exact.sub(MASK, text)
    text = _WORD.sub(forms.mask_part, text)
    return _STARRED.sub(forms.mask_starred, text)


def hide_keys(text: str) -> str:
    """Also mask words that look like keys, in what a server states: it may name another user's.

    >>> hide_keys("no connection to http://me:pw@host; Bearer abc")
    'no connection to http://***@host; Bearer ***'
    """
    return _LIKE_KEY.sub(MASK, mask(text))


def hide_user(url: str) -> str:
    """Replace the user and password in an address by ``***``. The name after ``#`` is
    unchanged, even if it contains an @.

    >>> hide_user("http://me:p@ss@host/v1"), hide_user("http://host/v1#org/name@2")
    ('http://***@host/v1', 'http://host/v1#org/name@2')
    """
    return _USER_OF_ADDRESS.sub(rf"\1{MASK}@", url)


def mask_standard_error() -> None:
    """Mask what this process writes to standard error from now on, including tracebacks,
    warnings and logs of libraries.
    """
    if sys.stderr:
        write = sys.stderr.write
        sys.stderr.write = lambda text: write(mask(text))  # type: ignore[method-assign]


def remember(secret: str | None) -> None:
    """Mask this credential from now on. The environment does not contain it."""
    if secret:
        _remembered.add(secret.strip())


def remember_options(options: Mapping[str, Any]) -> None:
    """Mask the credentials in the parameters of a request from now on."""
    _hide("", options)


def without_credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request with ``***`` instead of each credential, judged by its
    name; it is masked from now on.

    >>> without_credentials(
    ...     {
    ...         "top_k": 4,
    ...         "api_key": "abc",
    ...         "extra_headers": {"X-Tenant": "t7", "Accept": "text/plain"},
    ...     }
    ... )
    {'top_k': 4, 'api_key': '***', 'extra_headers': {'X-Tenant': '***', 'Accept': 'text/plain'}}
    """
    return dict(_hide("", options))


@cache
def names_credential(name: str) -> bool:
    """Return whether something of this name is a credential.

    >>> [
    ...     name
    ...     for name in ("XAI_API_KEY", "x-api-key", "max_tokens", "SSH_AUTH_SOCK")
    ...     if names_credential(name)
    ... ]
    ['XAI_API_KEY', 'x-api-key']
    """
    words = _BETWEEN_WORDS.sub(" ", name).lower()
    if _NAMES_PASSWORD.search(words):
        return True
    return bool(_NAMES_CREDENTIAL.search(words)) and not _NAMES_OTHER.search(words)


def _hide(name: str, value: Any) -> Any:
    """Return the value of an option with ``***`` instead of each credential in it, which is
    remembered. Other texts are masked as any text.
    """
    if isinstance(value, Mapping):
        is_header = bool(_HEADERS.fullmatch(name))
        hidden = {}
        for key, part in value.items():
            is_secret = is_header and not _PLAIN_HEADER.fullmatch(key.lower())
            hidden[key] = _hide("secret" if is_secret else key, part)
        return hidden
    if isinstance(value, list | tuple):
        return [_hide(name, part) for part in value]
    if names_credential(name) and value and not isinstance(value, bool):
        remember(str(value))
        return MASK
    return mask(value) if isinstance(value, str) else value


def _list_credentials() -> frozenset[str]:
    """List the credentials of the environment, and those that were remembered."""
    found = set(_remembered)
    for name, value in os.environ.items():
        if names_credential(name):
            found.add(value.strip())
        elif name.endswith("_CUSTOM_HEADERS"):
            # as Anthropic's SDK reads them: a name and a value in each line
            found.update(re.findall(r":\s*(.*\S)", value))
        elif "@" in value:
            found.update(_list_users(name, value))
    return frozenset(found)


def _list_users(name: str, value: str) -> Iterator[str]:
    """Yield the user with its password in an address, and the password alone, as written and
    without the codes of addresses.

    ``name`` is the variable of the address. Without a scheme, only a proxy's is an address.
    """
    address = _ADDRESS_WITH_USER.match(value)
    is_proxy = name.lower().endswith("_proxy")
    # an address of mail has no scheme
    if address and (is_proxy or address[1]):
        for user in (address[2], unquote(address[2])):
            yield user
            yield user.partition(":")[2]


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of credentials in a text: ``exact`` matches whole ones, ``parts`` has each part of
    the ``long`` ones.
    """

    exact: re.Pattern[str]
    long: list[str]
    parts: set[str]

    def mask_part(self, word: re.Match[str]) -> str:
        """Mask a word with a part of a long credential: servers repeat a key in part."""
        # a copy, which each word[0] would be again
        text = word[0]
        starts = range(len(text) - _PART + 1) if self.parts else ()
        is_secret = any(text[n : n + _PART] in self.parts for n in starts)
        return MASK if is_secret else text

    def mask_starred(self, starred: re.Match[str]) -> str:
        """Mask a word with stars or dots beside the beginning or end of a long credential."""
        # no credential has a line break
        before, after = starred.groups("\n")
        for secret in self.long:
            if secret.startswith(before) or secret.endswith(after):
                return MASK
        return starred[0]


@lru_cache(maxsize=8)
def _list_forms(credentials: frozenset[str]) -> _Forms:
    """Return the forms in which credentials may be in a text: as they are, as an address, JSON and
    HTML write them, in Base64, and in parts.

    Credentials that may be ordinary words or numbers have none. One of 16 characters or more is
    found inside other words and in parts, a shorter one only as a whole word.
    """
    exact: list[str] = []
    long: list[str] = []
    parts: set[str] = set()
    for whole in credentials:
        secret = _SCHEME.sub("", whole)
        is_plain = len(secret) < _SHORTEST or secret.isalpha() or secret.isdigit()
        if is_plain and len(secret) < _CERTAIN:
            continue
        content = secret.encode("utf-8", "surrogateescape")
        exact += _encode(content)
        written = {secret, json.dumps(secret)[1:-1], escape(secret)}
        written |= {quote(content), quote(content, safe=""), quote_plus(content)}
        escaped = map(re.escape, written)
        if len(secret) < _LONG:
            exact += [rf"(?<![\w-]){form}(?![\w-])" for form in escaped]
            continue
        exact += escaped
        long.append(secret)
        parts |= {secret[n : n + _PART] for n in range(len(secret) - _PART + 1)}
    # the longest first, as a form may be a part of another one; without any, match nothing
    exact.sort(key=len, reverse=True)
    return _Forms(re.compile("|".join(exact) or "(?!)"), long, parts)


def _encode(content: bytes) -> Iterator[str]:
    """Yield Base64 of a credential behind any other text, as in ``user:key``.

    The characters at its edges depend on its neighbours, and are left out.
    """
    # Base64 writes 3 bytes as 4 characters, so only the number of bytes before, modulo 3, matters.
    for before, start in enumerate((0, 2, 3)):
        end = (before + len(content)) * 8 // 6
        encoded = b64encode(bytes(before) + content).decode()[start:end]
        if len(encoded) >= _CERTAIN:
            yield re.escape(encoded)
            yield re.escape(encoded.replace("+", "-").replace("/", "_"))
