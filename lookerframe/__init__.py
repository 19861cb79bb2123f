"""Results of the Looker API as typed pandas frames, Arrow tables and Parquet.

Every public name is importable from here; what it needs is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lookerframe.version import __version__ as __version__

if TYPE_CHECKING:
    from lookerframe import filters as filters
    from lookerframe import local as local
    from lookerframe.client import Looker as Looker
    from lookerframe.client import Task as Task
    from lookerframe.config import Secret as Secret
    from lookerframe.config import Settings as Settings
    from lookerframe.exceptions import AccessError as AccessError
    from lookerframe.exceptions import AuthError as AuthError
    from lookerframe.exceptions import ConfigError as ConfigError
    from lookerframe.exceptions import ConversionError as ConversionError
    from lookerframe.exceptions import DeadlineError as DeadlineError
    from lookerframe.exceptions import ExportError as ExportError
    from lookerframe.exceptions import FetchError as FetchError
    from lookerframe.exceptions import IncompleteResultError as IncompleteResultError
    from lookerframe.exceptions import InvalidQueryError as InvalidQueryError
    from lookerframe.exceptions import LookerFrameError as LookerFrameError
    from lookerframe.exceptions import LookerSQLError as LookerSQLError
    from lookerframe.exceptions import LookMLError as LookMLError
    from lookerframe.exceptions import MissingDependencyError as MissingDependencyError
    from lookerframe.exceptions import NetworkError as NetworkError
    from lookerframe.exceptions import NotFoundError as NotFoundError
    from lookerframe.exceptions import PayloadError as PayloadError
    from lookerframe.exceptions import PayloadLimitError as PayloadLimitError
    from lookerframe.exceptions import QueryProblem as QueryProblem
    from lookerframe.exceptions import RateLimitError as RateLimitError
    from lookerframe.exceptions import ResultConsumedError as ResultConsumedError
    from lookerframe.exceptions import ResultExpiredError as ResultExpiredError
    from lookerframe.exceptions import SchemaError as SchemaError
    from lookerframe.exceptions import SchemaProblem as SchemaProblem
    from lookerframe.exceptions import ServerError as ServerError
    from lookerframe.exceptions import SqlIssue as SqlIssue
    from lookerframe.exceptions import TaskError as TaskError
    from lookerframe.exceptions import TaskKilledError as TaskKilledError
    from lookerframe.exceptions import TruncatedError as TruncatedError
    from lookerframe.exceptions import TruncatedWarning as TruncatedWarning
    from lookerframe.exceptions import UnexpectedContentError as UnexpectedContentError
    from lookerframe.exceptions import UnknownFormatError as UnknownFormatError
    from lookerframe.models import Look as Look
    from lookerframe.models import QueryTask as QueryTask
    from lookerframe.models import SavedQuery as SavedQuery
    from lookerframe.models import User as User
    from lookerframe.query import Query as Query
    from lookerframe.read import decode as decode
    from lookerframe.read import read_looker_look as read_looker_look
    from lookerframe.read import read_looker_query as read_looker_query
    from lookerframe.read import read_looker_task as read_looker_task
    from lookerframe.result import Result as Result
    from lookerframe.sinks.names import safe_name as safe_name
    from lookerframe.sinks.names import safe_path as safe_path
    from lookerframe.sinks.parquet import write_parquet as write_parquet
    from lookerframe.validation import validate as validate

#: Module → the public names that it holds.
_HOMES: dict[str, tuple[str, ...]] = {
    "lookerframe.client": ("Looker", "Task"),
    "lookerframe.config": ("Secret", "Settings"),
    "lookerframe.exceptions": (
        "AccessError",
        "AuthError",
        "ConfigError",
        "ConversionError",
        "DeadlineError",
        "ExportError",
        "FetchError",
        "IncompleteResultError",
        "InvalidQueryError",
        "LookerFrameError",
        "LookMLError",
        "LookerSQLError",
        "MissingDependencyError",
        "NetworkError",
        "NotFoundError",
        "PayloadError",
        "PayloadLimitError",
        "QueryProblem",
        "RateLimitError",
        "ResultConsumedError",
        "ResultExpiredError",
        "SchemaError",
        "SchemaProblem",
        "ServerError",
        "SqlIssue",
        "TaskError",
        "TaskKilledError",
        "TruncatedError",
        "TruncatedWarning",
        "UnexpectedContentError",
        "UnknownFormatError",
    ),
    "lookerframe.models": ("Look", "QueryTask", "SavedQuery", "User"),
    "lookerframe.query": ("Query",),
    "lookerframe.read": ("decode", "read_looker_look", "read_looker_query", "read_looker_task"),
    "lookerframe.result": ("Result",),
    "lookerframe.sinks.names": ("safe_name", "safe_path"),
    "lookerframe.sinks.parquet": ("write_parquet",),
    "lookerframe.validation": ("validate",),
}
#: Modules that are used as such, ``lookerframe.filters.eq(...)``.
_MODULES = ("filters", "local")
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_MODULES, *sorted(_HOME_OF)]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"lookerframe.{name}")
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
