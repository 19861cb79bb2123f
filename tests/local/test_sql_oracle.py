"""Queries drawn at random give the numbers of SQL that is written another way, by hand for each field."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.local import filters
from lookerframe.local.compiler import Sort, compile_query
from lookerframe.local.engine import Engine
from lookerframe.local.models import read_project
from tests.local.oracle import LOCAL, MODELS, ORDERS, ZONES, Model, connect, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from lookerframe.local.engine import Session

_ROUNDS = 40


@dataclass(frozen=True)
class Question:
    """One query, in the words of both sides."""

    model: Model
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    filters: tuple[tuple[str, str, str], ...]
    sorts: tuple[Sort, ...]
    limit: int | None
    zone: str

    @classmethod
    def draw(cls, model: Model, chance: random.Random) -> Question:
        """Draw a query that selects something."""
        dimensions = tuple(chance.sample(sorted(model.dimensions), chance.choice((0, 1, 1, 2, 2, 3))))
        measures = tuple(
            chance.sample(sorted(model.measures), chance.choice((1, 2, 3) if not dimensions else (0, 1, 2)))
        )
        drawn = chance.sample(model.filters, chance.choice((0, 1, 1, 2)))
        chosen = tuple({item[0]: item for item in drawn}.values())
        fields = [name for name in (*dimensions, *measures) if name != "users.countries"]
        sorts = tuple(
            Sort(name, descending=chance.random() < 0.5) for name in chance.sample(fields, min(len(fields), 2))
        )
        return cls(model, dimensions, measures, chosen, sorts, chance.choice((None, 1, 7, 50)), chance.choice(ZONES))

    def expected(self, database: duckdb.DuckDBPyConnection) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Ask the oracle: the measures by the dimensions."""
        keys = ", ".join(f"{self.model.dimensions[name]} AS d{place}" for place, name in enumerate(self.dimensions))
        columns = [f"d{place}" for place, _ in enumerate(self.dimensions)]
        source = self.model.source((*self.dimensions, *self.measures), self.filters)
        if not self.dimensions:
            groups: list[tuple[Any, ...]] = [()]
        else:
            groups = self._run(database, f"SELECT DISTINCT {keys} {source}")
        found: dict[tuple[Any, ...], list[Any]] = {group: [] for group in groups}
        for name in self.measures:
            measure = self.model.measures[name]
            pairs = ", ".join(filter(None, (keys, f"{measure.key} AS k", f"{measure.value} AS v")))
            group_by = f"GROUP BY {', '.join(columns)}" if columns else ""
            selected = ", ".join((*columns, measure.aggregate))
            distinct = f"SELECT DISTINCT {pairs} {source}"
            # A group without a row of the measure's view has no pairs; it has nothing, or a count of 0.
            sql = f"SELECT {selected} FROM ({distinct}) WHERE k IS NOT NULL {group_by}"  # noqa: S608
            values = {row[:-1]: row[-1] for row in self._run(database, sql)}
            for group, row in found.items():
                row.append(values.get(group, measure.nothing))
        return {group: tuple(row) for group, row in found.items()}

    def _run(self, database: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
        return database.execute(sql.replace("{tz}", self.zone)).fetchall()


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the oracle the files."""
    with connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Give the compiler's side the database that the server has."""
    engine = Engine.open(None, {path.stem: path for path in (LOCAL / "data").glob("*.parquet")})
    with engine.session() as session:
        yield session
    engine.close()


@pytest.fixture(scope="module")
def explores() -> dict[str, Any]:
    """Read the demo's LookML."""
    models = read_project(LOCAL / "lookml").models
    return {name: explore for model in models.values() for name, explore in model.explores.items()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.explore)
def test_random_queries(
    model: Model, database: duckdb.DuckDBPyConnection, session: Session, explores: dict[str, Any]
) -> None:
    """Same rows, same numbers, in the order asked for, no more than the limit."""
    chance = random.Random(f"{model.explore} 2013-03-10")  # noqa: S311 - not for secrets
    for _ in range(_ROUNDS):
        question = Question.draw(model, chance)
        explore = explores[model.explore]
        plan = compile_query(
            explore,
            (*question.dimensions, *question.measures),
            filters={
                field: filters.parse(explore.fields[field], text, timezone=question.zone)
                for field, text, _ in question.filters
            },
            sorts=question.sorts,
            limit=question.limit,
            timezone=question.zone,
        )

        table = session.run(plan.sql)

        rows = [tuple(row.values()) for row in table.to_pylist()]
        assert table.column_names == [*question.dimensions, *question.measures]
        check(question, rows, question.expected(database), plan.sql)


def check(
    question: Question, rows: list[tuple[Any, ...]], expected: dict[tuple[Any, ...], tuple[Any, ...]], sql: str
) -> None:
    """Compare what came with the oracle's answer."""
    split = len(question.dimensions)
    limit = len(expected) if question.limit is None else min(question.limit, len(expected))
    assert len(rows) == limit, sql
    assert len({row[:split] for row in rows}) == len(rows), sql
    for row in rows:
        assert row[:split] in expected, f"{row}\n{sql}"
        for found, wanted in zip(row[split:], expected[row[:split]], strict=True):
            assert same(found, wanted), f"{row}: {wanted}\n{sql}"
    wanted_order = sorted((ranks(question, (*key, *values)) for key, values in expected.items()), key=ranked)
    assert [ranks(question, row) for row in rows] == wanted_order[:limit], sql


@dataclass(frozen=True)
class _Down:
    """Turns an order around."""

    value: Any

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)


def ranks(question: Question, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give the values that a row is sorted by."""
    names = (*question.dimensions, *question.measures)
    found = []
    for sort in question.sorts:
        value = row[names.index(sort.field)]
        if value is not None and sort.field in ORDERS:
            value = ORDERS[sort.field].index(value)
        found.append(round(float(value), 6) if isinstance(value, float | Decimal) else value)
    return tuple(zip(found, (sort.descending for sort in question.sorts), strict=True))


def ranked(values: tuple[tuple[Any, bool], ...]) -> tuple[Any, ...]:
    """Make values comparable: nulls are low."""
    keys = [(value is not None, value if value is not None else 0) for value, _ in values]
    return tuple(_Down(key) if down else key for key, (_, down) in zip(keys, values, strict=True))
