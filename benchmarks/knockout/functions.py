"""The functions of modules: where each stands, how large it is, and how to put another in its
place.
"""

import ast
import functools
import hashlib
import importlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A function in its file. ``nodes`` counts its syntax nodes, ``source`` stands for its text."""

    path: str
    name: str
    nodes: int
    source: str

    @property
    def key(self) -> str:
        return f"{self.path}:{self.name}"


def list_files(paths: Sequence[Path]) -> list[Path]:
    """Return the Python files of files and folders."""
    return sorted(
        {
            file
            for path in paths
            for file in (path.rglob("*.py") if path.is_dir() else [path])
        }
    )


def list_places(file: Path, root: Path) -> Iterator[Place]:
    """Yield the functions and methods of a file. What stands inside a function belongs to it."""
    yield from _walk(
        ast.parse(file.read_text("utf-8")), str(file.resolve().relative_to(root)), ""
    )


def _walk(tree: ast.AST, path: str, prefix: str) -> Iterator[Place]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            source = hashlib.md5(
                ast.dump(node).encode(), usedforsecurity=False
            ).hexdigest()[:12]
            yield Place(
                path, prefix + node.name, sum(1 for _ in ast.walk(node)), source
            )
        elif isinstance(node, ast.ClassDef):
            yield from _walk(node, path, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _walk(node, path, prefix)


def import_file(file: Path, root: Path) -> ModuleType:
    """Import the module of a file."""
    parts = file.resolve().relative_to(root).with_suffix("").parts
    return importlib.import_module(
        ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    )


def find_function(module: ModuleType, name: str) -> tuple[FunctionType | None, object]:
    """Return the plain function of a dotted name, and what stands in its place, such as a
    property or a cache.
    """
    holder: Any = module
    for part in name.split("."):
        found = inspect.getattr_static(holder, part, None)
        if found is None:
            return None, None
        holder = found
    return _unwrap(holder), holder


def _unwrap(found: Any) -> FunctionType | None:
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, classmethod | staticmethod):
            found = found.__func__
        elif isinstance(found, functools.cached_property):
            found = found.func
        elif hasattr(found, "__wrapped__"):
            found = found.__wrapped__
        else:
            return None
    return found


def replace_code(function: FunctionType, code: CodeType) -> None:
    """Put other code into a function, so that all who have imported it run that. It takes any
    arguments.
    """
    function.__code__ = code.replace(co_freevars=function.__code__.co_freevars)
    function.__defaults__ = None
    function.__kwdefaults__ = None
