"""Filter expressions: what is served means what Looker says, everything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookerframe.local.filters import FilterError, parse
from lookerframe.local.project import Field, Place
from lookerframe.local.timeframes import TIMEFRAMES


def field(kind: str) -> Field:
    """Make a field of a type."""
    timeframe = TIMEFRAMES.get(kind.removeprefix("date_"))
    place = Place(str(Path("v.view.lkml")))
    return Field("v", "f", kind, "x", place, label="F", view_label="V", timeframe=timeframe if "date" in kind else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AA", "(x ) = 'AA'"),
        ("AA,UA", "(x ) IN ('AA', 'UA')"),
        (" AA , UA ", "(x ) IN ('AA', 'UA')"),
        ("AA,AA", "(x ) = 'AA'"),
        ("AA,,UA,", "(x ) IN ('AA', 'UA')"),
        ('"a, b",c', "(x ) IN ('a, b', 'c')"),
        ('" a "', "(x ) = ' a '"),
        ("a^,b", "(x ) = 'a,b'"),
        ("50^%", "(x ) = '50%'"),
        ("a^_b", "(x ) = 'a_b'"),
        ("^-x", "(x ) = '-x'"),
        ("a-b", "(x ) = 'a-b'"),
        ("a^^b", "(x ) = 'a^b'"),
        ("^NULL", "(x ) = 'NULL'"),
        ('"NULL"', "(x ) = 'NULL'"),
        ("annul", "(x ) = 'annul'"),
        ("O'Hare", "(x ) = 'O''Hare'"),
        ("'; DROP TABLE flights; --", "(x ) = '''; DROP TABLE flights; --'"),
        ("Zürich 😀", "(x ) = 'Zürich 😀'"),
    ],
)
def test_string_filter(text: str, expected: str) -> None:
    """Values and lists of them; quotes and ^ take what is special out of the language."""
    assert parse(field("string"), text).sql("x") == expected


@pytest.mark.parametrize(
    "text",
    [
        "-AA",
        "AA,-UA",
        "A%",
        "%A",
        "a_b",
        "NULL",
        "null",
        "-NULL",
        "EMPTY",
        "AA,EMPTY",
        "NOT NULL",
        '""',
        'AA,""',
        '"AA',
    ],
)
def test_string_filter_that_is_not_served(text: str) -> None:
    """The rest of the language is not taken for a value."""
    with pytest.raises(FilterError, match="is not served by the local Looker yet"):
        parse(field("string"), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", "(x ) = 5"), ("-5", "(x ) = -5"), ("1, 2.5,3", "(x ) IN (1, 2.5, 3)"), (".5", "(x ) = .5")],
)
def test_number_filter(text: str, expected: str) -> None:
    """Numbers and lists of them."""
    assert parse(field("number"), text).sql("x") == expected


@pytest.mark.parametrize("text", [">5", "5 to 10", "[1,5)", "NOT 5", "NULL", "5,", "1e5", "x", "0x10", "1 OR 1=1", "٣"])
def test_number_filter_that_is_not_served(text: str) -> None:
    """Ranges, negations and what is no number at all."""
    with pytest.raises(FilterError, match="served"):
        parse(field("number"), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes", "(x )"), ("no", "NOT COALESCE(x , FALSE)"), ("Yes,No", "((x ) OR NOT COALESCE(x , FALSE))")],
)
def test_yesno_filter(text: str, expected: str) -> None:
    """A null is No, as in Looker."""
    assert parse(field("yesno"), text).sql("x") == expected


@pytest.mark.parametrize("text", ["maybe", "-Yes", "Yes,perhaps"])
def test_yesno_filter_that_is_none(text: str) -> None:
    """Other words are refused."""
    with pytest.raises(FilterError, match="expected Yes, No or Yes,No"):
        parse(field("yesno"), text)


@pytest.mark.parametrize("kind", ["date_date", "date_month", "date_year", "date_time"])
@pytest.mark.parametrize("text", ["2013-01-01", "7 days", "this month"])
def test_time_filter_is_not_served(kind: str, text: str) -> None:
    """Filters on periods of time come later."""
    with pytest.raises(FilterError, match="filters on times are not served"):
        parse(field(kind), text)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [("date_day_of_week", "Monday", "(x ) = 'Monday'"), ("date_hour_of_day", "5,6", "(x ) IN (5, 6)")],
)
def test_named_part_of_a_time(kind: str, text: str, expected: str) -> None:
    """Parts with names or numbers are filtered as such."""
    assert parse(field(kind), text).sql("x") == expected


@pytest.mark.parametrize("kind", ["string", "number", "yesno", "date_date"])
@pytest.mark.parametrize("text", ["", "  "])
def test_empty_filter_is_any_value(kind: str, text: str) -> None:
    """A blank filter is no condition."""
    assert parse(field(kind), text).values == ()
