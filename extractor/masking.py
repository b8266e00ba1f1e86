"""Mask credentials in every text that leaves this process.

What counts as a credential: the value of each environment variable whose name says so
(``OPENAI_API_KEY``, ``AWS_SESSION_TOKEN``), user and password in an address or a proxy's variable,
and what an option or an argument gives (``remember``). Text leaves by errors
(``extractor.errors``), events, the streams of the command line, the files and the store of a run;
each of them calls ``mask``. So does the reader of a service's replies, which may repeat a key.

A credential is masked as it is, cut, encoded for an address, in JSON or in Base64, and with stars
in its middle.
"""

import io
import json
import os
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
SHORTEST = 8
"""A shorter secret is masked only if it is no ordinary word or number, since masking it would
spoil these.
"""
_SHORTEST_ODD = 4
_LONG = 16
"""A credential of this length is found inside other words, and in parts. No other text has it by
chance.
"""
_PART = 8
_PLAIN_PART = 12
"""Characters of a part that is masked: with letters and digits, and with any."""
_END = 4
"""Characters of its beginning or end that are masked as a word of their own: ``...b2c1``."""
_STARRED_END = 3
"""Characters beside stars or dots that are masked: ``abc****xyz``."""

_OF_CREDENTIALS = frozenset(
    {
        "key",
        "apikey",
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "credentials",
        "bearer",
    }
    | {"auth", "authorization", "cookie", "pat"}
)
"""Words of names: ``api_key``, ``x-api-key``, ``clientSecret``."""
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
    }
    | {
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
"""Words of names that are of no credential, though they have one of those: ``SSH_AUTH_SOCK``,
``prompt_cache_key``.
"""
_PATHS = frozenset({"GOOGLE_APPLICATION_CREDENTIALS", "AWS_WEB_IDENTITY_TOKEN_FILE"})
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
_USER_OF_ADDRESS = re.compile(r"\s*(?:([a-z][a-z0-9+.-]*)://)?(\S+)@", re.IGNORECASE)
"""The scheme, and what stands before the last ``@``: a password may have any character, though
it should not.
"""
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-=")
_STARS = frozenset("*•…xX.")

_remembered: set[str] = set()


def mask(text: str) -> str:
    """Replace each credential in the text, and each user and password in an address, by ``***``.

    >>> remember("4f9c-11aa-77b2-e0d5")
    >>> mask("the key 4f9c-11aa-77b2-e0d5 of http://me:pw@host is unknown; yours ends in e0d5")
    'the key *** of http://***@host is unknown; yours ends in ***'
    """
    return mask_known(_USER.sub(f"{MASK}@", text) if "://" in text else text)


def mask_known(text: str) -> str:
    """Replace each credential that is known. In a model's answer, any other text is the
    record's.
    """
    matcher = _matcher(_list_credentials())
    spans = matcher.find(text) if matcher else []
    for start, end in reversed(spans):
        text = text[:start] + MASK + text[end:]
    return text


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
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        one.args = tuple(mask(part) if isinstance(part, str) else part for part in one.args)
        if isinstance(message := getattr(one, "message", None), str):
            one.message = mask(message)  # type: ignore[attr-defined]
        one = one.__cause__ or one.__context__


def remember(secret: str | None) -> None:
    """Mask this credential from now on. It is one that the environment does not name."""
    if secret and secret.strip():
        _remembered.add(secret.strip())


def remember_options(options: Mapping[str, Any]) -> None:
    """Mask the credentials in the parameters of a request from now on."""
    for credential in _find_credentials(options):
        remember(credential)


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
    return {name: _hide(name, value, in_headers=False) for name, value in options.items()}


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
    words = {word.lower() for word in _WORDS.split(name)}
    return bool(words & _OF_CREDENTIALS) and not words & _OF_OTHERS and name not in _PATHS


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
    """Mask what this process writes to standard error from now on."""
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, MaskedStream):
        return
    masked = MaskedStream(
        stream.buffer, stream.encoding, stream.errors, line_buffering=stream.line_buffering
    )
    masked.original = stream
    sys.stderr = masked


class _Kind(IntEnum):
    """Where a form of a credential is masked."""

    ANYWHERE = 0
    WORD = 1
    BEFORE_STARS = 2
    AFTER_STARS = 3
    ENCODED = 4


@dataclass(frozen=True, slots=True)
class _Form:
    length: int
    kind: _Kind


class _Matcher:
    """Finds all forms of some credentials in one pass."""

    def __init__(self, credentials: Collection[str]) -> None:
        import ahocorasick  # noqa: PLC0415 - few processes have a credential

        self._forms: dict[str, _Form] = {}
        for credential in credentials:
            for text, kind in _list_forms(credential):
                known = self._forms.get(text)
                if known is None or kind < known.kind:
                    self._forms[text] = _Form(len(text), kind)
        self._automaton = ahocorasick.Automaton()
        for text, form in self._forms.items():
            self._automaton.add_word(text, form)
        self._automaton.make_automaton()

    def find(self, text: str) -> list[tuple[int, int]]:
        """Find the places to mask, in order, none of which overlap."""
        spans: list[tuple[int, int]] = []
        for last, form in self._automaton.iter(text):
            start = last + 1 - form.length
            end = last + 1
            if not _is_in_place(text, start, end, form.kind):
                continue
            if form.kind is _Kind.ENCODED:
                start, end = _widen(text, start, end)
            spans.append((start, end))
        return _join(sorted(spans))


def _list_credentials() -> frozenset[str]:
    """List the credentials of the environment, and those that were remembered."""
    found = set(_remembered)
    for name, value in os.environ.items():
        if names_credential(name):
            found.add(value.strip())
        elif name.endswith(
            "_CUSTOM_HEADERS"
        ):  # as Anthropic's SDK reads them: a name and a value a line
            found.update(line.partition(":")[2].strip() for line in value.splitlines())
        elif "@" in value:
            found.update(_list_users(name, value))
    return frozenset(found)


def _list_users(name: str, value: str) -> Iterator[str]:
    """Yield the user with its password in an address, and the password alone."""
    found = _USER_OF_ADDRESS.match(value)
    if found is None or not (found[1] or name.lower().endswith("_proxy")):
        return
    user = found[2]
    _, colon, password = user.partition(":")
    yield user
    yield unquote(user)
    if colon:
        yield password
        yield unquote(password)


def _find_credentials(options: Mapping[str, Any], *, in_headers: bool = False) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _find_credentials(value, in_headers=in_headers or name in _OF_HEADERS)
        elif _is_hidden(name, value, in_headers=in_headers):
            text = str(value)
            yield text
            yield text.rpartition(" ")[2]  # the key alone of "Bearer ..."


def _hide(name: str, value: Any, *, in_headers: bool) -> Any:
    if isinstance(value, Mapping):
        inside = in_headers or name in _OF_HEADERS
        return {each: _hide(each, one, in_headers=inside) for each, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(name, one, in_headers=in_headers) for one in value]
    if _is_hidden(name, value, in_headers=in_headers):
        return MASK
    return mask_values(value)


def _is_hidden(name: str, value: Any, *, in_headers: bool) -> bool:
    if value is None or isinstance(value, bool) or value == "":
        return False
    return names_credential(name) or (in_headers and name.lower() not in _PLAIN_HEADERS)


@lru_cache(maxsize=8)
def _matcher(credentials: frozenset[str]) -> _Matcher | None:
    worth = [one for one in credentials if _is_worth_masking(one)]
    return _Matcher(worth) if worth else None


def _is_worth_masking(secret: str) -> bool:
    """Return whether a text is hardly anything but a credential.

    >>> [
    ...     secret
    ...     for secret in ("none", "EMPTY", "2024", "hunter2", "longer-one")
    ...     if _is_worth_masking(secret)
    ... ]
    ['hunter2', 'longer-one']
    """
    if len(secret) >= SHORTEST:
        return True
    return len(secret) >= _SHORTEST_ODD and not secret.isalpha() and not secret.isdigit()


def _list_forms(secret: str) -> Iterator[tuple[str, _Kind]]:
    """Yield the forms in which a credential is masked, and where each is."""
    kind = _Kind.ANYWHERE if len(secret) >= _LONG else _Kind.WORD
    bytes_of_secret = secret.encode("utf-8", "surrogateescape")
    written = {
        secret,
        quote(bytes_of_secret),
        quote(bytes_of_secret, safe=""),
        quote_plus(bytes_of_secret),
    }
    written |= {json.dumps(secret)[1:-1], repr(secret)[1:-1], _escape_html(secret)}
    written |= {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in written}
    for text in written:
        yield text, kind
    if len(secret) >= SHORTEST or ":" in secret:
        for text in _list_encoded(secret):
            yield text, _Kind.ENCODED
    if len(secret) >= _LONG:
        yield from _list_parts(secret)


def _escape_html(text: str) -> str:
    for character, name in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("'", "&#x27;"),
    ):
        text = text.replace(character, name)
    return text


def _list_encoded(secret: str) -> Iterator[str]:
    """Yield what Base64 makes of a text, wherever it stands in what is encoded, without the
    parts that vary.
    """
    data = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            encoded = encode(bytes(before) + data).decode().rstrip("=")
            first = -(-before * 8 // 6)
            whole = (before + len(data)) * 8 // 6
            if whole - first >= SHORTEST:
                yield encoded[first:whole]


def _list_parts(secret: str) -> Iterator[tuple[str, _Kind]]:
    """Yield parts of a long credential that a gateway repeats, or that a cut leaves."""
    for length in (_PART, _PLAIN_PART):
        for start in range(len(secret) - length + 1):
            part = secret[start : start + length]
            if length == _PLAIN_PART or _is_odd(part):
                yield part, _Kind.ANYWHERE
    for length in range(_STARRED_END, _PLAIN_PART):
        beginning = secret[:length]
        end = secret[-length:]
        yield beginning, _Kind.BEFORE_STARS
        yield end, _Kind.AFTER_STARS
        if length >= _END:
            yield from ((part, _Kind.WORD) for part in (beginning, end) if _is_odd(part))


def _is_odd(part: str) -> bool:
    """Return whether a text has letters and digits, as few words do."""
    return any(map(str.isdigit, part)) and any(map(str.isalpha, part))


def _is_in_place(text: str, start: int, end: int, kind: _Kind) -> bool:
    before = text[start - 1 : start]
    after = text[end : end + 1]
    if kind is _Kind.WORD:
        return not (_is_in_word(before) or _is_in_word(after))
    if kind is _Kind.BEFORE_STARS:
        return not _is_in_word(before) and _is_starred(text[end : end + 2])
    if kind is _Kind.AFTER_STARS:
        return not _is_in_word(after) and _is_starred(text[max(0, start - 2) : start])
    return True


def _is_in_word(character: str) -> bool:
    return character.isalnum() or character in {"_", "-"}


def _is_starred(text: str) -> bool:
    """Return whether a text is two stars or dots, or an ellipsis."""
    return "…" in text or (len(text) == 2 and set(text) <= _STARS and len(set(text)) == 1)


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a place to the whole of what is in Base64."""
    while start > 0 and text[start - 1] in _BASE64:
        start -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return start, end


def _join(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
