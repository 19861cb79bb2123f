"""Numbers are written as the formats of LookML say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lookerframe.local.value_formats import NAMED_FORMATS, NumberFormat, plain


@pytest.mark.parametrize(
    ("value_format", "value", "expected"),
    [
        ("0", 1234.5, "1235"),
        ("#,##0", 1234567, "1,234,567"),
        ("#,##0", 0, "0"),
        ("#,##0.00", 0.005, "0.01"),
        ("#,##0.00", 2.675, "2.68"),
        ("0.0#", 1.5, "1.5"),
        ("0.0#", 1.25, "1.25"),
        ("0.#", 2, "2"),
        ("$#,##0.00", 1234.5, "$1,234.50"),
        ("$#,##0.00", -1234.5, "-$1,234.50"),
        ("$#,##0.00", -0.001, "$0.00"),
        ("0.0%", 0.665, "66.5%"),
        ('0.00,"K"', 34030, "34.03K"),
        ('$0.0,,"M"', 1_250_000, "$1.3M"),
        ('0 "of 100%"', 7, "7 of 100%"),
        ("0.00", Decimal("1234567890123456789.125"), "1234567890123456789.13"),
        ("0", 1e22, "10000000000000000000000"),
        ("#,##0.00", 1e30, "1,000" + ",000" * 9 + ".00"),
        ("0%", 1e300, "1" + "0" * 302 + "%"),
    ],
)
def test_format(value_format: str, value: float | Decimal, expected: str) -> None:
    """Grouping, decimals, percent, scaling, literal text; halves are rounded away from zero."""
    assert NumberFormat.parse(value_format).render(value) == expected


@pytest.mark.parametrize("value_format", ["0;(0)", '[>=1000]0.0,"K";0', "0.00E+00", "", "yyyy-mm-dd", "0,0%%"])
def test_format_that_is_not_served(value_format: str) -> None:
    """A format that would be rendered wrongly is refused and named."""
    with pytest.raises(ValueError, match="is not served; expected one like"):
        NumberFormat.parse(value_format)


def test_every_named_format_is_one() -> None:
    """The names that LookML documents are all served."""
    assert {name: NumberFormat.parse(text).render(1234.5) for name, text in NAMED_FORMATS.items()} == {
        "id": "1235",
        "decimal_0": "1,235",
        "decimal_1": "1,234.5",
        "decimal_2": "1,234.50",
        "decimal_3": "1,234.500",
        "decimal_4": "1,234.5000",
        "percent_0": "123,450%",
        "percent_1": "123,450.0%",
        "percent_2": "123,450.00%",
        "percent_3": "123,450.000%",
        "percent_4": "123,450.0000%",
        "usd": "$1,234.50",
        "usd_0": "$1,235",
        "eur": "€1,234.50",
        "eur_0": "€1,235",
        "gbp": "£1,234.50",
        "gbp_0": "£1,235",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1062, "1,062"), (-1062, "-1,062"), (1234.5678, "1,234.5678"), (1e16, "10,000,000,000,000,000")],
)
def test_number_without_a_format(value: float, expected: str) -> None:
    """It is grouped, and no decimal is dropped."""
    assert plain(value) == expected
