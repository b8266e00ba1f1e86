"""One page of the API's answer. A server's text is hostile input: every type in it is checked."""

import json
from typing import Any, NamedTuple, NoReturn

from extractor.apps.fetch.query import is_nct_number

_LONGEST_TOKEN = 4000
_KINDS = {"studies": "a list", "nextPageToken": "a text", "totalCount": "a number"}


class BadPage(Exception):
    """A body that is not a page of studies. The message says why."""


class Study(NamedTuple):
    """A study as the registry sent it, as a line of JSON with its line feed.

    ``numbers`` are its NCT number and its former ones, which the registry still finds.
    """

    numbers: tuple[str, ...]
    line: bytes

    @property
    def nct_id(self) -> str:
        """The NCT number."""
        return self.numbers[0]


class Page(NamedTuple):
    """The studies of a page, the token of the next one if there is one, and the count of all
    pages if it is stated.
    """

    studies: tuple[Study, ...]
    next_token: str | None = None
    total: int | None = None


def read_page(body: bytes) -> Page:
    """Read the body of a reply. Raises ``BadPage`` if it is not a page of studies.

    >>> study = b'{"protocolSection": {"identificationModule": {"nctId": "NCT90000001"}}}'
    >>> page = read_page(b'{"totalCount": 7, "studies": [' + study + b'], "nextPageToken": "x"}')
    >>> page.studies[0].nct_id, page.next_token, page.total
    ('NCT90000001', 'x', 7)
    """
    page = _load(body)
    if not isinstance(page, dict) or "studies" not in page:
        raise BadPage("JSON without a list of studies")
    studies = page["studies"]
    token = page.get("nextPageToken")
    total = page.get("totalCount")
    if not isinstance(studies, list):
        _refuse("studies")
    if not (token is None or (isinstance(token, str) and len(token) <= _LONGEST_TOKEN)):
        _refuse("nextPageToken")
    if not (total is None or (type(total) is int and total >= 0)):
        _refuse("totalCount")
    return Page(tuple(map(_read_study, studies)), token or None, total)


def read_study_line(line: bytes) -> Study:
    """Read a study from a line of a file. Raises ``BadPage`` if the line is not a study."""
    return _read_study(_load(line))


def _load(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BadPage("text that is not UTF-8") from None
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()):
            raise BadPage("the JSON ends too early") from None
        raise BadPage(f"broken JSON ({error.msg} at character {error.pos:,})") from None
    # numbers of thousands of digits, or nested too deep
    except (
        ValueError,
        RecursionError,
    ) as error:
        raise BadPage(f"JSON that does not look like studies ({error})") from None


def _read_study(study: Any) -> Study:
    try:
        identity = study["protocolSection"]["identificationModule"]
        numbers = (identity["nctId"], *identity.get("nctIdAliases", ()))
    except (KeyError, TypeError, AttributeError):
        raise BadPage(
            "a study without its NCT number (a parameter `fields` must name NCTId)"
        ) from None
    if not all(isinstance(one, str) and is_nct_number(one) for one in numbers):
        raise BadPage("a study with a broken NCT number")

    def dump(*, ascii_alone: bool) -> bytes:
        return (
            json.dumps(
                study, ensure_ascii=ascii_alone, allow_nan=False, separators=(",", ":")
            ).encode()
            + b"\n"
        )

    try:
        try:
            line = dump(ascii_alone=False)
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can only escape
            line = dump(ascii_alone=True)
        return Study(tuple(one.upper() for one in numbers), line)
    except (ValueError, RecursionError) as error:  # a number beyond the range of a float
        raise BadPage(f"a study that is not valid JSON ({error})") from None


def _refuse(name: str) -> NoReturn:
    raise BadPage(f"{name} is not {_KINDS[name]}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
