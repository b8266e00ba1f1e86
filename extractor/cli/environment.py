"""Environment variables: the keys and addresses of hosted models, and folders. The only place that reads them."""

import os
from pathlib import Path

from extractor.llm.spec import ModelSpec

__all__ = [
    "find_own_prices",
    "has_telemetry_endpoint",
    "read_cache_folder",
    "read_model_spec",
    "read_service_model",
    "read_token",
]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def read_model_spec(text: str) -> ModelSpec:
    """The model that ``--model`` names, with its key: OPENAI_API_KEY and OPENAI_BASE_URL for a hosted model,
    EXTRACTOR_TOKEN for a server that is named by URL.

    Raises ``ValueError`` for a specification that cannot be understood.
    """
    return ModelSpec.parse(
        text,
        api_key=os.environ.get("OPENAI_API_KEY"),
        base_url=os.environ.get("OPENAI_BASE_URL"),
        server_key=os.environ.get("EXTRACTOR_TOKEN"),
    )


def read_service_model(text: str) -> ModelSpec:
    """The model of ``extractor serve``. EXTRACTOR_TOKEN opens the service itself and is never sent on: a server that is
    named by URL gets EXTRACTOR_MODEL_TOKEN.
    """
    return ModelSpec.parse(
        text,
        api_key=os.environ.get("OPENAI_API_KEY"),
        base_url=os.environ.get("OPENAI_BASE_URL"),
        server_key=os.environ.get("EXTRACTOR_MODEL_TOKEN"),
    )


def read_token() -> str | None:
    """The token that opens a service of this program, None if there is none."""
    return os.environ.get("EXTRACTOR_TOKEN") or None


def read_cache_folder() -> Path | None:
    """Where models of this machine are kept: EXTRACTOR_CACHE, or None for the user's cache."""
    folder = os.environ.get("EXTRACTOR_CACHE")
    return Path(folder) if folder else None


def find_own_prices() -> Path:
    """Where the user may keep prices: ``prices.toml`` in the folder of settings, which may not be there."""
    import platformdirs

    return platformdirs.user_config_path("trial-extractor", appauthor=False) / "prices.toml"


def has_telemetry_endpoint() -> bool:
    """Whether OpenTelemetry's own variables, which its exporter reads, name an address for spans."""
    return any(os.environ.get(name) for name in _ENDPOINTS)
