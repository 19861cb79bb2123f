"""`Payload`: the bytes of a result, and what is known about it besides."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from lookerframe.exceptions import PayloadLimitError
from lookerframe.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_read_takes_the_whole_body_and_closes() -> None:
    """Up to the limit, that included."""
    closed = []
    payload = Payload("txt", [b"ab", b"", b"c"], close=lambda: closed.append(True))

    assert payload.read(limit=3) == b"abc"
    assert closed == [True]


def test_read_refuses_a_body_over_the_limit_and_pulls_no_further() -> None:
    """The limit protects the memory of this process."""
    pulled = []
    closed = []

    def chunks() -> Iterator[bytes]:
        for n in range(100):
            pulled.append(n)
            yield b"x" * 10

    with pytest.raises(PayloadLimitError) as caught:
        Payload("txt", chunks(), close=lambda: closed.append(True)).read(limit=25)

    assert str(caught.value) == "txt: the body passes 25 bytes (at byte 25)"
    assert len(pulled) == 3
    assert closed == [True]


def test_read_closes_when_the_source_breaks() -> None:
    """The error comes out as it is."""
    closed = []

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        Payload("txt", chunks(), close=lambda: closed.append(True)).read()
    assert closed == [True]


def test_payload_is_a_value_with_defaults() -> None:
    """Bytes and a format are enough."""
    payload = Payload("json", [b"[]"])

    assert (payload.origin, payload.fields, dict(payload.context), payload.stats) == ("payload", None, {}, None)
    payload.close()
    with pytest.raises(dataclasses.FrozenInstanceError):
        payload.result_format = "csv"  # type: ignore[misc]
