"""What apps and plugins may use of the package, besides ``extractor``, ``extractor.schemas`` and
``extractor.errors``.

Apps import the names below and nothing deeper (``lint-imports`` checks it). So the rooms inside can
be rebuilt without a look at every app, and apps can be cut off (``python -m benchmarks.cutting``).

The promise: a name listed here keeps its meaning, its arguments and its type in all versions with
the same second number (0.1.x). A name that is renamed or removed is in the changelog. What is not
listed may change at any time. To use another name in an app, add it here.

Each name is imported when it is first used, so that a command loads no module that it does not
need.

>>> from extractor.face import counted
>>> counted(2, "record")
'2 records'
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor.assembly.admission import (
        DescribedCriterion,
        complete_gold,
        describe_criteria,
        list_alternatives,
    )
    from extractor.assembly.doubtful import drop_doubtful, find_doubtful
    from extractor.assembly.seen import explain_absence
    from extractor.concepts.aliases import (
        find_entry,
        name_instrument,
        trim_event,
        unify,
    )
    from extractor.concepts.doses.amounts import find_strengths
    from extractor.concepts.doses.names import (
        find_general,
        find_substance,
        is_vague,
        name_key,
        trim_name,
    )
    from extractor.concepts.limits.canonical import name_limit, show_canonical_names
    from extractor.concepts.limits.instruments import find_instrument_key
    from extractor.concepts.limits.quantity_names import (
        KnownQuantity,
        get_quantity,
        list_quantities,
        name_quantity,
    )
    from extractor.concepts.limits.written_numbers import find_numbers
    from extractor.concepts.own.attributes import CLASSES, Attribute, AttributeSet
    from extractor.concepts.own.declaration import (
        CustomField,
        CustomFields,
        Declarations,
        Declared,
        Example,
        Of,
        explain_unread,
    )
    from extractor.concepts.own.models import read_fields
    from extractor.concepts.parse import parse_record
    from extractor.concepts.people.registered_ages import (
        AGES,
        DESCRIPTIONS,
        OLDEST,
        count_days,
        read_comparator,
        read_registered_age,
    )
    from extractor.concepts.windows.grouping import classify_anchor, list_things
    from extractor.concepts.windows.times import first_window
    from extractor.confidence import find_meaning, list_counts
    from extractor.evidence.drafts import Draft, Reading, Span, TokenConflict
    from extractor.evidence.parsed import ParsedRecord
    from extractor.evidence.quotes import QuoteStatus, verify_quote
    from extractor.formats import make_record, name_text, read_records, read_stream
    from extractor.formats.free_text import GivenSection
    from extractor.formats.inputs import refuse_missing
    from extractor.formats.registry_numbers import GUESSED, list_registry_numbers
    from extractor.language.book import (
        find_terms,
        read_table,
        read_text,
        rule,
        word_set,
    )
    from extractor.language.clean import clean_text, fold_label, unify_line_ends
    from extractor.language.lexer import lex
    from extractor.language.numbers import DAYS, list_readings
    from extractor.language.passage import read_passage
    from extractor.language.shown import show_line, show_text
    from extractor.language.units import convert, find_dimension, read_unit
    from extractor.language.values import group_pairs, list_members
    from extractor.masking import hide_user, mask, remember
    from extractor.match import (
        NOT_COMPARED,
        ONLY_A_MODEL,
        Facts,
        Match,
        Need,
        Patient,
        Plan,
        Synonyms,
        has_conditions,
        is_of_others,
        join_synonyms,
        list_needs,
        plan_trial,
        read_facts,
        tell_kind,
    )
    from extractor.match.asking import Asked, ask_matches, measure_request
    from extractor.match.decide import decide
    from extractor.match.judge import Verdict
    from extractor.match.plan import Rule
    from extractor.measures.names import fold_words
    from extractor.model.calls import Call
    from extractor.model.client import Model, Route
    from extractor.model.cost.budget import Budget, Pricing, Reservation
    from extractor.model.cost.tokens import RequestSize
    from extractor.model.database import Database, open_run
    from extractor.model.events import Event, EventLog, Fact, listening, tell
    from extractor.model.opening import open_model
    from extractor.model.pace import RetryPolicy, explain_status, retry_after
    from extractor.model.patience import Silence
    from extractor.model.spec import ClientSettings, ModelSpec
    from extractor.model.store import CallStore, OpenStore, Spending
    from extractor.options import (
        FILES,
        LIMITS,
        RARE,
        SERVICE,
        AtOnce,
        Choice,
        Count,
        ExtractionOptions,
        ModelOptions,
        Seconds,
        Shown,
        Workers,
        read_columns,
    )
    from extractor.pipeline import extract_by_rules
    from extractor.plurals import counted, show_some
    from extractor.resources import parse_json, read_toml
    from extractor.run.executor import Executor, ProcessExecutor
    from extractor.run.files import (
        EXTRACTIONS,
        FAILURES,
        find_place,
        made_folder,
        name_failed,
        refuse_link,
        write_atomically,
        write_page,
    )
    from extractor.run.finished import RereadRecord, TextState, find_run
    from extractor.run.joined import (
        JoinedRuns,
        list_files,
        list_in_file,
        parse_extraction,
    )
    from extractor.run.manifest import (
        MANIFEST,
        Stop,
        digest_rules,
        read_manifest,
        restore_fields,
    )
    from extractor.run.run import Run
    from extractor.run.steps import extract_with
    from extractor.run.store import RunStore
    from extractor.setup import OpenExtractor, Setup

__all__ = [
    "AGES",
    "CLASSES",
    "DAYS",
    "DESCRIPTIONS",
    "EXTRACTIONS",
    "FAILURES",
    "FILES",
    "GUESSED",
    "LIMITS",
    "MANIFEST",
    "NOT_COMPARED",
    "OLDEST",
    "ONLY_A_MODEL",
    "RARE",
    "SERVICE",
    "Asked",
    "AtOnce",
    "Attribute",
    "AttributeSet",
    "Budget",
    "Call",
    "CallStore",
    "Choice",
    "ClientSettings",
    "Count",
    "CustomField",
    "CustomFields",
    "Database",
    "Declarations",
    "Declared",
    "DescribedCriterion",
    "Draft",
    "Event",
    "EventLog",
    "Example",
    "Executor",
    "ExtractionOptions",
    "Fact",
    "Facts",
    "GivenSection",
    "JoinedRuns",
    "KnownQuantity",
    "Match",
    "Model",
    "ModelOptions",
    "ModelSpec",
    "Need",
    "Of",
    "OpenExtractor",
    "OpenStore",
    "ParsedRecord",
    "Patient",
    "Plan",
    "Pricing",
    "ProcessExecutor",
    "QuoteStatus",
    "Reading",
    "RequestSize",
    "RereadRecord",
    "Reservation",
    "RetryPolicy",
    "Route",
    "Rule",
    "Run",
    "RunStore",
    "Seconds",
    "Setup",
    "Shown",
    "Silence",
    "Span",
    "Spending",
    "Stop",
    "Synonyms",
    "TextState",
    "TokenConflict",
    "Verdict",
    "Workers",
    "ask_matches",
    "classify_anchor",
    "clean_text",
    "complete_gold",
    "convert",
    "count_days",
    "counted",
    "decide",
    "describe_criteria",
    "digest_rules",
    "drop_doubtful",
    "explain_absence",
    "explain_status",
    "explain_unread",
    "extract_by_rules",
    "extract_with",
    "find_dimension",
    "find_doubtful",
    "find_entry",
    "find_general",
    "find_instrument_key",
    "find_meaning",
    "find_numbers",
    "find_place",
    "find_run",
    "find_strengths",
    "find_substance",
    "find_terms",
    "first_window",
    "fold_label",
    "fold_words",
    "get_quantity",
    "group_pairs",
    "has_conditions",
    "hide_user",
    "is_of_others",
    "is_vague",
    "join_synonyms",
    "lex",
    "list_alternatives",
    "list_counts",
    "list_files",
    "list_in_file",
    "list_members",
    "list_needs",
    "list_quantities",
    "list_readings",
    "list_registry_numbers",
    "list_things",
    "listening",
    "made_folder",
    "make_record",
    "mask",
    "measure_request",
    "name_failed",
    "name_instrument",
    "name_key",
    "name_limit",
    "name_quantity",
    "name_text",
    "open_model",
    "open_run",
    "parse_extraction",
    "parse_json",
    "parse_record",
    "plan_trial",
    "read_columns",
    "read_comparator",
    "read_facts",
    "read_fields",
    "read_manifest",
    "read_passage",
    "read_records",
    "read_registered_age",
    "read_stream",
    "read_table",
    "read_text",
    "read_toml",
    "read_unit",
    "refuse_link",
    "refuse_missing",
    "remember",
    "restore_fields",
    "retry_after",
    "rule",
    "show_canonical_names",
    "show_line",
    "show_some",
    "show_text",
    "tell",
    "tell_kind",
    "trim_event",
    "trim_name",
    "unify",
    "unify_line_ends",
    "verify_quote",
    "word_set",
    "write_atomically",
    "write_page",
]

_NAMES = {
    # Texts: cleaned, cut into tokens, found by rules, and shown.
    "extractor.language.book": "find_terms read_table read_text rule word_set",
    "extractor.language.clean": "clean_text fold_label unify_line_ends",
    "extractor.language.lexer": "lex",
    "extractor.language.numbers": "DAYS list_readings",
    "extractor.language.passage": "read_passage",
    "extractor.language.shown": "show_line show_text",
    "extractor.language.units": "convert find_dimension read_unit",
    "extractor.language.values": "group_pairs list_members",
    "extractor.measures.names": "fold_words",
    # Concepts: names, units and conversions, canonical values, and a user's own fields.
    "extractor.concepts.aliases": "find_entry name_instrument trim_event unify",
    "extractor.concepts.doses.amounts": "find_strengths",
    "extractor.concepts.doses.names": (
        "find_general find_substance is_vague name_key trim_name"
    ),
    "extractor.assembly.admission": (
        "DescribedCriterion complete_gold describe_criteria list_alternatives"
    ),
    "extractor.concepts.limits.canonical": "name_limit show_canonical_names",
    "extractor.concepts.limits.instruments": "find_instrument_key",
    "extractor.concepts.limits.quantity_names": (
        "KnownQuantity get_quantity list_quantities name_quantity"
    ),
    "extractor.concepts.limits.written_numbers": "find_numbers",
    "extractor.concepts.own.attributes": "Attribute AttributeSet CLASSES",
    "extractor.concepts.own.declaration": (
        "CustomField CustomFields Declarations Declared Example Of explain_unread"
    ),
    "extractor.concepts.own.models": "read_fields",
    "extractor.concepts.parse": "parse_record",
    "extractor.concepts.people.registered_ages": (
        "AGES DESCRIPTIONS OLDEST count_days read_comparator read_registered_age"
    ),
    "extractor.concepts.windows.grouping": "classify_anchor list_things",
    "extractor.concepts.windows.times": "first_window",
    # Quotes, confidences and doubts.
    "extractor.assembly.doubtful": "drop_doubtful find_doubtful",
    "extractor.assembly.seen": "explain_absence",
    "extractor.confidence": "find_meaning list_counts",
    "extractor.evidence.drafts": "Draft Reading Span TokenConflict",
    "extractor.evidence.parsed": "ParsedRecord",
    "extractor.evidence.quotes": "QuoteStatus verify_quote",
    "extractor.pipeline": "extract_by_rules",
    # Files of records.
    "extractor.formats": "make_record name_text read_records read_stream",
    "extractor.formats.free_text": "GivenSection",
    "extractor.formats.inputs": "refuse_missing",
    "extractor.formats.registry_numbers": "GUESSED list_registry_numbers",
    # Patients and criteria.
    "extractor.match": (
        "Facts Match NOT_COMPARED Need ONLY_A_MODEL Patient Plan Synonyms "
        "has_conditions is_of_others join_synonyms list_needs plan_trial read_facts tell_kind"
    ),
    "extractor.match.decide": "decide",
    # Settings, and the processes and models that they open.
    "extractor.masking": "hide_user mask remember",
    "extractor.options": (
        "AtOnce Choice Count ExtractionOptions FILES LIMITS ModelOptions RARE SERVICE "
        "Seconds Shown Workers read_columns"
    ),
    "extractor.setup": "OpenExtractor Setup",
    # Runs of many records, and their folders.
    "extractor.run.executor": "Executor ProcessExecutor",
    "extractor.run.files": (
        "EXTRACTIONS FAILURES find_place made_folder name_failed refuse_link "
        "write_atomically write_page"
    ),
    "extractor.run.finished": "RereadRecord TextState find_run",
    "extractor.run.joined": "JoinedRuns list_files list_in_file parse_extraction",
    "extractor.run.manifest": "MANIFEST Stop digest_rules read_manifest restore_fields",
    "extractor.run.run": "Run",
    "extractor.run.steps": "extract_with",
    "extractor.run.store": "RunStore",
    "extractor.match.judge": "Verdict",
    "extractor.match.plan": "Rule",
    "extractor.match.asking": "measure_request ask_matches Asked",
    "extractor.model.cost.tokens": "RequestSize",
    "extractor.model.opening": "open_model",
    # Calls to models: money, events, storage.
    "extractor.model.calls": "Call",
    "extractor.model.client": "Model Route",
    "extractor.model.cost.budget": "Budget Pricing Reservation",
    "extractor.model.database": "open_run Database",
    "extractor.model.events": "Event EventLog Fact listening tell",
    "extractor.model.pace": "RetryPolicy explain_status retry_after",
    "extractor.model.patience": "Silence",
    "extractor.model.spec": "ClientSettings ModelSpec",
    "extractor.model.store": "OpenStore CallStore Spending",
    # Messages, and tables that come with a package.
    "extractor.plurals": "counted show_some",
    "extractor.resources": "parse_json read_toml",
}
"""The modules that define the names."""
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
