"""Names of a package that are imported on their first use.

A process that only draws needs few modules, and the whole package takes a second.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def list_stub(file: str) -> dict[str, str]:
    """Return the public names of a package, and the module that each is defined in.

    They are what the package's type stub imports, so that they stand in one place.

    Parameters
    ----------
    file : str
        Path of the package's ``__init__.py``; the stub lies beside it.
    """
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        alias.name: str(node.module)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def make_getattr(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package: it imports a name on its first use.

    No name may be that of a module in the package too: importing the module would put
    it in the place of the name.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get
