"""The process that runs llama.cpp: ``python -m extractor.llm.local.runtime``, started by ``serve`` alone.

One JSON line with the settings comes in on stdin; one goes out on stdout, ``{"address": ...}`` or
``{"error": ...}``. It ends when stdin closes, and so also when its parent dies in any way.
"""

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .hub import EXTRA_MISSING

__all__ = ["set_parameters"]

ERRORS_ONLY = 1
PROMPT_CACHE_MIB = 512
LOOPBACK = "127.0.0.1"
LOGICAL_BATCH = 2048
FLASH_AUTO = -1
GGML_TYPES = {16: 1, 8: 8}
"""llama.cpp's numbers for the types f16 and q8_0, by their bits."""


def set_parameters(parameters: Any, request: Mapping[str, Any]) -> Any:
    """Fill llama.cpp's ``CommonParams`` from the request, and return them."""
    parameters.model.path = request["path"]
    parameters.model_alias = {request["name"]}
    parameters.hostnames = [LOOPBACK]
    parameters.port = request["port"]
    parameters.api_keys = [request["token"]]
    parameters.ui = False
    parameters.endpoint_metrics = True
    parameters.verbosity = ERRORS_ONLY
    parameters.n_parallel = request["slots"]
    parameters.n_ctx = request["slots"] * request["context"]  # llama.cpp divides it among the slots
    parameters.cache_ram_mib = PROMPT_CACHE_MIB  # 8 GiB by default, which a long run fills
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = request["threads"]
    _tune(parameters, request["tuning"])
    return parameters


def _tune(parameters: Any, tuning: Mapping[str, Any]) -> None:
    parameters.n_ubatch = tuning["batch"]
    parameters.n_batch = max(LOGICAL_BATCH, tuning["batch"])
    flash = tuning["flash_attention"]
    parameters.flash_attn_type = FLASH_AUTO if flash is None else int(flash)
    parameters.cache_type_k = parameters.cache_type_v = GGML_TYPES[tuning["cache_bits"]]
    parameters.cache_prompt = tuning["prefix_cache"]
    parameters.n_cache_reuse = tuning["reuse"]


def _serve(request: Mapping[str, Any]) -> Any:
    """Start the server and answer the parent. The server lives as long as the returned object."""
    try:
        xllamacpp = import_module("xllamacpp")
        parameters = set_parameters(xllamacpp.CommonParams(), request)
        server = xllamacpp.Server(parameters)
    except ImportError:
        _answer(missing=EXTRA_MISSING.format(module="xllamacpp"))
    except (RuntimeError, ValueError) as error:
        _answer(error=f"llama.cpp cannot serve it ({error})")
    else:
        _answer(address=server.listening_address)
        return server
    return None


def _answer(**reply: str) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def main() -> None:
    server = _serve(json.loads(sys.stdin.readline()))
    if server is not None:
        sys.stdin.read()
    # Without destructors: llama.cpp's waits for requests under way, however long they take.
    os._exit(0)


if __name__ == "__main__":
    main()
