"""The examples and the notebook run as a newcomer would run them, and their output holds what they promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import nbformat
import pyarrow.parquet as pq
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent


def run(script: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of ``examples/`` in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOKERSDK_")}
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / script), *arguments],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demo_shows_what_it_says(tmp_path: Path) -> None:
    """It prints dtypes, rows, the first lines and the Parquet path, and ends without a word on stderr."""
    done = run("demo.py", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    for words in ("date32[day][pyarrow]", "185 rows", "336,776 rows", "out/flights.parquet", "no_such_column"):
        assert words in done.stdout
    assert pq.read_metadata(tmp_path / "out" / "flights.parquet").num_rows == 336_776
    assert (tmp_path / "out" / "delays.png").read_bytes().startswith(b"\x89PNG")


def test_the_etl_example_writes_one_whole_file(tmp_path: Path) -> None:
    """Its file holds the rows that SQL finds in the table, with the types that metadata decides."""
    done = run("etl_flights.py", "--month", "2", "--out", "extracts", "--local", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "extracts" / "flights-2013-02.parquet"
    data = ROOT / "lookerframe" / "local" / "data" / "flights.parquet"
    with duckdb.connect() as connection:
        expected = connection.sql(f"SELECT count(*), sum(dep_delay) FROM '{data}' WHERE month = 2").fetchall()  # noqa: S608
        written = connection.sql(
            f"""SELECT sum("flights.count"), sum("flights.dep_delay" * "flights.count") FROM '{path}'"""  # noqa: S608
        ).fetchall()
    assert written == expected
    assert str(pq.read_schema(path).field("flights.flight").type) == "double"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_etl_example_fails_loudly(tmp_path: Path) -> None:
    """Without settings: exit code 1, one reason on stderr, no file and no traceback."""
    done = run("etl_flights.py", "--month", "2", "--out", "extracts", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("ConfigError: base_url is not set")
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "extracts").iterdir()) == []


@pytest.mark.filterwarnings("ignore:Proactor event loop:RuntimeWarning")
@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(notebook: Path, tmp_path: Path) -> None:
    """Every cell runs against the local Looker; nothing is written to stderr."""
    content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]

    NotebookClient(
        content, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    outputs = [output for cell in content.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert (tmp_path / "flights.parquet").exists()
    assert all(cell.get("execution_count") is None and not cell.get("outputs") for cell in _stored(notebook))


def _stored(notebook: Path) -> list[nbformat.NotebookNode]:
    # What is committed holds no output: it would go stale, and hides what a reader has not run.
    cells: list[nbformat.NotebookNode] = nbformat.read(notebook, as_version=4).cells  # type: ignore[no-untyped-call]
    return cells
