"""What to fetch: NCT numbers, or a query in the parameters of the API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from extractor.errors import ArgumentError
from extractor.schemas.arguments import refuse_unknown

_NUMBER = re.compile(r"NCT\d{8}", re.IGNORECASE | re.ASCII)
_BETWEEN_NUMBERS = re.compile(r"[\s,;|]+")
_PARAMETER = re.compile(r"[A-Za-z][\w.]*", re.ASCII)
_MANAGED = frozenset({"format", "pageSize", "pageToken", "countTotal"})
"""Parameters that paging sets itself."""
_PHASES = {"0": "EARLY_PHASE1", "NA": "NA", "EARLY1": "EARLY_PHASE1"} | {
    number: f"PHASE{number}" for number in "1234"
}
_STATUSES = (
    *(
        "ACTIVE_NOT_RECRUITING",
        "COMPLETED",
        "ENROLLING_BY_INVITATION",
        "NOT_YET_RECRUITING",
        "RECRUITING",
        "SUSPENDED",
    ),
    *("TERMINATED", "WITHDRAWN", "AVAILABLE", "NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE"),
    *("APPROVED_FOR_MARKETING", "WITHHELD", "UNKNOWN"),
)
_LONGEST_SHOWN = 40


def is_nct_number(text: str) -> bool:
    """Return whether the text is an NCT number: ``NCT`` in any case, and eight digits.

    >>> is_nct_number("nct04736823"), is_nct_number("NCT04736823.json")
    (True, False)
    """
    return bool(_NUMBER.fullmatch(text))


def parse_nct_numbers(text: str, source: str = "the command") -> tuple[str, ...]:
    r"""Return the NCT numbers in a text, in upper case, each once, in order.

    White space, commas, semicolons or ``|`` separate them; ``#`` starts a comment. ``source`` names
    the text in errors. Raises ``ArgumentError`` for anything else, with its line.

    >>> parse_nct_numbers("NCT04736823  # the pilot\nnct00000102, NCT04736823")
    ('NCT04736823', 'NCT00000102')
    """
    found: dict[str, None] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        for word in filter(None, _BETWEEN_NUMBERS.split(line.partition("#")[0])):
            if not is_nct_number(word):
                wrong = f"{word[:_LONGEST_SHOWN]!r} is not an NCT number"
                remedy = "an NCT number is NCT and eight digits, such as NCT04736823"
                raise ArgumentError(f"{source}, line {number}: {wrong}; {remedy}")
            found[word.upper()] = None
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class RegistryQuery:
    """A search in the registry. Each field narrows it further.

    Args:
        condition: A disease, searched as on the registry's website.
        intervention: A treatment, searched in the same way.
        term: Any other words.
        statuses: The API's words, such as ``RECRUITING`` or ``not yet recruiting``; one of several
            must hold.
        phases: Such as ``PHASE2``, ``2``, ``early 1`` or ``NA``; one of several must hold.
        updated_since: The earliest day of the last update.
        more: Other parameters of the API by name, such as ``query.spons``.

    Raises:
        ArgumentError: A status or phase is unknown, ``more`` has a name that another field or the
            paging sets, or the query is empty.

    >>> from datetime import date
    >>> RegistryQuery(
    ...     condition="asthma", phases=("2", "PHASE3"), updated_since=date(2026, 1, 31)
    ... ).parameters
    ... # doctest: +NORMALIZE_WHITESPACE
    {'query.cond': 'asthma',
     'filter.advanced': 'AREA[Phase](PHASE2 OR PHASE3) AND AREA[LastUpdatePostDate]RANGE[2026-01-31,MAX]'}
    """

    condition: str | None = None
    intervention: str | None = None
    term: str | None = None
    statuses: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    updated_since: date | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ArgumentError(
                "nothing to fetch; name NCT numbers, a condition, an intervention or another "
                "parameter"
            )

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the API's request, without those of paging."""
        fields = {
            "query.cond": self.condition,
            "query.intr": self.intervention,
            "query.term": self.term,
        }
        given = {name: text for name, text in fields.items() if text}
        if self.statuses:
            statuses = [re.sub(r"[\s-]+", "_", one.strip()).upper() for one in self.statuses]
            refuse_unknown("status", statuses, _STATUSES)
            given["filter.overallStatus"] = ",".join(statuses)
        for name in self.more:
            if not _PARAMETER.fullmatch(name):
                raise ArgumentError(
                    f"{name[:_LONGEST_SHOWN]!r} is not the name of a parameter of the registry's "
                    "API"
                )
            if name in _MANAGED or name in given:
                reason = (
                    "the paging sets it" if name in _MANAGED else "an option of its own sets it"
                )
                raise ArgumentError(f"the parameter {name} cannot be given; {reason}")
        own = self.more.get("filter.advanced", "")
        conditions = []
        if self.phases:
            conditions.append(f"AREA[Phase]({' OR '.join(map(_read_phase, self.phases))})")
        if self.updated_since:
            conditions.append(
                f"AREA[LastUpdatePostDate]RANGE[{self.updated_since.isoformat()},MAX]"
            )
        if own:
            conditions.insert(0, f"({own})" if conditions else own)
        advanced = " AND ".join(conditions)
        return given | dict(self.more) | ({"filter.advanced": advanced} if advanced else {})


def _read_phase(text: str) -> str:
    word = re.sub(r"PHASE|[\s_/-]", "", text.upper())
    if word not in _PHASES:
        raise ArgumentError(
            f"{text[:_LONGEST_SHOWN]!r} is not a phase; give EARLY_PHASE1, PHASE1 to PHASE4, or NA"
        )
    return _PHASES[word]
