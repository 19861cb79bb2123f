"""One call from a task, a query, a Look or a saved payload to typed data."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lookerframe import formats
from lookerframe.client import Looker, Task
from lookerframe.columns import Decoding
from lookerframe.exceptions import ConfigError, InvalidQueryError, QueryProblem
from lookerframe.fields import picked
from lookerframe.formats import multi_results, webhook
from lookerframe.formats.detection import MULTI_RESULTS, WEBHOOK, detect, inflated
from lookerframe.models import SavedQuery
from lookerframe.payload import Payload
from lookerframe.query import Query
from lookerframe.result import require_backend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    import pandas as pd
    import pyarrow as pa

    from lookerframe.client import Detail, OnExpired
    from lookerframe.columns import Names, OnTruncate, Part, Pivots, Timestamps
    from lookerframe.fields import Numbers
    from lookerframe.models import Look, QueryTask
    from lookerframe.result import DtypeBackend, Result
    from lookerframe.tasks import RunOptions, TaskOptions

#: Bodies that have a result inside → what takes it out.
_WRAPPERS = {WEBHOOK: webhook.unwrap, MULTI_RESULTS: multi_results.unwrap}
_CHUNK_BYTES = 256 * 1024
_SNIFFED_BYTES = 4096


def read_looker_task(
    task: str | Task | QueryTask,
    *,
    looker: Looker | None = None,
    timeout: float | None = 600.0,
    dtype_backend: DtypeBackend = "pyarrow",
    multiindex: bool = False,
    numbers: Numbers = "auto",
    dtypes: Mapping[str, str | pa.DataType] | None = None,
    timestamps: Timestamps = "naive",
    names: Names = "field",
    cells: Sequence[Part] = ("value",),
    pivots: Pivots = "wide",
    on_truncate: OnTruncate = "warn",
    strict: bool = False,
    detail: Detail = "fetch",
    on_expired: OnExpired = "raise",
) -> pd.DataFrame:
    """Read the result of a query task; wait for it if it still runs.

    Parameters
    ----------
    task : str, Task or QueryTask
        The id of a query task, its address, or what `Looker.submit` or `Task.status` returned. It is run
        again only with ``on_expired="rerun"``.
    looker : Looker, optional
        Whom to ask; by default a client made from the environment and ``looker.ini`` for this call.
    timeout : float or None, default 600.0
        Seconds for everything, from the first request to the last row; None waits without end.
    dtype_backend, multiindex
        See `Result.to_pandas`.
    numbers, dtypes, timestamps, names, cells, pivots, on_truncate, strict, detail, on_expired
        See `Task.result`.

    Returns
    -------
    pandas.DataFrame
        n rows in Looker's order, a column for each field, named ``view.field``.

    Raises
    ------
    LookerSQLError
        The query failed in Looker or its database.
    NotFoundError, ResultExpiredError, TaskKilledError, DeadlineError, AuthError, NetworkError, ...
        There is no result to be had; see `FetchError`.
    PayloadError, ConversionError
        The result is not what its format says, or a value does not fit its column.

    Notes
    -----
    Source: Looker API 4.0, ``GET /query_tasks/{query_task_id}`` and ``.../results``. The result is decoded by the
    result format that the task was created with.
    """
    require_backend(dtype_backend)
    if isinstance(task, Task):
        if looker not in (None, task.looker):
            message = "this task belongs to another Looker than looker=; leave looker= out, or give the task's id"
            raise ConfigError(message, setting="looker")
        looker = task.looker
    with _client(looker) as client:
        handle = task if isinstance(task, Task) else client.task(task)
        result = handle.result(
            timeout=timeout,
            numbers=numbers,
            dtypes=dtypes,
            timestamps=timestamps,
            names=names,
            cells=cells,
            pivots=pivots,
            on_truncate=on_truncate,
            strict=strict,
            detail=detail,
            on_expired=on_expired,
        )
        return result.to_pandas(dtype_backend=dtype_backend, multiindex=multiindex)


def read_looker_query(
    query: str | Query | SavedQuery | None = None,
    *,
    model: str | None = None,
    explore: str | None = None,
    fields: Sequence[str] = (),
    filters: Mapping[str, Any] | None = None,
    sorts: Sequence[str] = (),
    limit: int | None = None,
    query_timezone: str | None = None,
    looker: Looker | None = None,
    result_format: str = "json_detail",
    timeout: float | None = 600.0,
    dtype_backend: DtypeBackend = "pyarrow",
    multiindex: bool = False,
    numbers: Numbers = "auto",
    dtypes: Mapping[str, str | pa.DataType] | None = None,
    timestamps: Timestamps = "naive",
    names: Names = "field",
    cells: Sequence[Part] = ("value",),
    pivots: Pivots = "wide",
    on_truncate: OnTruncate = "warn",
    strict: bool = False,
    detail: Detail = "fetch",
    **options: Unpack[RunOptions],
) -> pd.DataFrame:
    """Run a query and read its result.

    Parameters
    ----------
    query : str, Query or SavedQuery, optional
        The id or slug of a saved query, an explore's address, or a query. Left out, the query is spelled out by the
        next parameters, which are those of `Query`.
    model, explore, fields, filters, sorts, query_timezone
        See `Query`.
    limit : int, optional
        Rows at most. By default all rows of a query that is spelled out here, and the own limit of a saved one.
    looker, timeout, dtype_backend, multiindex, numbers, dtypes, timestamps, names, cells, pivots, on_truncate,
    strict, detail
        See `read_looker_task`.
    result_format : str, default "json_detail"
        One of those in ``docs/formats.md``.
    **options
        Options of Looker's create call; see `Looker.submit`.

    Returns
    -------
    pandas.DataFrame
        n rows in Looker's order, a column for each field, named ``view.field``.

    Raises
    ------
    InvalidQueryError
        The query cannot be run: what is wrong with it is listed.
    LookerSQLError, FetchError, PayloadError, ConversionError
        See `read_looker_task`.
    """
    spelt = {
        "model": model,
        "explore": explore,
        "fields": fields,
        "filters": filters,
        "sorts": sorts,
        "query_timezone": query_timezone,
    }
    require_backend(dtype_backend)
    asked = _asked(query, spelt, limit)
    with _client(looker) as client:
        result = client.run(
            asked,
            limit=None if query is None else limit,
            result_format=result_format,
            timeout=timeout,
            numbers=numbers,
            dtypes=dtypes,
            timestamps=timestamps,
            names=names,
            cells=cells,
            pivots=pivots,
            on_truncate=on_truncate,
            strict=strict,
            detail=detail,
            **options,
        )
        return result.to_pandas(dtype_backend=dtype_backend, multiindex=multiindex)


def read_looker_look(
    look: str | int | Look,
    *,
    looker: Looker | None = None,
    result_format: str = "json_detail",
    timeout: float | None = 600.0,
    dtype_backend: DtypeBackend = "pyarrow",
    multiindex: bool = False,
    numbers: Numbers = "auto",
    dtypes: Mapping[str, str | pa.DataType] | None = None,
    timestamps: Timestamps = "naive",
    names: Names = "field",
    cells: Sequence[Part] = ("value",),
    pivots: Pivots = "wide",
    on_truncate: OnTruncate = "warn",
    strict: bool = False,
    detail: Detail = "fetch",
    **options: Unpack[TaskOptions],
) -> pd.DataFrame:
    """Run the query of a Look and read its result.

    Parameters
    ----------
    look : str, int or Look
        The id of a Look, its address (``https://company.looker.com/looks/42``), or the Look itself. Its own row limit
        holds, unless ``limit=`` is given; ``limit=-1`` asks for all rows.
    looker, timeout, dtype_backend, multiindex, numbers, dtypes, timestamps, names, cells, pivots, on_truncate,
    strict, detail
        See `read_looker_task`.
    result_format, **options
        See `read_looker_query`.

    Returns
    -------
    pandas.DataFrame
        n rows in Looker's order, a column for each field, named ``view.field``.

    Raises
    ------
    NotFoundError
        There is no such Look, or this user may not see it.
    LookerSQLError, FetchError, PayloadError, ConversionError
        See `read_looker_task`.

    Notes
    -----
    Source: Looker API 4.0, ``GET /looks/{look_id}``.
    """
    require_backend(dtype_backend)
    with _client(looker) as client:
        result = client.run_look(
            look,
            result_format=result_format,
            timeout=timeout,
            numbers=numbers,
            dtypes=dtypes,
            timestamps=timestamps,
            names=names,
            cells=cells,
            pivots=pivots,
            on_truncate=on_truncate,
            strict=strict,
            detail=detail,
            **options,
        )
        return result.to_pandas(dtype_backend=dtype_backend, multiindex=multiindex)


def decode(
    source: bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes] | Iterable[bytes],
    result_format: str | None = None,
    *,
    fields: Mapping[str, Any] | None = None,
    query: Query | SavedQuery | Mapping[str, Any] | None = None,
    numbers: Numbers = "auto",
    dtypes: Mapping[str, str | pa.DataType] | None = None,
    timestamps: Timestamps = "naive",
    names: Names = "field",
    cells: Sequence[Part] = ("value",),
    pivots: Pivots = "wide",
    on_truncate: OnTruncate = "warn",
    strict: bool = False,
) -> Result:
    """Decode a payload that was saved earlier; nothing is fetched.

    Parameters
    ----------
    source : bytes, path, binary file or iterable of bytes
        The body of a result as Looker sent it, or with one result in it: what Looker posts to a webhook, an answer of
        ``multi_results``. It may be compressed with gzip. A `str` is a path.
    result_format : str, optional
        One of those in ``docs/formats.md``, ``"webhook"`` or ``"multi_results"``. By default the first bytes tell it.
    fields : mapping, optional
        Field metadata for formats that carry none: an object with ``dimensions``, ``measures``, ``table_calculations``
        and ``pivots``, as ``fields`` of a `json_detail` answer or of an explore. Without it types are inferred. Of an
        explore's fields those of `query` are taken; without `query` each of them is a column.
    query : Query, SavedQuery or mapping, optional
        What was asked, or the body that Looker gave for it: formats other than `json_detail` do not say whether the
        last row is totals, how many heading rows are pivots, and which limit and time zone there were; an explore's
        `fields` do not say which of them are those of the result.
    numbers, dtypes, timestamps, names, cells, pivots, on_truncate, strict
        See `Task.result`.

    Returns
    -------
    Result
        n rows, a column for each field.

    Raises
    ------
    UnknownFormatError, UnexpectedContentError
        The format has no decoder; it cannot be told from the first bytes.
    LookerSQLError, PayloadError, ConversionError
        See `read_looker_task`.
    """
    if result_format is not None and result_format not in _WRAPPERS:
        formats.require(result_format)
    chunks, close, origin = _opened(source)
    iterator = iter(chunks)
    try:
        iterator = inflated(iterator, origin=origin)
        if result_format is None:
            result_format, iterator = _told_format(iterator)
        asked = _saved(query)
        described = None if fields is None else lambda: picked(fields, asked) if asked and asked.fields else fields
        facts = asked.facts() if asked else {}
        payload = Payload(result_format, iterator, origin=origin, fields=described, context=facts, close=close)
        if result_format in _WRAPPERS:
            found = _WRAPPERS[result_format](payload.read(), origin=origin)
            payload = replace(found, fields=described, context={**found.context, **payload.context})
        decoding = Decoding(numbers, dtypes or {}, timestamps, names, cells, pivots, on_truncate, strict=strict)
        return formats.decode(payload, decoding)
    except BaseException:
        close()
        raise


@contextlib.contextmanager
def _client(looker: Looker | None) -> Iterator[Looker]:
    given: Any = looker
    if isinstance(given, Looker):
        yield given
        return
    if given is not None:
        message = f"looker is a Looker, as Looker.from_env() makes one, not {type(looker).__name__}"
        raise ConfigError(message, setting="looker")
    with Looker.from_env() as client:
        yield client


def _asked(
    query: str | Query | SavedQuery | None, spelt: Mapping[str, Any], limit: int | None
) -> str | Query | SavedQuery:
    given = {name: value for name, value in spelt.items() if value}
    if query is None:
        return Query(**{"model": "", "explore": "", "limit": limit, **given})
    if given:
        names = ", ".join(f"{name}=" for name in given)
        what = "a Query says all of itself" if isinstance(query, Query) else "a saved query is immutable"
        problem = QueryProblem(f"{what}, so {names} cannot be combined with it")
        raise InvalidQueryError([problem])
    return query


def _opened(source: Any) -> tuple[Iterable[bytes], Any, str]:
    if isinstance(source, bytes | bytearray | memoryview):
        whole = bytes(source)
        return (whole[start : start + _CHUNK_BYTES] for start in range(0, len(whole), _CHUNK_BYTES)), _nothing, "bytes"
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            file = path.open("rb")
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else str(exc)
            message = f"{str(path)[:200]!r} cannot be read: {reason}; a str is a path, give bytes to decode its text"
            raise ConfigError(message, setting="source") from exc
        return _read(file), file.close, str(path)
    if hasattr(source, "read"):
        return _read(source), _nothing, str(getattr(source, "name", "file"))
    if hasattr(source, "__iter__"):
        return map(_bytes, source), _nothing, type(source).__name__
    raise _no_payload(source)


def _nothing() -> None:
    pass


def _read(file: IO[Any]) -> Iterator[bytes]:
    while True:
        try:
            chunk = file.read(_CHUNK_BYTES)
        except (OSError, ValueError) as exc:  # ValueError: the file is closed
            message = f"the file cannot be read: {exc}"
            raise ConfigError(message, setting="source") from exc
        if isinstance(chunk, str):
            message = "the file is open as text; open it in binary mode ('rb')"
            raise ConfigError(message, setting="source")
        if not chunk:
            return
        yield _bytes(chunk)


def _bytes(chunk: Any) -> bytes:
    if isinstance(chunk, bytes | bytearray | memoryview):
        return bytes(chunk)
    raise _no_payload(chunk)


def _no_payload(found: Any) -> ConfigError:
    message = (
        f"a payload is bytes, a path, a binary file or an iterable of bytes; met {type(found).__name__}. "
        "Of a response, give the content as it came, not what its JSON was parsed to"
    )
    return ConfigError(message, setting="source")


def _saved(query: Any) -> SavedQuery | None:
    if isinstance(query, Query):
        query = query.to_api()
    if isinstance(query, Mapping):
        query = SavedQuery.from_api(query)
    if not isinstance(query, SavedQuery | None):
        message = f"query is a Query, a SavedQuery or the body of one, not {type(query).__name__}"
        raise ConfigError(message, setting="query")
    return query


def _told_format(chunks: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    seen = b""
    for chunk in chunks:
        seen += chunk
        if len(seen) >= _SNIFFED_BYTES:
            break
    return detect(seen), itertools.chain([seen], chunks)
