"""The code systems and the extension of our own that the resources use, as resources: written once for an export."""

from collections.abc import Iterator
from enum import StrEnum

from extractor.schemas import Category, Concept, EndpointCategory, Rank, Role

from .fhir_types import BASE, Json

_SYSTEMS: dict[str, type[StrEnum]] = {
    "category": Category,
    "concept": Concept,
    "endpoint-category": EndpointCategory,
    "rank": Rank,
    "role": Role,
}
"""The closed sets of the annotation guideline by the name of their code system."""
_EVIDENCE = """\
Where the values of one item stand, in parts divided by vertical bars: the path of the item; then for each place the
section with its first character and one past the last (RFC 5147), the characters in quotation marks if the resource
lacks them, and for each value there its field, who found it (rule, model, both), how it follows from the characters
(literal, parsed, inferred, unsupported), and the probability that it is right.
Example: eligibility.criteria[3] | eligibility#char=120,143 kind rule inferred 0.99; quote rule literal 0.9
"""


def list_terms() -> Iterator[Json]:
    """Yield a CodeSystem for each closed set, and the StructureDefinition of the extension ``evidence``.

    >>> [f"{one['resourceType']}/{one['id']}" for one in list_terms()][-2:]
    ['CodeSystem/trial-extractor-role', 'StructureDefinition/trial-extractor-evidence']
    """
    for name, words in _SYSTEMS.items():
        yield _describe("CodeSystem", name, words.__doc__ or "") | {
            "caseSensitive": True,
            "content": "complete",
            "concept": [{"code": word.value, "display": word.value.replace("_", " ")} for word in words],
        }
    value = {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]}
    url = {"id": "Extension.url", "path": "Extension.url", "fixedUri": f"{BASE}:evidence"}
    yield _describe("StructureDefinition", "evidence", _EVIDENCE) | {
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Provenance"}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Extension", "path": "Extension"}, url, value]},
    }


def _describe(kind: str, name: str, meaning: str) -> Json:
    return {
        "resourceType": kind,
        "id": f"trial-extractor-{name}",
        "url": f"{BASE}:{name}",
        "name": "".join(part.capitalize() for part in name.split("-")),
        "status": "active",
        "description": " ".join(meaning.split()),
    }
