"""Mask credentials in all text that leaves this process.

Credentials are the values of environment variables with a typical name (``OPENAI_API_KEY``,
``AWS_SESSION_TOKEN``), the headers in variables such as ``ANTHROPIC_CUSTOM_HEADERS``, the user and
password in an address or a proxy variable, and any value passed to ``remember``. Text leaves the
process through errors (``extractor.errors``), events, standard error, and the files and store of a
run, all of which call ``mask``. Replies from a service are also masked, because a server may repeat
a key in full, in part, with asterisks, or encoded. To recognise further names, edit
``_NAMES_CREDENTIAL``; to recognise further ways of writing a key, edit ``_list_forms``.
"""

import os
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from html import unescape
from urllib.parse import unquote

MASK = "***"

_NAMES_CREDENTIAL = re.compile(
    r"\b(?:(?:api)?keys?\d*|token|secrets?|passwords?|passwd|passphrase|pat|credentials?|bearer"
    r"|auth|authorization|cookie)\b"
)
"""Words that occur in the names of credentials, such as ``api_key``, ``x-api-key`` or
``clientSecret``.
"""
_NAMES_PLAIN_VALUE = re.compile(
    r"\b(?:file|path|dir|url|uri|sock|name|type|version|count|mode|host|endpoint|prompt|cache"
    r"|stop|eos|bos|pad|special|ids|max|min|limit|budget|application credentials)\b"
)
"""Words that occur in names that do not denote credentials, such as ``SSH_AUTH_SOCK`` or
``prompt_cache_key``.
"""
_NAMES_PASSWORD = re.compile(
    r"(?:password|passwd|secret|(?:pg|\bdb )pass|\bmysql pwd)s?$|\b(?:endpoint|host|api) key$"
)
"""Endings that identify a name as that of a credential, whatever precedes them."""
_HEADERS = re.compile(r"(?:extra_|default_)?headers|(?:extra|default)_query")
"""Options whose values are HTTP headers or query parameters, most of which are credentials."""
_PLAIN_HEADER = re.compile(
    r"accept|content-type|user-agent|anthropic-(?:beta|version)|openai-beta|api-version"
)
_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token)\s+", re.IGNORECASE)

_USER = re.compile(r"://[^\s/?#]*@")
_USER_OF_ADDRESS = re.compile(r"^([^/]*//)(?:[^#]*|[^/]*)@")
"""The password may contain a slash or a #, but not both: in ``http://host/v1#org/name@2``, the #
precedes the name of a model.
"""
_ADDRESS_WITH_USER = re.compile(r"\s*(?:([a-z][a-z0-9+.-]*)://)?(\S+)@", re.IGNORECASE)
"""The scheme, and the text before the last ``@``, because a password may contain any character."""

_CERTAIN = 8
"""Credentials with at least this many characters are always masked. Shorter ones are not masked if
they might be ordinary words or numbers.
"""
_SHORTEST = 4
_LONG = 16
"""Credentials with at least this many characters are also masked inside other words, and if only a
part of them appears.
"""
_PART = 12
"""Number of consecutive characters that identify a part of a long credential. Other text does not
contain the same characters by chance.

Servers, SDKs and ``message[:80]`` cut a key anywhere, so a part may lack its beginning, its end or
both, and what follows a key in a word hides where it ends. Each 12 characters of a word are
therefore looked up among those of the keys (``_Forms.parts``): one look-up for each character of
the text, however many keys there are. A pattern of beginnings and ends would be shorter, but would
miss the middle, and the Base64 of a key, whose ends depend on the adjacent text.
"""
_ESCAPE = re.compile(
    r"\\[uUx]\{?(?:00)*+([0-9A-Fa-f]{2})\}?|\\(?=[\\\"'/])|&#?\w{1,32};?"
)
"""An escape of JSON, Python or JavaScript, or an HTML entity."""
_ENCODED = re.compile(rf"%[0-9A-Fa-f]{{2}}|{_ESCAPE.pattern}")
_LAYERS = 8
"""How often a word is decoded at most, because servers repeat messages in messages."""
_WORD = re.compile(rf"[\w+/=.~%-]{{{_PART},}}")
_STARRED = re.compile(
    r"(?<![\w-])(?:([\w-]{3,})|[\w-]{0,2})(?:\*{2,}|•+|…|\.{2,})([\w-]{3,})?"
)
"""Asterisks or dots next to at least three characters, as in ``sk-ab****wxyz``."""
_LIKE_KEY = re.compile(r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)

_remembered: set[str] = set()


def mask(text: str) -> str:
    """Replace each credential in the text, and the user and password in each address, with ``***``.

    >>> remember("4f9c-11aa-77b2-e0d5")
    >>> mask(
    ...     "the key 4f9c-11aa-77b2-e0d5 of http://me:pw@host is unknown; yours is ...e0d5"
    ... )
    'the key *** of http://***@host is unknown; yours is ***'
    """
    return mask_known(_USER.sub(f"://{MASK}@", text))


def mask_known(text: str) -> str:
    """Replace each known credential, in any form in which a server might repeat it. Addresses that
    contain a user name are not changed, because such addresses in a model's answer come from the
    record.

    Short credentials are replaced as whole words. Long ones are replaced anywhere, even if they are
    truncated or partly replaced with asterisks. A word is decoded only if a credential is in it.
    """
    forms = _list_forms(_list_credentials())
    text = forms.exact.sub(MASK, text)
    if _ENCODED.search(text):
        text = re.sub(r"\S+", forms.mask_encoded, text)
    return forms.mask_parts(text)


def hide_keys(text: str) -> str:
    """Mask a server's message, including words that only look like keys, because a server might
    name another user's key.

    >>> hide_keys("no connection to http://me:pw@host; Bearer abc")
    'no connection to http://***@host; Bearer ***'
    """
    return _LIKE_KEY.sub(MASK, mask(text))


def hide_user(url: str) -> str:
    """Replace the user and password in an address with ``***``. The name after ``#`` is unchanged,
    even if it contains an @.

    >>> hide_user("http://me:p@ss@host/v1"), hide_user("http://host/v1#org/name@2")
    ('http://***@host/v1', 'http://host/v1#org/name@2')
    """
    return _USER_OF_ADDRESS.sub(rf"\1{MASK}@", url)


def mask_standard_error() -> None:
    """Mask everything that this process writes to standard error from now on, including tracebacks,
    warnings and library logs.
    """
    if sys.stderr:
        write = sys.stderr.write
        sys.stderr.write = lambda text: write(mask(text))  # type: ignore[method-assign]


def remember(secret: str | None) -> None:
    """From now on, mask this credential, which is not in the environment."""
    if secret:
        _remembered.add(secret.strip())


def remember_options(options: Mapping[str, object]) -> None:
    """From now on, mask any credentials found among a request's parameters."""
    _hide("", options)


def without_credentials(options: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters of a request with each credential replaced with ``***``. Credentials
    are recognised by their names and are masked from now on.

    >>> without_credentials(
    ...     {
    ...         "top_k": 4,
    ...         "api_key": "abc",
    ...         "extra_headers": {"X-Tenant": "t7", "Accept": "text/plain"},
    ...     }
    ... )
    {'top_k': 4, 'api_key': '***', 'extra_headers': {'X-Tenant': '***', 'Accept': 'text/plain'}}
    """
    return _hide_all(options, is_header=False)


@cache
def names_credential(name: str) -> bool:
    """Return True if a parameter or variable with this name contains a credential.

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
    if _NAMES_PLAIN_VALUE.search(words):
        return False
    return _NAMES_CREDENTIAL.search(words) is not None


def _hide_all(options: Mapping[str, object], *, is_header: bool) -> dict[str, object]:
    """Return options, or the headers or query parameters of a request, with each credential
    replaced.
    """
    hidden = {}
    for name, value in options.items():
        if is_header and not _PLAIN_HEADER.fullmatch(name.lower()):
            # whatever its name, by the name of a credential
            hidden[name] = _hide("secret", value)
        else:
            hidden[name] = _hide(name, value)
    return hidden


def _hide(name: str, value: object) -> object:
    """Remember each credential in the value of the option ``name``, and return the value with each
    credential replaced with ``***``. Other strings are masked like any text.
    """
    is_credential = names_credential(name)
    if isinstance(value, Mapping) and is_credential:
        # whatever its parts are called: {"credentials": {"user": "...", "code": "..."}}
        return {part: _hide("secret", inner) for part, inner in value.items()}
    if isinstance(value, Mapping):
        return _hide_all(value, is_header=bool(_HEADERS.fullmatch(name)))
    if isinstance(value, list | tuple):
        return [_hide(name, part) for part in value]
    # "api_key = true" says that there is one
    if is_credential and value and not isinstance(value, bool):
        remember(str(value))
        return MASK
    if isinstance(value, str):
        return mask(value)
    return value


def _list_credentials() -> frozenset[str]:
    """List the credentials in the environment and those passed to ``remember``."""
    credentials = set(_remembered)
    for name in os.environ:
        # another thread may have removed the variable
        value = os.environ.get(name, "")
        if names_credential(name):
            credentials.add(value.strip())
        elif name.endswith("_CUSTOM_HEADERS"):
            # as Anthropic's SDK reads them: one name and value per line
            credentials.update(re.findall(r":\s*(.*\S)", value))
        elif "@" in value:
            credentials.update(_list_users(name, value))
    return frozenset(credentials)


def _list_users(name: str, value: str) -> Iterator[str]:
    """Yield the user and password from an address as one string, and the password alone, each both
    as written and with percent-encoding removed.

    ``name`` is the variable that contains the address. An address without a scheme is recognised
    only in a proxy variable.
    """
    address = _ADDRESS_WITH_USER.match(value)
    is_proxy = name.lower().endswith("_proxy")
    # an e-mail address has no scheme
    if address and (is_proxy or address[1]):
        for user in (address[2], unquote(address[2])):
            yield user
            yield user.partition(":")[2]


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms in which credentials may appear in a text: ``exact`` matches whole credentials;
    ``long`` contains the long ones, and ``parts`` contains every part of the long ones, also of
    their Base64.
    """

    exact: re.Pattern[str]
    long: list[str]
    parts: set[str]

    def mask_encoded(self, word: re.Match[str]) -> str:
        """Mask the credentials in a word of which any characters are encoded, in several layers.
        The word is returned decoded if it has some.
        """
        text = word[0]
        has_credential = False
        for _ in range(_LAYERS):
            decoded = _ESCAPE.sub(_read_escape, unquote(text))
            if decoded == text:
                break
            text = self.exact.sub(MASK, decoded)
            has_credential = has_credential or text != decoded
        masked = self.mask_parts(text)
        if has_credential or masked != text:
            return masked
        return word[0]

    def mask_parts(self, text: str) -> str:
        """Mask the parts of long credentials in a text."""
        text = _WORD.sub(self.mask_part, text)
        return _STARRED.sub(self.mask_starred, text)

    def mask_part(self, word: re.Match[str]) -> str:
        """Mask a word that contains a part of a long credential, because servers sometimes repeat
        part of a key.
        """
        # each access to word[0] would copy the text
        text = word[0]
        # mostly, there is no long credential
        if not self.parts:
            return text
        if self.parts.isdisjoint(_list_parts(text)):
            return text
        return MASK

    def mask_starred(self, starred: re.Match[str]) -> str:
        """Mask a word in which asterisks or dots adjoin either end of a long credential."""
        # "\n" never matches, because credentials do not contain line breaks
        before, after = starred.groups("\n")
        for secret in self.long:
            if secret.startswith(before):
                return MASK
            if secret.endswith(after):
                return MASK
        return starred[0]


@lru_cache(maxsize=8)
def _list_forms(credentials: frozenset[str]) -> _Forms:
    """Return the forms in which credentials may appear in a decoded text: unchanged, in Base64 or
    hexadecimal digits, or in part.

    Credentials that might be ordinary words or numbers are skipped. A credential of 16 characters
    or more is also found inside other words, and if only a part of it appears; a shorter one is
    found only as a whole word.
    """
    exact: list[str] = []
    long: list[str] = []
    parts: set[str] = set()
    for credential in credentials:
        secret = _SCHEME.sub("", credential)
        is_plain = len(secret) < _SHORTEST or secret.isalpha() or secret.isdigit()
        if is_plain and len(secret) < _CERTAIN:
            continue
        # encodings, which are long enough to be found inside other words
        content = secret.encode("utf-8", "surrogateescape")
        in_base64 = set(_encode(content))
        exact += map(_spell_wrapped, in_base64)
        if len(secret) >= _CERTAIN:
            exact.append(f"(?i:{_spell_wrapped(content.hex())})")
        if len(secret) < _LONG:
            exact.append(rf"(?<![\w-]){re.escape(secret)}(?![\w-])")
            continue
        exact.append(re.escape(secret))
        long.append(secret)
        for form in (secret, *in_base64):
            parts.update(_list_parts(form))
    return _Forms(_match_any(exact), long, parts)


def _list_parts(text: str) -> Iterator[str]:
    """Yield each ``_PART`` consecutive characters of a text."""
    for start in range(len(text) - _PART + 1):
        yield text[start : start + _PART]


def _match_any(forms: list[str]) -> re.Pattern[str]:
    """Return a pattern that matches any of the forms, or nothing if there are none."""
    # longest first, because one form may be part of another
    return re.compile("|".join(sorted(forms, key=len, reverse=True)) or "(?!)")


def _encode(content: bytes) -> Iterator[str]:
    """Yield the Base64 encodings of a credential that follows other text, as in ``user:key``.

    The first and last characters depend on the adjacent text and are omitted.
    """
    # Base64 writes 3 bytes as 4 characters, so only the number of preceding bytes modulo 3 matters.
    # After 0, 1 or 2 bytes, the first character without bits of these bytes is number 0, 2 or 3.
    for before, start in enumerate((0, 2, 3)):
        end = (before + len(content)) * 8 // 6
        encoded = b64encode(bytes(before) + content).decode()[start:end]
        if len(encoded) >= _CERTAIN:
            yield encoded
            yield encoded.replace("+", "-").replace("/", "_")


def _spell_wrapped(encoded: str) -> str:
    """Return a pattern that matches an encoded text in which any characters are followed by white
    space, also by line breaks as JSON writes them, because encoders wrap their lines.
    """
    return r"(?:\s|\\[nr])*+".join(map(re.escape, encoded))


def _read_escape(written: re.Match[str]) -> str:
    """Return what an escape or an HTML entity stands for."""
    if written[1]:
        return chr(int(written[1], 16))
    # a backslash before another one or a quotation mark is nothing
    return unescape(written[0].lstrip("\\"))
