"""The page at ``/``: what is served, and the queries that were run. It needs no login and loads nothing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from lookerframe.local import formats
from lookerframe.local.responses import base_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from lookerframe.local.dashboards import Dashboard
    from lookerframe.local.operations import Operations
    from lookerframe.local.project import Explore, Field, Model
    from lookerframe.local.tasks import Task

_MOST_QUERIES = 50
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --bad: #c33; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
.error { color: var(--bad); } .note { opacity: .7; } summary { cursor: pointer; }
"""

#: The filter language, by kind of field.
_FILTERS = {
    "string": "FOO,BAR · -FOO · FOO% · %FOO% · _UF · EMPTY · -EMPTY · NULL · -NULL · a^,b",
    "number": "5 · 1,3,5 · NOT 5 · >5 AND <=9 · 5 to 10 · [1,5) · (500,inf) · NULL · NOT NULL",
    "yesno": "Yes · No",
    "datetime": (
        "2013 · 2013-01 · 2013-Q1 · 2013-01-05 · 2013-01-05 10:00 for 3 hours · 2013-01-01 to 2013-02-01 · "
        "before 2013-02-01 · after 2013-02-01 · today · 7 days · last 7 days · 7 days ago · 3 days ago for 2 days · "
        "this month · last week · next year · this year to day · monday · NULL · NOT NULL"
    ),
}


def show_page(operations: Operations, dashboards: Iterable[Dashboard], request: Request) -> HTMLResponse:
    """Write the page."""
    explores = "".join(
        _explore(model, explore) for model in operations.project.models.values() for explore in model.explores.values()
    )
    filters = "".join(f"<tr><td>{kind}<td><code>{escape(text)}</code>" for kind, text in _FILTERS.items())
    served = " ".join(f"<code>{escape(name)}</code>" for name in formats.served())
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Local Looker</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>Local Looker</h1>
<p class="note">Looker API 4.0 at <code>{escape(base_url(request))}</code>, over DuckDB, for trying things out.</p>
<h2>Models and explores</h2>{explores}
<h2>Dashboards</h2>{_dashboards(dashboards)}
<h2>Result formats</h2><p>{served}</p>
<h2>Filters</h2><table><tr><th>field<th>expressions{filters}</table>
<h2>Queries</h2>{_queries(operations.tasks.recent(_MOST_QUERIES))}
</body></html>
""",
        headers=_HEADERS,
    )


def _explore(model: Model, explore: Explore) -> str:
    fields = [item for item in explore.fields.values() if not item.hidden]
    rows = "".join(_field(item) for item in fields)
    name = escape(f"{model.name} / {explore.name}")
    about = f"<p>{escape(explore.description)}</p>" if explore.description else ""
    table = f"<table><tr><th>field<th>type<th>label{rows}</table>"
    return f"<details><summary><code>{name}</code>, {len(fields)} fields</summary>{about}{table}</details>"


def _field(item: Field) -> str:
    kind = f"measure, {item.type}" if item.measure else item.type
    return f"<tr><td><code>{escape(item.full_name)}</code><td>{escape(kind)}<td>{escape(item.label)}"


def _dashboards(dashboards: Iterable[Dashboard]) -> str:
    items = "".join(f"<li><code>{escape(item.id)}</code> {escape(item.title)}" for item in dashboards)
    return f"<ul>{items}</ul>" if items else "<p>There is none.</p>"


def _queries(tasks: Iterable[Task]) -> str:
    rows = "".join(map(_query, tasks))
    if not rows:
        return "<p>None was run yet.</p>"
    return f"<table><tr><th>created (UTC)<th>user<th>status<th>query<th>format<th>seconds<th>rows{rows}</table>"


def _query(task: Task) -> str:
    query, outcome = task.run.query, task.outcome
    seconds = "" if task.runtime is None else f"{task.runtime:.3f}"
    rows = "" if task.rows is None else task.rows
    error = f'<p class="error">{escape(outcome.error.message)}</p>' if outcome and outcome.error else ""
    asked = escape(f"{query.model} / {query.explore.name}: {', '.join(query.body['fields'])}")
    return (
        f"<tr><td>{task.created:%H:%M:%S}<td>{escape(task.owner.display_name)}<td>{escape(task.status)}"
        f"<td><details><summary>{asked}</summary>{error}<pre>{escape(task.run.plan.sql)}</pre></details>"
        f"<td>{escape(task.format.name)}<td>{seconds}<td>{rows}"
    )
