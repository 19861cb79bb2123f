"""The benchmarks measure what they say: same bytes from the same seed, same table from every contender."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from benchmarks import generator, measure, report
from benchmarks.contenders import CONTENDERS, Contender, Task, known
from benchmarks.delivery import delivered, expected
from benchmarks.generator import SHAPES, Shape

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300
FIELDS = generator.columns()

#: Contenders that make a table of a shape, of those whose packages are installed.
CASES = [
    pytest.param(shape, contender, id=f"{shape.name}-{contender.name}")
    for shape in SHAPES.values()
    for contender in known(shape.result_format)
    if not contender.is_limit
]


def _task(shape: Shape, folder: Path, *, rows: int = ROWS) -> Task:
    path = measure.write(shape, folder, rows=rows)
    return Task(shape, FIELDS, path, path.read_bytes())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_seed_gives_the_same_bytes_again_and_another_seed_others(shape: Shape) -> None:
    """A run can be repeated, on another machine too."""
    first, second, other = (b"".join(generator.body(shape, FIELDS, rows=ROWS, seed=seed)) for seed in (7, 7, 8))
    assert first == second
    assert first != other


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_body_has_the_rows_that_were_asked_for(shape: Shape) -> None:
    """Also where there are none."""
    for rows in (0, 1, 257):
        body = b"".join(generator.body(shape, FIELDS, rows=rows))
        if shape.result_format == "csv":
            found = list(csv.reader(io.StringIO(body.decode())))[1:]
        else:
            document = json.loads(body)
            found = document if shape.result_format == "json" else document[{"json_bi": "rows"}.get(shape.name, "data")]
        assert len(found) == rows


def test_rows_come_again_after_the_distinct_ones() -> None:
    """Bodies of any size are written from as many rows as fit into memory."""
    lines = b"".join(generator.body(SHAPES["csv"], FIELDS, rows=generator.DISTINCT_ROWS + 3)).splitlines()[1:]
    assert len(lines) == generator.DISTINCT_ROWS + 3
    assert lines[-3:] == lines[:3]
    assert lines[-4] not in lines[:-4]


def test_a_size_is_met_within_a_tenth() -> None:
    """Sizes of bodies are given in bytes."""
    for shape in SHAPES.values():
        rows = generator.rows_of(shape, FIELDS, size=1_000_000)
        assert sum(map(len, generator.body(shape, FIELDS, rows=rows))) == pytest.approx(1_000_000, rel=0.1)


def test_kinds_may_repeat_and_get_names_of_their_own() -> None:
    """Results of any width can be made."""
    fields = generator.columns(("sum", "id", "sum", "name"))
    assert [field.name for field in fields] == [
        "orders.id",
        "users.name",
        "order_items.total_price",
        "order_items.total_price_2",
    ]


def test_the_gzip_of_a_body_is_the_body(tmp_path: Path) -> None:
    """The limit that inflates it reads the same."""
    path = measure.write(SHAPES["json"], tmp_path, rows=ROWS)
    assert gzip.decompress(path.with_suffix(".gz").read_bytes()) == path.read_bytes()


@pytest.mark.parametrize(("shape", "contender"), CASES)
def test_every_contender_reads_the_values_that_were_drawn(shape: Shape, contender: Contender, tmp_path: Path) -> None:
    """Nobody is compared with a reader that does less; lookerframe's columns are all of the right type."""
    task = _task(shape, tmp_path)
    verdict = delivered(contender.run(task), task, rows=ROWS)
    assert verdict.same
    if contender.name == "lookerframe":
        assert verdict.typed == verdict.columns == len(generator.leaves(shape, FIELDS))


def test_another_value_or_a_missing_column_is_noticed(tmp_path: Path) -> None:
    """The check of what contenders deliver is one."""
    task = _task(SHAPES["json"], tmp_path)
    due = expected(task, rows=ROWS)
    assert delivered(due, task, rows=ROWS).same
    changed = due.set_column(0, due.column_names[0], pa.array([0] * ROWS, pa.int64()))
    assert not delivered(changed, task, rows=ROWS).same
    assert not delivered(due.drop_columns(["users.name"]), task, rows=ROWS).same


def test_limits_read_the_whole_body(tmp_path: Path) -> None:
    """They bound what a reader could reach."""
    task = _task(SHAPES["json"], tmp_path)
    runs: dict[str, Any] = {contender.name: contender.run for contender in CONTENDERS if contender.is_limit}
    assert bytes(runs["memcpy"](task)) == bytes(runs["msgspec.Raw"](task)) == task.data
    packed = Task(task.shape, task.fields, task.path, task.path.with_suffix(".gz").read_bytes())
    assert runs["gunzip"](packed) == task.data


def test_the_page_says_which_aims_were_missed_and_what_failed() -> None:
    """Figures are reported as they are."""
    figures: dict[str, Any] = {"bytes": 10_000_000, "seconds": 1.0, "memory": 1_000_000, "delivers": "8 of 8 typed"}
    slow = {"json.loads + DataFrame": figures | {"cpu": 0.7}, "pandas.read_csv": figures | {"cpu": 0.05}}
    shapes = {shape: {"lookerframe": figures | {"cpu": 0.1}} | slow for shape in SHAPES}
    shapes["json_bi"]["lookerframe"] = {"error": "UnknownFormatError"}
    found = report.Measurements(
        body=10_000_000,
        repeats=1,
        in_memory=shapes,
        over_http={},
        parquet={500_000_000: figures | {"rows": 3, "resident": 500_000_000}},
        paced={10_000_000: figures | {"cpu": 0.1, "late": 0.05}},
    )
    page = report.page(found)
    assert "values only: times as fast as `json.loads + DataFrame` | 6 | 7.0 | yes |" in page
    assert "`links`: times as fast as `json.loads + DataFrame` | 8 | 7.0 | **no** |" in page
    assert "`csv`: times as fast as `pandas.read_csv` | 1 | 0.5 | **no** |" in page
    assert "resident MB | 400 | 500 | **no** |" in page
    assert "table ready after the last bytes, ms | 100 | 50 | yes |" in page
    assert "| lookerframe |  |  |  |  | failed |  |" in page
