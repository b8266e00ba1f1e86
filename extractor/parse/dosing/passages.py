"""The passages of a record in which dosing stands, cut into clauses."""

from collections.abc import Mapping
from dataclasses import dataclass

from extractor.parse.parsed import ChunkKind
from extractor.schemas import Section, TrialRecord
from extractor.text.lexer import Tokens
from extractor.text.passage import Section as ReadSection

__all__ = ["Passage", "list_passages"]

_DESCRIPTIONS = ("detailed_description", "brief_summary")


@dataclass(frozen=True, slots=True)
class Passage:
    """A section with the places of its parts, all half-open in the cleaned text.

    ``title`` is an arm's label or an intervention's name; ``body`` the description; ``kind`` what the
    registry calls it ("EXPERIMENTAL", "DRUG"), in lower case.
    """

    section: str
    chunk_kind: ChunkKind
    tokens: Tokens
    title: tuple[int, int]
    body: tuple[int, int]
    kind: str = ""
    aliases: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """The cleaned text of the section."""
        return self.tokens.text

    @property
    def is_intervention(self) -> bool:
        return self.chunk_kind is ChunkKind.INTERVENTION

    @property
    def is_group(self) -> bool:
        """Whether it is an arm or an intervention, and no description."""
        return self.is_arm or self.is_intervention

    @property
    def is_arm(self) -> bool:
        return self.chunk_kind is ChunkKind.ARM


def list_passages(
    record: TrialRecord, sections: Mapping[str, ReadSection]
) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
    """The arms and interventions, and the descriptions."""
    groups = tuple(
        _read_group(section, sections[section.name])
        for section in record.sections
        if section.name.startswith(("arms[", "interventions["))
    )
    descriptions = tuple(
        Passage(name, ChunkKind.SENTENCE, sections[name].tokens, (0, 0), (0, len(sections[name].tokens.text)))
        for name in _DESCRIPTIONS
        if record.section(name)
    )
    return groups, descriptions


def _read_group(section: Section, read: ReadSection) -> Passage:
    cleaned = read.cleaned
    places: dict[str, list[tuple[int, int]]] = {}
    for part in section.parts:
        start, end = cleaned.clean_position(part.start), cleaned.clean_position(part.end)
        places.setdefault(part.name, []).append((start, end))
    is_arm = section.name.startswith("arms[")
    nowhere = (0, 0)
    title = places.get("label" if is_arm else "name", [nowhere])[0]
    kind = places.get("type", [nowhere])[0]
    return Passage(
        section.name,
        ChunkKind.ARM if is_arm else ChunkKind.INTERVENTION,
        read.tokens,
        title if section.parts else (0, len(cleaned.text)),
        places.get("description", [nowhere])[0],
        cleaned.text[slice(*kind)].lower(),
        tuple(places.get("other_names", ())),
    )
