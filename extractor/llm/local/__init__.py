"""Models that run on this machine: which there are, how they get here, how they are served.

::

    pull_model("smollm2-135m")                      # once; without network ever after
    with serve_model(locate_model("smollm2-135m")) as server:
        ...                                         # server.base_url, server.model, server.token
"""

from .catalogue import HubSource, LocalModel, PackageSource, default_model, find_model, load_catalogue
from .pull import pull_model
from .serve import LocalServer, ServerSettings, Tuning, serve_model
from .store import ModelRow, Progress, default_cache, list_models, locate_model

__all__ = [
    "HubSource",
    "LocalModel",
    "LocalServer",
    "ModelRow",
    "PackageSource",
    "Progress",
    "ServerSettings",
    "Tuning",
    "default_cache",
    "default_model",
    "find_model",
    "list_models",
    "load_catalogue",
    "locate_model",
    "pull_model",
    "serve_model",
]
