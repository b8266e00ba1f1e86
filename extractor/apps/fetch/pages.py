"""A page of the API's reply, and its studies."""

import json
from typing import Any, NamedTuple


class Study(NamedTuple):
    """A study as sent by the registry, as a line of JSON with a line feed.

    ``numbers`` are its NCT number and its former ones, which the registry still recognises.
    """

    numbers: tuple[str, ...]
    line: bytes

    @property
    def nct_id(self) -> str:
        """The NCT number."""
        return self.numbers[0]


class StudyPage(NamedTuple):
    """The studies on a page, the token of the next page, if there is one, and the total number of
    studies, or 0 if it is not stated.
    """

    studies: list[Study]
    next_token: str | None = None
    total: int = 0


def read_page(body: bytes) -> StudyPage:
    """Read the body of a reply. Raises ``ValueError`` if it is not a page of studies.

    >>> study = (
    ...     b'{"protocolSection": {"identificationModule": {"nctId": "NCT90000001"}}}'
    ... )
    >>> page = read_page(
    ...     b'{"totalCount": 7, "studies": [' + study + b'], "nextPageToken": "x"}'
    ... )
    >>> page.studies[0].nct_id, page.next_token, page.total
    ('NCT90000001', 'x', 7)
    """
    page = load_json(body)
    try:
        documents = [*page["studies"]]
        total = int(page.get("totalCount") or 0)
    except (KeyError, TypeError, ValueError):
        raise ValueError("JSON without a list of studies") from None
    studies = []
    for study in documents:
        # ASCII only, because the registry may send lone surrogates, which have no other encoding.
        line = json.dumps(study, separators=(",", ":")).encode() + b"\n"
        studies.append(Study(list_numbers(study), line))
    return StudyPage(studies, page.get("nextPageToken"), total)


def load_json(body: bytes) -> Any:
    """Parse JSON. Raises ``ValueError`` with the reason."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None


def list_numbers(study: Any) -> tuple[str, ...]:
    """Return a study's NCT number, followed by its former ones, in upper case. Raises
    ``ValueError`` for a study without a number.
    """
    try:
        identity = study["protocolSection"]["identificationModule"]
        numbers = (identity["nctId"], *identity.get("nctIdAliases", ()))
    except (KeyError, TypeError):
        raise ValueError(
            "a study without an NCT number (a parameter `fields` must include NCTId)"
        ) from None
    return tuple(str(number).upper() for number in numbers)
