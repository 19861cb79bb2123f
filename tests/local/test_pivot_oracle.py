"""Pivots, totals and subtotals drawn at random have the numbers, columns and order of SQL that is written another way.

The oracle keeps the joined rows of a query in a table of its own and groups them anew for the cells, the totals of rows
and columns, and each subtotal. Pivots and rows are ordered by window functions, as in the SQL that Looker writes for
databases that can pivot. What of it is shown where is then looked up cell by cell.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.oracle import MODELS, ORDERS, ZONES, Model, connect, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import requests

    from tests.local.calling import Api

    #: Values of dimensions that tell a row, or a pivot, from others.
    Key = tuple[Any, ...]

    #: A measure and the key of its pivot, if it has one.
    Place = tuple[str, str | None]

    #: The cells of each row, by the row's dimensions; the order is that of the result.
    Rows = list[tuple[Key, dict[Place, Any]]]

_ROUNDS = 60
_ROW_TOTAL = "$$$_row_total_$$$"
_COLUMN_LIMIT = 50
_ROW_LIMIT = 500

#: Too many values for a page's columns.
_WIDE = ("flights.time_hour", "orders.created_hour", "users.location", "users.zip", "planes.year")
#: Their values tie by accident of rounding, or are no values to sort by.
_UNSORTED = ("average", "median", "percentile", "share", "countries")
#: Both null and the empty text are there, which plain rows and tables write alike.
_AMBIGUOUS = "orders.note"
#: Filters that leave nearly all rows.
_LEAVING_MOST = ("NOT NULL", "-UA", "-USA", "%Airlines%")
#: Zones whose clocks are changed.
_CHANGING = ("America/New_York", "Europe/Berlin")
_CHANGES = ("2013-03-09 to 2013-03-12", "2013-03-10", "2013-11-03", "2013-11", "2023-03-12", "after 2023-11-05")


@dataclass(frozen=True)
class Sort:
    """One term of an order; `column` is the pivot whose values count for a measure, None the total of the row."""

    field: str
    descending: bool
    column: int | None = 0

    def place(self, shown: int) -> int:
        """Name the pivot among those that are `shown`."""
        return min(self.column or 0, max(shown - 1, 0))


@dataclass(frozen=True)
class Question:
    """One query."""

    model: Model
    rows: tuple[str, ...]
    pivots: tuple[str, ...]
    measures: tuple[str, ...]
    filters: tuple[tuple[str, str, str], ...]
    sorts: tuple[Sort, ...]
    limit: int | None
    column_limit: int | None
    total: bool
    row_total: bool
    subtotals: tuple[str, ...]
    zone: str
    other_format: str | None

    @classmethod
    def draw(cls, model: Model, chance: random.Random) -> Question:
        """Draw a query that has pivots, totals or subtotals."""
        pivots = tuple(
            chance.sample(sorted(set(model.dimensions).difference(_WIDE)), chance.choice((0, 1, 1, 1, 2, 2)))
        )
        rows = tuple(chance.sample(sorted(set(model.dimensions).difference(pivots)), chance.choice((0, 1, 1, 2, 2, 3))))
        measures = tuple(chance.sample(sorted(model.measures), chance.choice((1, 2, 3))))
        subtotals = tuple(name for name in rows[:-1] if chance.random() < 0.5)
        row_total = bool(pivots) and chance.random() < 0.5
        many = model.model == "flights" or len(rows) + len(pivots) > 2
        known = [item for item in model.filters if item[1] not in _LEAVING_MOST] if many else model.filters
        drawn = chance.sample(known, chance.choice((1, 1, 2) if many else (0, 1)))
        formats = (None, None, "json", "json_bi", "csv") if _AMBIGUOUS not in (*rows, *pivots) else (None, "json_bi")
        return cls(
            model,
            rows,
            pivots,
            measures,
            tuple({item[0]: item for item in drawn}.values()),
            _sorts(rows, pivots, measures, chance, row_total=row_total),
            chance.choice((None, 1, 7, 50)),
            chance.choice((None, None, 1, 3)),
            chance.random() < 0.6 or not (pivots or subtotals),
            row_total,
            subtotals,
            chance.choice(ZONES),
            chance.choice(formats),
        )

    def body(self, shown: int) -> dict[str, Any]:
        """Write the query as the API reads it; the total of the row comes after the pivots that are `shown`."""
        limits = {"limit": self.limit, "column_limit": self.column_limit}
        return {
            "model": self.model.model,
            "view": self.model.explore,
            "fields": [*self.rows, *self.pivots, *self.measures],
            "pivots": list(self.pivots),
            "filters": {field: text for field, text, _ in self.filters},
            "sorts": [self._sort_text(sort, shown) for sort in self.sorts],
            **{name: str(value) for name, value in limits.items() if value is not None},
            "total": self.total,
            "row_total": "right" if self.row_total else "",
            "subtotals": list(self.subtotals),
            "query_timezone": self.zone,
        }

    def _sort_text(self, sort: Sort, shown: int) -> str:
        column = shown if sort.column is None else sort.place(shown)
        number = f" {column}" if self.pivots and sort.field in self.measures else ""
        return f"{sort.field}{' desc' if sort.descending else ''}{number}"

    @property
    def order(self) -> tuple[Sort, ...]:
        """What the rows are ordered by: subtotals come first, then a date, then a measure, then a dimension."""
        if self.sorts:
            return self.sorts
        if self.subtotals:
            last = max(map(self.rows.index, self.subtotals))
            return tuple(Sort(name, descending=False) for name in self.rows[: last + 1])
        dates = [
            name for name in self.rows if name.endswith(("_date", "_hour", "_week", "_month", "_quarter", "_year"))
        ]
        dates = [name for name in dates if "fiscal" not in name and "day_of" not in name]
        return (Sort((dates or self.measures)[0], descending=True),)


def _sorts(
    rows: Sequence[str], pivots: Sequence[str], measures: Sequence[str], chance: random.Random, *, row_total: bool
) -> tuple[Sort, ...]:
    """Draw an order, or none where the default one is by values that can be compared."""
    sortable = [name for name in measures if not any(word in name for word in _UNSORTED)]
    if sortable[:1] == list(measures[:1]) and chance.random() < 0.25:
        return ()
    names = [*rows, *pivots, *sortable]
    drawn = chance.sample(names, min(len(names), chance.choice((1, 2, 3))))
    columns = (0, 0, 1, None) if row_total else (0, 0, 1)
    return tuple(Sort(name, chance.random() < 0.5, chance.choice(columns)) for name in drawn)


def questions(model: Model) -> list[Question]:
    """Draw the queries over one explore."""
    chance = random.Random(f"{model.explore} 2013-11-03")  # noqa: S311 - not for secrets
    return [Question.draw(model, chance) for _ in range(_ROUNDS)]


class Answer:
    """What the oracle says to one question."""

    def __init__(self, question: Question, database: duckdb.DuckDBPyConnection) -> None:
        self._question = question
        self._database = database
        self._columns = {name: f"d{place}" for place, name in enumerate((*question.rows, *question.pivots))}
        selected = [f"{question.model.dimensions[name]} AS {column}" for name, column in self._columns.items()]
        for place, name in enumerate(question.measures):
            measure = question.model.measures[name]
            selected += [f"{measure.key} AS k{place}", f"{measure.value} AS v{place}"]
        source = question.model.source((*self._columns, *question.measures), question.filters)
        self._rows: dict[str, list[Key]] = {}
        self._run(f"CREATE OR REPLACE TEMP TABLE joined AS SELECT {', '.join(selected)} {source}")
        self.pivots = self._pivots()
        self.shown = self.pivots[: question.column_limit or _COLUMN_LIMIT]

    @property
    def pivot_keys(self) -> list[str]:
        """Name the columns, the total of the row last."""
        return [*map(self._pivot_key, self.shown), *([_ROW_TOTAL] if self._question.row_total else [])]

    def cells(self, kept: tuple[str, ...]) -> dict[Key, dict[Place, Any]]:
        """Group by the dimensions `kept`: every cell of every row."""
        question, split = self._question, len(kept)
        if not question.pivots:
            return {row[:split]: self._named(row[split:], None) for row in self._grouped(kept)}
        blank: dict[Place, Any] = {(name, key): None for key in self.pivot_keys for name in question.measures}
        found: dict[Key, dict[Place, Any]] = {}
        pivoted = len(question.pivots)
        for row in self._grouped((*kept, *question.pivots)):
            cells = found.setdefault(row[:split], dict(blank))
            pivot = row[split : split + pivoted]
            if pivot in self.shown:
                cells.update(self._named(row[split + pivoted :], self._pivot_key(pivot)))
        if question.row_total:
            for row in self._grouped(kept):
                found.setdefault(row[:split], dict(blank)).update(self._named(row[split:], _ROW_TOTAL))
        return found

    def ranks(self, kept: tuple[str, ...]) -> dict[Key, int]:
        """Rank the rows that are grouped by `kept`; those that the order does not tell apart have the same rank."""
        question, split = self._question, len(kept)
        names = (*kept, *question.pivots)
        by = ", ".join(self._columns[name] for name in kept)
        place = f"DENSE_RANK() OVER (ORDER BY {self._pivot_order()}) - 1" if question.pivots else "0"
        on = " AND ".join(
            f"placed.{self._columns[name]} IS NOT DISTINCT FROM totals.{self._columns[name]}" for name in kept
        )
        order = ", ".join(term for sort in question.order for term in self._terms(sort, kept))
        rows = self._run(f"""
            WITH cells AS ({self._sql(names)}), totals AS ({self._sql(kept)}),
            placed AS (SELECT *, {place} AS place FROM cells),
            ranked AS (
                SELECT placed.*, RANK() OVER ({f"ORDER BY {order}" if order else ""}) AS rank
                FROM placed LEFT JOIN totals ON {on or "TRUE"}
            )
            SELECT {by}{", " if by else ""}MIN(rank) FROM ranked {f"GROUP BY {by}" if by else "HAVING COUNT(*) > 0"}
        """)  # noqa: S608
        return {row[:split]: row[split] for row in rows}

    def _terms(self, sort: Sort, kept: tuple[str, ...]) -> list[str]:
        question = self._question
        down = "DESC NULLS LAST" if sort.descending else "ASC NULLS FIRST"
        if sort.field in kept:
            return [f"{self._ordered(sort.field, 'placed.')} {down}"]
        if sort.field not in question.measures:
            return []
        name = f"m{question.measures.index(sort.field)}"
        if not question.pivots:
            return [f"placed.{name} {down}"]
        if sort.column is None:
            return [f"totals.{name} {down}"]
        here = f"placed.place = {sort.place(len(self.shown))}"
        return [
            f"CASE WHEN {here} THEN CASE WHEN placed.{name} IS NOT NULL THEN 0 ELSE 1 END ELSE 2 END",
            f"CASE WHEN {here} THEN placed.{name} END {down}",
            f"placed.{name} {down}",
        ]

    def _pivots(self) -> list[Key]:
        if not self._question.pivots:
            return []
        listed = ", ".join(self._columns[name] for name in self._question.pivots)
        return self._run(f"SELECT * FROM (SELECT DISTINCT {listed} FROM joined) ORDER BY {self._pivot_order()}")  # noqa: S608

    def _pivot_order(self) -> str:
        """Order pivots by their sorts, then ascending; nulls are last either way."""
        pivots = self._question.pivots
        down = {sort.field: sort.descending for sort in self._question.order if sort.field in pivots}
        names = [*down, *(name for name in pivots if name not in down)]
        return ", ".join(f"{self._ordered(name)} {'DESC' if down.get(name) else 'ASC'} NULLS LAST" for name in names)

    def _ordered(self, name: str, table: str = "") -> str:
        column = f"{table}{self._columns[name]}"
        if name not in ORDERS:
            return column
        return f"LIST_POSITION({list(ORDERS[name])}, {column})"

    def _pivot_key(self, pivot: Key) -> str:
        parts = zip(self._question.pivots, pivot, strict=True)
        return "|FIELD|".join(f"{name}___null" if value is None else str(value) for name, value in parts)

    def _named(self, values: Key, key: str | None) -> dict[Place, Any]:
        return {(name, key): value for name, value in zip(self._question.measures, values, strict=True)}

    def _grouped(self, kept: tuple[str, ...]) -> list[Key]:
        return self._run(self._sql(kept))

    def _sql(self, kept: tuple[str, ...]) -> str:
        """Write the measures by some dimensions; a group without a row of a measure's view has no pairs."""
        columns = [self._columns[name] for name in kept]
        listed = ", ".join(columns)
        numbers, joins = [], []
        for place, name in enumerate(self._question.measures):
            measure = self._question.model.measures[name]
            pairs = ", ".join((*columns, f"k{place} AS k", f"v{place} AS v"))
            selected = ", ".join((*columns, f"{measure.aggregate} AS m"))
            by = f"GROUP BY {listed}" if columns else ""
            on = " AND ".join(f"g.{column} IS NOT DISTINCT FROM a{place}.{column}" for column in columns)
            joins.append(
                f"LEFT JOIN (SELECT {selected} FROM (SELECT DISTINCT {pairs} FROM joined) WHERE k IS NOT NULL {by}) "  # noqa: S608
                f"AS a{place} ON {on or 'TRUE'}"
            )
            value = f"a{place}.m" if measure.nothing is None else f"COALESCE(a{place}.m, {measure.nothing})"
            numbers.append(f"{value} AS m{place}")
        groups = f"SELECT DISTINCT {listed} FROM joined" if columns else "SELECT 1"  # noqa: S608
        selected = ", ".join((*(f"g.{column}" for column in columns), *numbers))
        return f"SELECT {selected} FROM ({groups}) AS g {' '.join(joins)}"  # noqa: S608

    def _run(self, sql: str) -> list[Key]:
        if sql not in self._rows:
            self._rows[sql] = self._database.execute(sql.replace("{tz}", self._question.zone)).fetchall()
        return self._rows[sql]


# -- What the server said, format by format ----------------------------------------------------------------------------


def rows_of_detail(question: Question, rows: list[dict[str, Any]]) -> Rows:
    """Read rows of ``json_detail`` or ``json_bi``."""

    def cells(row: dict[str, Any]) -> dict[Place, Any]:
        if not question.pivots:
            return {(name, None): row[name]["value"] for name in question.measures}
        return {(name, key): cell["value"] for name in question.measures for key, cell in row.get(name, {}).items()}

    return [(tuple(row[name]["value"] for name in question.rows), cells(row)) for row in rows]


def rows_of_json(question: Question, rows: list[dict[str, Any]], answer: Answer) -> Rows:
    """Read rows of ``json``: a value lies under each pivot field and its value, that of the row beside the first."""
    paths = {
        key: [step for name, value in zip(question.pivots, pivot, strict=True) for step in (name, _text(value))]
        for key, pivot in zip(answer.pivot_keys, answer.shown, strict=False)
    }
    if question.row_total:
        paths[_ROW_TOTAL] = [question.pivots[0], _ROW_TOTAL]
    found = []
    for row in rows:
        cells: dict[Place, Any] = {}
        for name in question.measures:
            for key, path in paths.items() if question.pivots else {None: []}.items():
                value = row[name]
                for step in path:
                    value = value[step]
                cells[name, key] = value
        found.append((tuple(row[name] for name in question.rows), cells))
    return found


def rows_of_csv(question: Question, text: str, answer: Answer) -> Rows:
    """Read a table of text, whose headings repeat the values of the pivots over each measure."""
    lines = [line or [""] for line in csv.reader(io.StringIO(text))]  # one empty cell is an empty line
    split = len(question.rows)
    for depth, _ in enumerate(question.pivots):
        over = [_text(pivot[depth]) for pivot in answer.shown]
        over += ["" if depth else "Row Total"] if question.row_total else []
        assert lines[depth][split:] == [value for value in over for _ in question.measures]
    keys = answer.pivot_keys if question.pivots else [None]
    places = [(name, key) for key in keys for name in question.measures]
    return [
        (tuple(line[:split]), dict(zip(places, line[split:], strict=True)))
        for line in lines[len(question.pivots) + 1 :]
    ]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "" if value is None else str(value)


# -- Tests -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the oracle the files."""
    with connect() as connection:
        yield connection


@pytest.mark.parametrize(
    ("model", "least"), list(zip(MODELS, (5, 0, 3, 10, 7), strict=True)), ids=[model.explore for model in MODELS]
)
def test_random_pivots_and_totals(api: Api, model: Model, least: int, database: duckdb.DuckDBPyConnection) -> None:
    """Same pivots, rows, totals and subtotals, cell by cell, in the order asked for; in one more format as well.

    At least so many of the queries have a pivot that is null.
    """
    nulls = 0
    for question in questions(model):
        answer = Answer(question, database)
        nulls += any(None in pivot for pivot in answer.shown)
        body = question.body(len(answer.shown))
        detail = run(api, body, "json_detail")
        try:
            check_detail(question, answer, detail.json())
            if question.other_format:
                check_other(question, answer, run(api, body, question.other_format))
        except AssertionError as exc:
            exc.add_note(f"{question.other_format} {body}")
            raise
    assert nulls >= least


def run(api: Api, body: dict[str, Any], result_format: str) -> requests.Response:
    """Run a query while waiting for it."""
    found = api("POST", f"/queries/run/{result_format}", json=body, headers={"Accept-Encoding": "identity"})
    assert found.status_code == 200, (body, found.text)
    return found


def check_detail(question: Question, answer: Answer, detail: dict[str, Any]) -> None:
    """Compare everything that ``json_detail`` has."""
    assert "errors" not in detail
    assert [pivot["key"] for pivot in detail.get("pivots", [])] == answer.pivot_keys
    expected, ranks = answer.cells(question.rows), answer.ranks(question.rows)
    limit = question.limit or _ROW_LIMIT
    check_rows(rows_of_detail(question, detail["data"]), expected, ranks, limit)
    assert detail.get("truncated", False) is (len(ranks) >= limit)
    if question.total:
        row = {**detail["totals_data"], **{name: {"value": None} for name in question.rows}}
        check_cells(rows_of_detail(question, [row])[0][1], totals(answer))
    groups = [question.rows[: question.rows.index(name) + 1] for name in question.subtotals]
    assert list(detail.get("subtotals_data", {})) == [str(len(group)) for group in groups]
    for group in groups:
        rows = rows_of_detail(question, detail["subtotals_data"][str(len(group))])
        kept = [(key[: len(group)], cells) for key, cells in rows]
        assert {value for key, _ in rows for value in key[len(group) :]} <= {None}
        check_rows(kept, answer.cells(group), answer.ranks(group), None)


def check_other(question: Question, answer: Answer, other: requests.Response) -> None:
    """Compare the rows of another format, and the totals after them."""
    expected, ranks = answer.cells(question.rows), answer.ranks(question.rows)
    if question.other_format == "csv":
        rows = rows_of_csv(question, other.text, answer)
        expected = {tuple(map(_text, key)): cells for key, cells in expected.items()}
        ranks = {tuple(map(_text, key)): rank for key, rank in ranks.items()}
    elif question.other_format == "json":
        rows = rows_of_json(question, other.json(), answer)
    else:
        rows = rows_of_detail(question, other.json()["rows"])
    if question.total:
        *rows, (key, cells) = rows
        assert set(key) <= {None, ""}
        check_cells(cells, totals(answer))
    check_rows(rows, expected, ranks, question.limit or _ROW_LIMIT)


def totals(answer: Answer) -> dict[Place, Any]:
    """Give the cells of the whole result; with pivots but without rows there are none."""
    return answer.cells(()).get((), {})


def check_rows(rows: Rows, expected: dict[Key, dict[Place, Any]], ranks: dict[Key, int], limit: int | None) -> None:
    """Compare the rows that the limit leaves; which of those that rank alike come first is open."""
    assert set(ranks) <= set(expected)  # a total of no rows is there, and has no row of its own
    assert [ranks[key] for key, _ in rows] == sorted(ranks.values())[:limit]
    assert len({key for key, _ in rows}) == len(rows)
    for key, cells in rows:
        check_cells(cells, expected[key])


def check_cells(found: dict[Place, Any], expected: dict[Place, Any]) -> None:
    """Compare one row, whose cells are text in a table."""
    assert list(found) == list(expected) or not found or set(found) == set(expected)
    for place, wanted in expected.items():
        value = found[place]
        if isinstance(value, str) and not isinstance(wanted, str):
            value = float(value) if value and not isinstance(wanted, list) else value or None
            wanted = _text(wanted) if isinstance(wanted, list) else wanted  # noqa: PLW2901
        assert same(value, wanted), (place, value, wanted)


#: What there has to be enough of.
_LEAST = {
    "filters": 250,
    "pivots": 250,
    "two pivots": 100,
    "several measures over pivots": 150,
    "total": 180,
    "row total": 120,
    "subtotals": 70,
    "subtotals over pivots": 60,
    "time in a zone that changes its clocks": 90,
    "rows of days that clocks are changed on": 50,
    "json": 50,
    "json_bi": 50,
    "csv": 50,
}


def test_what_the_questions_cover() -> None:
    """There is enough of everything: the test above rests on these counts."""
    asked = [question for model in MODELS for question in questions(model)]

    counts = Counter(feature for question in asked for feature, there in features(question).items() if there)

    assert len(asked) == 300
    assert {name: counts[name] for name, least in _LEAST.items() if counts[name] < least} == {}


def features(question: Question) -> dict[str, bool]:
    """Say what a question is made of."""
    timed = any(name.partition(".")[2].startswith(("time_", "created_")) for name in (*question.rows, *question.pivots))
    return {
        "filters": bool(question.filters),
        "pivots": bool(question.pivots),
        "two pivots": len(question.pivots) == 2,
        "several measures over pivots": bool(question.pivots) and len(question.measures) > 1,
        "total": question.total,
        "row total": question.row_total,
        "subtotals": bool(question.subtotals),
        "subtotals over pivots": bool(question.subtotals and question.pivots),
        "time in a zone that changes its clocks": timed and question.zone in _CHANGING,
        "rows of days that clocks are changed on": any(text in _CHANGES for _, text, _ in question.filters),
        **{name: question.other_format == name for name in ("json", "json_bi", "csv")},
    }
