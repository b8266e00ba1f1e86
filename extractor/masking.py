"""Mask credentials in every text that leaves this process.

A credential is the value of an environment variable whose name says so (``OPENAI_API_KEY``,
``AWS_SESSION_TOKEN``), the user and password in an address or a proxy's variable, or what an
option or an argument gives (``remember``). Text leaves by errors (``extractor.errors``), events,
the streams of the command line, and the files and the store of a run; each of them calls ``mask``.
So does the reader of a service's replies, which may repeat a key.
"""

import io
import json
import os
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote

MASK = "***"

_OF_CREDENTIALS = frozenset(
    {
        "key",
        "apikey",
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pat",
        "credential",
        "credentials",
        "bearer",
        "auth",
        "authorization",
        "cookie",
    }
)
"""Words in the name of a credential: ``api_key``, ``x-api-key``, ``clientSecret``."""
_OF_OTHERS = frozenset(
    {
        "file",
        "path",
        "dir",
        "url",
        "uri",
        "sock",
        "name",
        "type",
        "version",
        "count",
        "mode",
        "host",
        "endpoint",
        "prompt",
        "cache",
        "stop",
        "eos",
        "bos",
        "pad",
        "special",
        "ids",
        "max",
        "min",
        "limit",
        "budget",
    }
)
"""Words that say of such a name that it is no credential: ``SSH_AUTH_SOCK``,
``prompt_cache_key``.
"""
_NAMES_A_FILE = frozenset({"GOOGLE_APPLICATION_CREDENTIALS"})
_OF_HEADERS = frozenset(
    {"extra_headers", "default_headers", "headers", "extra_query", "default_query"}
)
"""Options that hold headers or parameters of an address, most of which are credentials."""
_PLAIN_HEADERS = frozenset(
    {
        "accept",
        "content-type",
        "user-agent",
        "anthropic-beta",
        "anthropic-version",
        "openai-beta",
        "api-version",
    }
)

_USER = re.compile(r"(?<=://)[^\s/?#]*@")
_ADDRESS_WITH_USER = re.compile(r"\s*(?:([a-z][a-z0-9+.-]*)://)?(\S+)@", re.IGNORECASE)
"""The scheme, and what stands before the last ``@``: a password may have any character."""
_WORDS_OF_NAME = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")

_CERTAIN = 8
"""A credential of this length is masked. A shorter one may be an ordinary word or number."""
_SHORTEST = 4
_LONG = 16
"""A credential of this length is also found inside other words, and in parts."""
_PART = 12
"""Characters of a part that gives a long credential away. No other text has them by chance."""
_END = 3
"""Characters of a beginning or end beside stars or dots: ``sk-ab****wxyz``."""
_WORD = re.compile(rf"[\w+/=.~%-]{{{_PART},}}")
_LIKE_KEYS = re.compile(
    r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE
)
_STARRED = re.compile(r"(?<![\w-])([\w-]*)(?:\*{2,}|•+|…|\.{2,})([\w-]*)")

_remembered: set[str] = set()


def mask(text: str) -> str:
    """Replace each credential in the text, and each user and password in an address, by ``***``.

    >>> remember("4f9c-11aa-77b2-e0d5")
    >>> mask(
    ...     "the key 4f9c-11aa-77b2-e0d5 of http://me:pw@host is unknown; yours is ...e0d5"
    ... )
    'the key *** of http://***@host is unknown; yours is ***'
    """
    if "://" in text:
        text = _USER.sub(f"{MASK}@", text)
    return mask_known(text)


def mask_known(text: str) -> str:
    """Replace each credential that is known, in any form in which a server may repeat it, and no
    other text: in a model's answer, an address with a user is the record's.

    Short credentials are replaced as whole words, long ones anywhere, also if they are cut or have
    stars in their middle.
    """
    forms = _list_forms(_list_credentials())
    if forms is None:
        return text
    for form in forms.anywhere:
        text = text.replace(form, MASK)
    if forms.words:
        text = forms.words.sub(MASK, text)
    if forms.long:
        # Servers repeat a key in part: cut at its end, or with stars in its middle.
        text = _WORD.sub(forms.mask_part, text)
        text = _STARRED.sub(forms.mask_starred, text)
    return text


def hide_keys(text: str) -> str:
    """Mask also whatever looks like a key, in what a server says: it may name one of another user.

    >>> hide_keys("no connection to http://me:pw@host; Bearer abc")
    'no connection to http://***@host; Bearer ***'
    """
    return _LIKE_KEYS.sub(MASK, mask(text))


def mask_values(content: Any) -> Any:
    """Mask all texts in JSON-like data. The names of an object stay.

    >>> mask_values({"inputs": ["s3://me:pw@store/trials"], "count": 3})
    {'inputs': ['s3://***@store/trials'], 'count': 3}
    """
    if isinstance(content, str):
        return mask(content)
    if isinstance(content, Mapping):
        return {name: mask_values(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [mask_values(value) for value in content]
    return content


def mask_error(error: BaseException) -> None:
    """Mask the message of a library's error, and those of its causes, where they stand."""
    masked: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in masked:  # causes may form a circle
        masked.add(id(cause))
        cause.args = tuple(
            mask(part) if isinstance(part, str) else part for part in cause.args
        )
        message = getattr(cause, "message", None)
        if isinstance(message, str):
            cause.message = mask(message)  # type: ignore[attr-defined]
        cause = cause.__cause__ or cause.__context__


class MaskedStream(io.TextIOWrapper):
    """A text stream that masks what is written to it: tracebacks, warnings and logs of libraries,
    too.

    ``original`` is the stream in place of which it stands, which would close the file if nothing
    held it.
    """

    original: TextIO

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.original.isatty()

    def write(self, text: str) -> int:
        """Write the text without credentials. Returns the number of characters that were given."""
        super().write(mask(text))
        return len(text)


def mask_standard_error() -> None:
    """Mask what this process writes to standard error from now on. Does nothing if that is no
    ordinary stream, or is masked already.
    """
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, MaskedStream):
        return
    masked = MaskedStream(
        stream.buffer,
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
    )
    masked.original = stream
    sys.stderr = masked


def remember(secret: str | None) -> None:
    """Mask this credential from now on. It is one that the environment does not name."""
    if secret and secret.strip():
        _remembered.add(secret.strip())


def remember_options(options: Mapping[str, Any]) -> None:
    """Mask the credentials in the parameters of a request from now on."""
    for credential in _find_credentials(options, in_headers=False):
        remember(credential)
        remember(credential.rpartition(" ")[2])  # the key alone of "Bearer ..."


def without_credentials(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request with ``***`` in place of each credential, judged by its
    name.

    >>> without_credentials(
    ...     {
    ...         "top_k": 4,
    ...         "api_key": "abc",
    ...         "extra_headers": {"X-Tenant": "t7", "Accept": "text/plain"},
    ...     }
    ... )
    {'top_k': 4, 'api_key': '***', 'extra_headers': {'X-Tenant': '***', 'Accept': 'text/plain'}}
    """
    return {
        name: _hide(name, value, in_headers=False) for name, value in options.items()
    }


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
    words = {word.lower() for word in _WORDS_OF_NAME.split(name)}
    if words & _OF_OTHERS or name in _NAMES_A_FILE:
        return False
    return bool(words & _OF_CREDENTIALS)


def _find_credentials(options: Mapping[str, Any], *, in_headers: bool) -> Iterator[str]:
    """Yield the credentials among options, and within them. ``in_headers``: they are headers or
    parameters of an address, most of which are credentials.
    """
    for name, value in options.items():
        if isinstance(value, Mapping):
            inside = in_headers or name in _OF_HEADERS
            yield from _find_credentials(value, in_headers=inside)
        elif _is_credential(name, value, in_headers=in_headers):
            yield str(value)


def _hide(name: str, value: Any, *, in_headers: bool) -> Any:
    """Return the value of an option with ``***`` in place of each credential, judged by the names
    of the option and of what is within it. Texts that are none are masked as any text.
    """
    if isinstance(value, Mapping):
        inside = in_headers or name in _OF_HEADERS
        return {
            inner: _hide(inner, part, in_headers=inside)
            for inner, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide(name, part, in_headers=in_headers) for part in value]
    if _is_credential(name, value, in_headers=in_headers):
        return MASK
    return mask_values(value)


def _is_credential(name: str, value: Any, *, in_headers: bool) -> bool:
    """Return whether a value is a credential by its name; in headers each is, except a few plain
    ones. Nothing, "" and truth values are none.
    """
    if value is None or value == "" or isinstance(value, bool):
        return False
    if in_headers:
        return name.lower() not in _PLAIN_HEADERS
    return names_credential(name)


def _list_credentials() -> frozenset[str]:
    """List the credentials of the environment, and those that were remembered: the values of
    variables whose names say so, headers, and users in addresses.
    """
    credentials = set(_remembered)
    for name, value in os.environ.items():
        if names_credential(name):
            credentials.add(value.strip())
        elif name.endswith("_CUSTOM_HEADERS"):
            # As Anthropic's SDK reads them: a name and a value in each line.
            for line in value.splitlines():
                _, _, header = line.partition(":")
                credentials.add(header.strip())
        elif "@" in value:
            credentials.update(_list_users(name, value))
    return frozenset(credentials)


def _list_users(name: str, value: str) -> Iterator[str]:
    """Yield the user with its password in an address, and the password alone, as written and
    without the codes of addresses.

    ``name`` is the variable that holds the address: without a scheme, only that of a proxy is one.
    """
    address = _ADDRESS_WITH_USER.match(value)
    if address is None:
        return
    scheme, user = address.groups()
    # an address of mail
    if scheme is None and not name.lower().endswith("_proxy"):
        return
    yield user
    yield unquote(user)
    _, colon, password = user.partition(":")
    if colon:
        yield password
        yield unquote(password)


@dataclass(frozen=True, slots=True)
class _Forms:
    """What credentials look like.

    Attributes:
        anywhere: Texts to mask wherever they stand.
        words: The short credentials, to mask as whole words; None without any.
        long: The long credentials.
        parts: All parts of long credentials: a word with one of them is masked.
    """

    anywhere: tuple[str, ...]
    words: re.Pattern[str] | None
    long: tuple[str, ...]
    parts: frozenset[str]

    def have_part_of(self, word: str) -> bool:
        """Return whether a word has a part of a long credential, which was cut."""
        starts = range(len(word) - _PART + 1)
        return any(word[start : start + _PART] in self.parts for start in starts)

    def have_ends_of(self, before: str, after: str) -> bool:
        """Return whether the beginning or end of a long credential stands beside stars."""
        for secret in self.long:
            if len(before) >= _END and secret.startswith(before):
                return True
            if len(after) >= _END and secret.endswith(after):
                return True
        return False

    def mask_part(self, word: re.Match[str]) -> str:
        """Return what stands for a long word."""
        return MASK if self.have_part_of(word[0]) else word[0]

    def mask_starred(self, starred: re.Match[str]) -> str:
        """Return what stands for a word with stars or dots in it."""
        before, after = starred.groups()
        return MASK if self.have_ends_of(before, after) else starred[0]


@lru_cache(maxsize=8)
def _list_forms(credentials: frozenset[str]) -> _Forms | None:
    """Return the forms in which credentials may stand in a text. Those that are so short or plain
    that they may be ordinary words are left out; None if none is left.

    Base64 of a credential is a form of any of them. A credential of 16 characters or more is found
    inside other words and in parts, a shorter one only as a whole word.
    """
    secrets = [secret for secret in credentials if _is_worth_masking(secret)]
    if not secrets:
        return None
    anywhere: set[str] = set()
    words: set[str] = set()
    long: list[str] = []
    parts: set[str] = set()
    for secret in secrets:
        anywhere.update(_encode(secret))
        if len(secret) < _LONG:
            words.update(_write(secret))
            continue
        anywhere.update(_write(secret))
        long.append(secret)
        parts.update(_cut(secret))
    # The longest first: a form may be a part of another one.
    longest_first = sorted(words, key=len, reverse=True)
    any_word = "|".join(map(re.escape, longest_first))
    return _Forms(
        anywhere=tuple(sorted(anywhere, key=len, reverse=True)),
        words=re.compile(rf"(?<![\w-])(?:{any_word})(?![\w-])") if words else None,
        long=tuple(long),
        parts=frozenset(parts),
    )


def _is_worth_masking(secret: str) -> bool:
    """Return whether a text is hardly anything but a credential.

    >>> [
    ...     secret
    ...     for secret in ("none", "EMPTY", "2024", "hunter2", "longer-one")
    ...     if _is_worth_masking(secret)
    ... ]
    ['hunter2', 'longer-one']
    """
    if len(secret) >= _CERTAIN:
        return True
    return len(secret) >= _SHORTEST and not secret.isalpha() and not secret.isdigit()


def _write(secret: str) -> set[str]:
    """Return a credential as it is, and as an address, JSON and HTML write it."""
    content = secret.encode("utf-8", "surrogateescape")
    in_address = {quote(content), quote(content, safe=""), quote_plus(content)}
    return {secret, json.dumps(secret)[1:-1], escape(secret)} | in_address


def _encode(secret: str) -> Iterator[str]:
    """Yield what Base64 makes of a credential behind any other text, as in ``user:key``.

    The characters at its edges depend on its neighbours, and are left out.
    """
    content = secret.encode("utf-8", "surrogateescape")
    # Base64 writes 3 bytes as 4 characters, so only the number of bytes before, modulo 3, matters.
    for before in range(3):
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        if last - first < _CERTAIN:
            continue
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + content).decode()[first:last]


def _cut(secret: str) -> Iterator[str]:
    """Yield the parts of a long credential, any of which gives it away."""
    for start in range(len(secret) - _PART + 1):
        yield secret[start : start + _PART]
