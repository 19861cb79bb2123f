"""Number formats of LookML (``value_format``, ``value_format_name``): how a number is written for a reader.

The formats are those of spreadsheets. Served are one section with literal text around it, grouping, decimals, percent
and scaling by thousands; a format with sections or conditions is refused when the LookML is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

#: Source: the names that LookML documents for ``value_format_name``, with the formats it gives for them.
NAMED_FORMATS = {
    "id": "0",
    **{f"decimal_{n}": "#,##0" + ("." + "0" * n if n else "") for n in range(5)},
    **{f"percent_{n}": "#,##0" + ("." + "0" * n if n else "") + "%" for n in range(5)},
    "usd": '"$"#,##0.00',
    "usd_0": '"$"#,##0',
    "eur": '"€"#,##0.00',
    "eur_0": '"€"#,##0',
    "gbp": '"£"#,##0.00',
    "gbp_0": '"£"#,##0',
}

#: Digits enough for every float and every decimal of the database.
_CONTEXT = Context(prec=400)

_LITERAL = r'(?:"[^"]*"|\\.|[$€£¥()+\- :/])*'
_PATTERN = re.compile(
    rf"(?P<prefix>{_LITERAL})(?P<digits>#,##0|[#0]+)(?:\.(?P<decimals>[0#]+))?(?P<scale>,*)"
    rf"(?P<percent>%?)(?P<suffix>{_LITERAL})"
)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A parsed format: calling `render` writes a number with it."""

    prefix: str
    suffix: str
    grouped: bool
    least_decimals: int
    most_decimals: int
    exponent: int

    @classmethod
    def parse(cls, text: str) -> NumberFormat:
        """Read a ``value_format``.

        Raises
        ------
        ValueError
            The format has parts that are not served; the message names the format.
        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            message = f"value_format {text!r} is not served; expected one like '$#,##0.00', '0.0%' or '0.0,\"K\"'"
            raise ValueError(message)
        decimals = match["decimals"] or ""
        percent = match["percent"]
        return cls(
            prefix=_unquoted(match["prefix"]),
            suffix=percent + _unquoted(match["suffix"]),
            grouped="," in match["digits"],
            least_decimals=decimals.count("0"),
            most_decimals=len(decimals),
            exponent=(2 if percent else 0) - 3 * len(match["scale"]),
        )

    def render(self, value: float | Decimal) -> str:
        """Write `value`, rounding halves away from zero as spreadsheets do."""
        with localcontext(_CONTEXT):
            number = _decimal(value).scaleb(self.exponent)
            rounded = number.quantize(Decimal(1).scaleb(-self.most_decimals), rounding=ROUND_HALF_UP)
        text = f"{abs(rounded):{',' if self.grouped else ''}.{self.most_decimals}f}"
        while self.most_decimals > self.least_decimals and text.endswith("0") and _decimals(text) > self.least_decimals:
            text = text[:-1]
        sign = "-" if rounded < 0 else ""
        return f"{sign}{self.prefix}{text.removesuffix('.')}{self.suffix}"


def plain(value: float | Decimal) -> str:
    """Write a number that has no format: grouped by thousands, every decimal kept."""
    return f"{_decimal(value):,f}"


def _decimal(value: float | Decimal) -> Decimal:
    # Through repr, so that 0.145 is the decimal that a reader sees.
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _unquoted(literal: str) -> str:
    return re.sub(r'"([^"]*)"|\\(.)', lambda match: match[1] if match[1] is not None else match[2], literal)
