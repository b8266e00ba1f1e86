"""Other libraries' checkers of quotes, called as their own pipelines call them, with their default settings."""

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["Checker", "load_checkers"]

Checker = Callable[[str, str], bool]
"""Whether a quote is accepted as standing in a text."""


def load_checkers() -> Mapping[str, Checker]:
    """Checkers by the name of their library.

    Raises ``ImportError`` without the extra ``compare``.
    """
    return {"instructor": _load_instructor(), "langextract": _load_langextract(), "llm-ie": _load_llm_ie()}


def _load_instructor() -> Checker:
    """``CitationMixin`` drops the quotes that it does not find in its context."""
    citation = import_module("instructor").CitationMixin

    def accepts(quote: str, text: str) -> bool:
        return bool(citation.model_validate({"substring_quotes": [quote]}, context={"context": text}).substring_quotes)

    return accepts


def _load_langextract() -> Checker:
    """``WordAligner`` gives an extraction that it finds, exactly or nearly, an interval of characters."""
    extraction = import_module("langextract.core.data").Extraction
    aligner = import_module("langextract.resolver").WordAligner()

    def accepts(quote: str, text: str) -> bool:
        return aligner.align_extractions([[extraction("quote", quote)]], text)[0][0].char_interval is not None

    return accepts


def _load_llm_ie() -> Checker:
    """A frame extractor keeps the frames whose text it finds, by overlap of words if not exactly."""
    chunker = import_module("llm_ie.chunkers").WholeDocumentUnitChunker()
    # Only the finder is wanted, which asks no model.
    finder = import_module("llm_ie.extractors").DirectFrameExtractor(None, chunker, prompt_template="{{text}}")

    def accepts(quote: str, text: str) -> bool:
        return finder._find_entity_spans(text, [quote])[0] is not None

    return accepts
