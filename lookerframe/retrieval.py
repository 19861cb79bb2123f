"""The result of one query task, asked for again where its body breaks off or is damaged.

Looker sends neither a checksum nor a count, so that only a document's own end proves that it is whole; where it is
missing, the same task is asked for its result again. Rows that were handed out already are not handed out twice: the
next answer has to begin with the very bytes that they were read from. Sources: a database that goes away ends the
stream like the end of the data (Looker's documentation); one task keeps one result (assumed).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lookerframe import formats, tasks
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    LookerFrameError,
    NetworkError,
    PayloadError,
    PayloadLimitError,
    SchemaError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from lookerframe.columns import Decoding
    from lookerframe.deadline import Deadline, Stats
    from lookerframe.models import QueryTask
    from lookerframe.payload import Payload
    from lookerframe.result import Result
    from lookerframe.transport import Transport

#: Reasons of a `NetworkError` in the middle of a body that another attempt may mend.
_PASSING: Final = frozenset({"reset", "timeout", "stalled"})
#: Result formats whose own end shows that they are whole.
_CLOSED: Final = frozenset(
    {"json_detail", "json_detail_lite_stream", "json_bi", "json", "inline_json", "json_label", "html", "xlsx"}
)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """How an answer began: so many bytes, and their CRC-32."""

    size: int = 0
    crc: int = 0


class Retrieval:
    """Fetches and decodes the result of one task, as often as that takes.

    Parameters
    ----------
    transport, task, limit, fields, on_failure, deadline, stats
        See `tasks.fetch`.
    decoding
        See `formats.decode`.
    """

    def __init__(
        self,
        transport: Transport,
        task: QueryTask,
        *,
        decoding: Decoding,
        limit: int | None,
        fields: Callable[[], Mapping[str, Any]],
        on_failure: Callable[[BaseException], None],
        deadline: Deadline,
        stats: Stats,
    ) -> None:
        self._transport = transport
        self._task = task
        self._decoding = decoding
        self._limit = limit
        self._fields = fields
        self._on_failure = on_failure
        self._deadline = deadline
        self._stats = stats
        self._attempts = 0
        self._begun: tuple[_Beginning, ...] = ()
        self._failure_of_fields: LookerFrameError | None = None
        self._passage = _Passage((), ())

    def result(self) -> Result:
        """Fetch and decode.

        Raises
        ------
        LookerFrameError
            See `tasks.fetch` and `formats.decode`; of a body that broke off, after `Settings.fetch_attempts` answers.
        """
        while True:
            self._attempts += 1
            payload = self._payload()
            try:
                return formats.decode(payload, self._decoding)
            except LookerFrameError as exc:
                self._refuse_to_repeat(exc)

    def handed_out(self) -> None:
        """Take down that rows of the latest answer were handed out: later ones have to begin as it did so far.

        What had been read by then counts, which is a piece more than the rows took.
        """
        self._passage.is_due = self._passage.met

    def again(self, error: LookerFrameError) -> Result:
        """Fetch once more after `error` in the middle of the rows.

        Parameters
        ----------
        error
            What was raised while the rows of the latest result were read.

        Returns
        -------
        Result
            From the first row on.

        Raises
        ------
        LookerFrameError
            `error`, where another answer would not mend it; whatever `result` raises.
        """
        self._begun = (*self._begun, self._passage.is_due)
        self._refuse_to_repeat(error)
        return self.result()

    def _payload(self) -> Payload:
        payload = tasks.fetch(
            self._transport,
            self._task,
            limit=self._limit,
            fields=self._described,
            on_failure=self._on_failure,
            deadline=self._deadline,
            stats=self._stats,
        )
        if not payload.framed and payload.result_format not in _CLOSED:
            payload.close()
            raise self._unprovable(payload.result_format)
        self._passage = _Passage(payload.chunks, self._begun)
        return replace(payload, chunks=self._passage, again=self)

    def _described(self) -> Mapping[str, Any]:
        """Bring the field metadata; its troubles are not those of the result."""
        try:
            return self._fields()
        except LookerFrameError as exc:
            self._failure_of_fields = exc
            raise

    def _refuse_to_repeat(self, error: LookerFrameError) -> None:
        """Raise `error` if another answer would not mend it or there is no time for one; else wait for a moment."""
        allowed = self._allowed(error)
        endpoint = f"GET /query_tasks/{self._task.id}/results"
        if self._attempts < allowed and self._transport.wait_again(
            self._attempts, error=error, endpoint=endpoint, deadline=self._deadline, stats=self._stats
        ):
            return
        if isinstance(error, PayloadError):
            error.task_id, error.attempts, error.elapsed = self._task.id, self._attempts, self._deadline.elapsed()
        raise error

    def _unprovable(self, result_format: str) -> IncompleteResultError:
        message = (
            "the answer says neither how long it is nor where it ends, as some proxies write it, and this format does "
            'not show it either: ask for the result as json_detail, with result_format="json_detail"'
        )
        error = IncompleteResultError(message, result_format=result_format)
        error.task_id = self._task.id
        return error

    def _allowed(self, error: LookerFrameError) -> int:
        settings = self._transport.settings
        if error is self._failure_of_fields or isinstance(error, SchemaError | PayloadLimitError):
            return 1
        if self._passage.differs:
            return settings.connect_attempts
        if isinstance(error, NetworkError):
            return settings.fetch_attempts if error.reason in _PASSING else 1
        if isinstance(error, IncompleteResultError):
            return settings.fetch_attempts
        if isinstance(error, ConversionError):
            return 1 if self._task.result_format in _CLOSED else settings.connect_attempts
        # Damage on the way passes, a document that Looker writes like that does not.
        return settings.connect_attempts if isinstance(error, PayloadError) else 1


class _Passage:
    """The bytes of one answer on their way; compared with how those began of which rows were handed out."""

    def __init__(self, chunks: Iterable[bytes], expected: Iterable[_Beginning]) -> None:
        self._chunks = chunks
        self._due = sorted(expected, key=lambda beginning: beginning.size, reverse=True)
        self.met = self.is_due = _Beginning()
        self.differs = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            rest = chunk
            while self._due and (left := self._due[-1].size - self.met.size) <= len(rest):
                self._take(rest[:left])
                rest = rest[left:]
                due = self._due.pop()
                if self.met != due:
                    self.differs = True
                    raise self._other(due, "has other bytes in the part that had come before")
            self._take(rest)
            yield chunk
        if self._due:
            raise self._other(self._due[0], "is shorter than the part that had come before")

    def _take(self, data: bytes) -> None:
        self.met = _Beginning(self.met.size + len(data), zlib.crc32(data, self.met.crc))

    def _other(self, due: _Beginning, how: str) -> IncompleteResultError:
        message = (
            f"reading failed after {due.size:,} bytes, and the next answer for the same task {how}; "
            "rows were handed out already, so it cannot go on for them: run the query again, or read with to_arrow()"
        )
        return IncompleteResultError(message, offset=self.met.size)
