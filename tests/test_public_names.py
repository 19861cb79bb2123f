"""What is public, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lookerframe as lf

HEAVY = (
    "pandas",
    "pyarrow",
    "numpy",
    "requests",
    "jsonschema",
    "msgspec",
    "duckdb",
    "polars",
    "rich",
    "starlette",
    "uvicorn",
    "lkml",
)


def test_importing_the_package_loads_nothing_heavy() -> None:
    """``import lookerframe`` is for free; what a name needs is loaded with the name."""
    code = f"import sys, lookerframe; print([name for name in {HEAVY!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [
        ("read_looker_task", ("pandas", "duckdb", "starlette", "uvicorn", "lkml")),
        ("write_parquet", ("pandas", "duckdb", "starlette", "uvicorn")),
        ("LookerSQLError", ("pandas", "pyarrow", "requests", "msgspec", "jsonschema")),
        ("filters", HEAVY),
        ("local", ("pandas", "duckdb", "starlette", "uvicorn", "lkml")),
    ],
)
def test_a_name_loads_what_it_needs(name: str, unwanted: tuple[str, ...]) -> None:
    """Reading needs no pandas before a frame is made, an error needs nothing, the local Looker waits for start."""
    code = f"import sys, lookerframe; lookerframe.{name}; print([name for name in {unwanted!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_all_public_names_can_be_had() -> None:
    """Each name of ``__all__`` is there, and dir() shows it."""
    assert [name for name in lf.__all__ if not hasattr(lf, name)] == []
    assert set(lf.__all__) <= set(dir(lf))
    with pytest.raises(AttributeError, match="no attribute 'read_looker'"):
        _ = lf.read_looker


def test_type_checkers_see_the_same_names() -> None:
    """The imports under TYPE_CHECKING are those that ``__getattr__`` serves."""
    tree = ast.parse(Path(lf.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    assert seen | {"__version__"} == set(lf.__all__)


def test_every_error_is_public() -> None:
    """All errors are importable from the package."""
    from lookerframe import exceptions

    errors = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == exceptions.__name__
    }

    assert errors <= set(lf.__all__)


def test_no_module_bears_the_name_of_a_public_function() -> None:
    """``lookerframe.decode`` is the function, whatever was imported before."""
    modules = {path.stem for path in Path(lf.__file__).parent.iterdir()}

    assert modules & set(lf.__all__) == {"filters", "local"}
