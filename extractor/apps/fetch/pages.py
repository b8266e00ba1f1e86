"""A page from the API, and the studies on the page."""

import json
from typing import NamedTuple

from extractor.resources import read_json
from extractor.schemas.base import JsonObject


class Study(NamedTuple):
    """A study as sent by the registry: a line of JSON that ends with a line feed.

    ``numbers`` contains its NCT number and its former numbers, which the registry still recognises.
    """

    numbers: tuple[str, ...]
    line: bytes

    @property
    def nct_id(self) -> str:
        """The current NCT number of the study."""
        return self.numbers[0]


class StudyPage(NamedTuple):
    """The studies on a page, the token of the next page (None if there is no next page), and the
    total number of studies (0 if the page does not state it).
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
    page = read_json(body)
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


def list_numbers(study: JsonObject) -> tuple[str, ...]:
    """Return the NCT number of a study, followed by its former numbers, in upper case. Raises
    ``ValueError`` for a study without a number.
    """
    try:
        identity = study["protocolSection"]["identificationModule"]
        numbers = (identity["nctId"], *identity.get("nctIdAliases", ()))
    except (KeyError, TypeError):
        raise ValueError(
            "a study without an NCT number (if the parameter `fields` is set, it must include "
            "NCTId)"
        ) from None
    return tuple(str(number).upper() for number in numbers)
