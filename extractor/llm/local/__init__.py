"""Models that run on this machine.

::

    pull_model("smollm2-135m")                      # once; no network afterwards
    with serve_model(locate_model("smollm2-135m")) as server:
        ...                                         # server.base_url, server.model, server.token
"""

from .models import (
    HubSource,
    LocalModel,
    PackageSource,
    Progress,
    default_cache,
    default_model,
    find_model,
    list_models,
    load_catalogue,
    locate_model,
    pull_model,
)
from .server import LocalServer, ServerSettings, serve_model

__all__ = [
    "HubSource",
    "LocalModel",
    "LocalServer",
    "PackageSource",
    "Progress",
    "ServerSettings",
    "default_cache",
    "default_model",
    "find_model",
    "list_models",
    "load_catalogue",
    "locate_model",
    "pull_model",
    "serve_model",
]
