"""Concepts of diseases, treatments and measurements: by name alone, or from the files of an OMOP vocabulary."""

import glob
import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from extractor.errors import StoreError
from extractor.text.book import read_table, read_term, read_text, terms_of, word_set

from .files import Database, open_database
from .omop_circe import ConceptSet, Domain, Names, OmopConcept

_MOST_WORDS = 5
"""The most words of a name that word lists alone tell to be a condition or a drug."""
_STEM_LETTERS = 3
_READ = "read_csv(?, delim = '\t', quote = '', header = true, all_varchar = true)"
_LOAD = {
    "CONCEPT.csv": """
        CREATE TABLE kept AS
        SELECT CAST(concept_id AS BIGINT) AS concept_id, concept_name, domain_id, vocabulary_id, concept_class_id,
            standard_concept, concept_code
        FROM FILE
        WHERE domain_id IN ('Condition', 'Drug', 'Procedure', 'Measurement')
            AND coalesce(invalid_reason, '') = ''
            AND (standard_concept = 'S' OR (standard_concept = 'C' AND domain_id = 'Drug'))
    """,
    "CONCEPT_SYNONYM.csv": """
        CREATE TABLE name AS
        SELECT DISTINCT trim(regexp_replace(lower(strip_accents(name)), '[^a-z0-9]+', ' ', 'g')) AS key, concept_id
        FROM (
            SELECT concept_id, concept_name AS name FROM kept
            UNION ALL
            SELECT CAST(concept_id AS BIGINT), concept_synonym_name FROM FILE
        ) JOIN kept USING (concept_id) WHERE domain_id IN ('Condition', 'Drug', 'Procedure')
    """,
    "CONCEPT_ANCESTOR.csv": """
        CREATE TABLE twin AS SELECT * FROM name WHERE key IN (SELECT key FROM name GROUP BY key HAVING count(*) > 1);
        DELETE FROM name WHERE (key, concept_id) IN (
            SELECT below.key, below.concept_id FROM FILE pair
            JOIN twin below ON below.concept_id = CAST(pair.descendant_concept_id AS BIGINT)
            JOIN twin above
                ON above.concept_id = CAST(pair.ancestor_concept_id AS BIGINT) AND above.key = below.key
            WHERE pair.ancestor_concept_id <> pair.descendant_concept_id
        )
    """,
}
"""By file, in this order: keeps the valid concepts that rules can name; their names; of concepts with one name, those
that no other one includes."""


class WordLists(Names):
    """Names without a vocabulary: what ends like a condition or is a known drug. Concept sets stay empty.

    >>> WordLists().find_set("chronic kidney disease").domain.value, WordLists().find_set("rituximab").domain.value
    ('Condition', 'Drug')
    >>> WordLists().find_set("kidney") is None
    True
    """

    def find_set(self, name: str) -> ConceptSet | None:
        """Return an empty set under this name if its words show its domain."""
        words = [word.lower() for word in read_text(name).words if word != "-"]
        lists = {key: word_set(value) for key, value in read_table("cohorts").items() if isinstance(value, str)}
        banned = lists["clause"] | lists["intro"] | {"and", "or", ",", "/", ".", ":", ";", "(", ")", "&"}
        if not words or len(words) > _MOST_WORDS or banned.intersection(words):
            return None
        tokens = read_text(name)
        agent = read_term("agents", tokens, 0, len(tokens))
        if agent and agent.value in ("drug", "class"):
            return ConceptSet(name, Domain.DRUG)
        last = words[-1]
        if len(words) == 1 and _ends_like_drug(last):
            return ConceptSet(name, Domain.DRUG)
        if any(word.endswith("ly") for word in words) or (len(words) == 1 and last in lists["no_condition_alone"]):
            return None
        for domain in (Domain.PROCEDURE, Domain.CONDITION):
            kind = domain.value.lower()
            if last in lists[f"{kind}_words"] or last.endswith(tuple(lists[f"{kind}_endings"])):
                return ConceptSet(name, domain)
        return None

    def find_quantity(self, name: str, loinc: Collection[str]) -> ConceptSet | None:
        """Return an empty set that names the quantity and its LOINC codes."""
        return ConceptSet(f"{name} (LOINC {', '.join(loinc)})", Domain.MEASUREMENT)


class Vocabulary(Names):
    """Concepts of an OMOP vocabulary, by exact name or synonym apart from case, accents and punctuation.

    Open it with ``open_vocabulary``.
    """

    def __init__(self, connection: Database) -> None:
        self._connection = connection

    def find_set(self, name: str) -> ConceptSet | None:
        """Return the standard conditions, drugs or procedures of this name; None if they have several domains."""
        for key in _list_keys(name):
            ids = self._connection.execute("SELECT concept_id FROM name WHERE key = ? ORDER BY ALL", [key]).fetchall()
            found = [one for (id_,) in ids for one in self._read("SELECT * FROM kept WHERE concept_id = ?", id_)]
            if len({one.domain for one in found}) == 1:
                return ConceptSet(name, found[0].domain, tuple(found))
        return None

    def find_quantity(self, name: str, loinc: Collection[str]) -> ConceptSet | None:
        """Return the measurements with these LOINC codes."""
        found = self._read(
            "SELECT * FROM kept WHERE vocabulary_id = 'LOINC' AND concept_code IN (SELECT unnest(?)) "
            "AND domain_id = 'Measurement' ORDER BY concept_id",
            list(loinc),
        )
        return ConceptSet(name, Domain.MEASUREMENT, tuple(found)) if found else None

    def _read(self, query: str, value: int | str | list[str]) -> list[OmopConcept]:
        rows = self._connection.execute(query, [value]).fetchall()
        return [
            OmopConcept(int(id_), name, code, vocabulary, Domain(domain), standard, kind)
            for id_, name, domain, vocabulary, kind, standard, code in rows
        ]


@contextmanager
def open_vocabulary(folder: Path | None) -> Iterator[Names]:
    """Load the files of a vocabulary as Athena delivers them; word lists if ``folder`` is None.

    The files are loaded into a temporary database on disk, so memory stays flat. Raises ``StoreError`` if a file is
    missing or cannot be read.
    """
    if folder is None:
        yield WordLists()
        return
    with (
        TemporaryDirectory(prefix="extractor-vocabulary-") as scratch,
        open_database(Path(scratch, "vocabulary.duckdb")) as connection,
    ):
        for name, query in _LOAD.items():
            try:
                connection.execute(query.replace("FROM FILE", f"FROM {_READ}"), [glob.escape(str(folder / name))])
            except Exception as error:  # DuckDB's, which only `files` imports
                reason = str(error).partition("\n")[0]
                raise StoreError(f"{folder / name}: {reason}; name an unpacked vocabulary from Athena") from error
        connection.execute("CREATE INDEX name_key ON name (key)")
        connection.execute("CREATE INDEX kept_id ON kept (concept_id)")
        yield Vocabulary(connection)


def _list_keys(name: str) -> Iterator[str]:
    """The spellings of a name as the vocabulary's keys: as it is, in the singular, in the plural."""
    plain = unicodedata.normalize("NFKD", name.lower())
    key = " ".join(re.findall("[a-z0-9]+", "".join(one for one in plain if not unicodedata.combining(one))))
    yield key
    if key.endswith("s") and not key.endswith("ss"):
        yield key[:-1]
    yield f"{key}s"


def _ends_like_drug(word: str) -> bool:
    stems = tuple(term for entry in terms_of("agent_stems") if entry.value == "drug" for term in entry.terms)
    return any(word.endswith(stem) and len(word) >= len(stem) + _STEM_LETTERS for stem in stems)
