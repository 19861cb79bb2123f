"""A failed query is one error with the database's words, whatever carried it, and is shown so that it can be mended."""

from __future__ import annotations

import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

import lookerframe as lf
from lookerframe.exceptions import LookerSQLError, SqlIssue
from lookerframe.panels import error_panel
from tests.faults import FaultServer, reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookerframe.client import Looker
    from lookerframe.local import Server

ROOT = Path(__file__).parent.parent
WORDS = "invalid identifier 'USERS.LAST'"
BROKEN = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.broken"])
SQL = 'SELECT\n\tusers."LAST" AS x\nFROM users'
ISSUE: dict[str, Any] = {
    "message": "The Snowflake database encountered an error while running this query.",
    "message_details": WORDS,
    "params": SQL,
    "edit_url": None,
    "error_pos": None,
    "level": "error",
    "sql_error_loc": {"line": 2, "column": 8},
}
BI = {"metadata": {"sql": SQL, "fields": {"dimensions": [{"name": "u.x"}], "measures": []}}}

#: Result format, and a body in which the query failed.
SHAPES: dict[str, tuple[str, Any]] = {
    "errors": ("json_detail", {"fields": {"dimensions": []}, "sql": SQL, "data": [], "errors": [ISSUE]}),
    "errors alone": ("json_detail", {"id": "x", "runtime": "0.1", "sql": SQL, "errors": [ISSUE]}),
    "error": ("json_detail", {"id": "x", "error": WORDS}),
    "row of json": ("json", [{"looker_error": WORDS}]),
    "last row of json": ("json", [{"u.x": "a"}, {"u.x": "b"}, {"looker_error": WORDS}]),
    "row of inline_json": ("inline_json", [{"looker_error": WORDS}]),
    "row of json_label": ("json_label", [{"looker_error": WORDS}]),
    "row of json_bi": ("json_bi", {**BI, "rows": [{"looker_error": WORDS}]}),
    "last row of json_bi": ("json_bi", {**BI, "rows": [{"u.x": {"value": 1}}, {"looker_error": WORDS}]}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_error(shape: str) -> None:
    """With the words of the database as the message."""
    result_format, body = SHAPES[shape]

    with pytest.raises(LookerSQLError) as caught:
        lf.decode(json.dumps(body).encode(), result_format).to_arrow()

    (issue,) = caught.value.issues
    assert issue.message == WORDS
    assert caught.value.result_format == result_format
    assert caught.value.sql == (SQL if "sql" in json.dumps(body) else None)


@pytest.mark.parametrize("result_format", ["json", "json_bi", "inline_json", "csv", "txt", "html", "md", "xlsx"])
def test_what_an_answer_does_not_say_is_asked_for(looker: Looker, result_format: str) -> None:
    """Every format tells the place in the SQL that json_detail tells, and what was asked."""
    with pytest.raises(LookerSQLError) as due:
        looker.run(BROKEN)
    with pytest.raises(LookerSQLError) as caught:
        looker.run(BROKEN, result_format=result_format)
    error = caught.value

    assert error.issues == due.value.issues
    assert error.sql == due.value.sql
    assert str(error) == str(due.value)
    assert (error.status, error.result_format) == (400, result_format)
    assert (error.model, error.explore, error.fields) == ("flights", "flights", tuple(BROKEN.fields))
    assert error.query_id == due.value.query_id
    assert error.task_id != due.value.task_id
    assert error.url == f"{looker.settings.base_url}/x/{error.slug}"


def test_it_is_not_asked_for_where_that_is_not_wanted(server: Server) -> None:
    """``detail="no"``: one task, the short message, and what to do to learn more."""
    with lf.Looker(server.looker.settings) as looker:
        with pytest.raises(LookerSQLError, match="the same query as json_detail tells where") as caught:
            looker.run(BROKEN, result_format="csv", detail="no")
        calls = looker._transport.stats.to_dict()["calls"]
        with pytest.raises(LookerSQLError):
            looker.run(BROKEN, result_format="csv")
        more = looker._transport.stats.to_dict()["calls"] - calls

    assert not caught.value.is_located
    assert caught.value.sql is None
    assert "no_such_column" in caught.value.issues[0].message
    assert more > calls - 1  # the first count has the login


def test_a_page_of_a_proxy_is_no_failed_query() -> None:
    """HTTP 400 with HTML is not Looker's: nothing is said of SQL."""
    task = {"id": "t", "query_id": "q", "status": "complete", "result_format": "csv"}
    token = {"access_token": "x", "token_type": "Bearer", "expires_in": 3600}

    def answer(request: Any) -> Any:
        if request.target.endswith("/login"):
            return reply(200, token)
        if request.target.endswith("/results"):
            return reply(400, "<html><body>Bad gateway rule 12</body></html>", content_type="text/html")
        return reply(200, task)

    with (
        FaultServer(answer=answer) as proxy,
        lf.Looker.from_env(base_url=proxy.url, client_id="a", client_secret="b") as looker,
        pytest.raises(lf.FetchError, match="Bad gateway rule 12") as caught,
    ):
        looker.task("0" * 32).result()
    assert caught.value.status == 400


def test_logs_get_plain_values(looker: Looker) -> None:
    """``to_dict()`` goes through JSON unchanged, and has what the attributes have."""
    with pytest.raises(LookerSQLError) as caught:
        looker.run(BROKEN)
    error = caught.value

    facts = error.to_dict()

    assert json.loads(json.dumps(facts)) == facts
    assert facts["issues"][0]["line"] == error.issues[0].line
    assert (facts["model"], facts["task_id"], facts["sql"]) == ("flights", error.task_id, error.sql)
    assert pickle.loads(pickle.dumps(error)).to_dict() == facts  # noqa: S301 - our own


@pytest.mark.parametrize("errors", [[None], [None, ISSUE], ["text"], [[]], [{}], [7, {"message": None}], ISSUE, "text"])
def test_odd_lists_of_errors_are_errors_all_the_same(errors: Any) -> None:
    """Nothing in them is a reason to take the query for one that ran."""
    body = {"fields": {"dimensions": []}, "data": [], "errors": errors}

    with pytest.raises(LookerSQLError) as caught:
        lf.decode(json.dumps(body).encode(), "json_detail")
    assert all(issue.message for issue in caught.value.issues)
    assert str(caught.value)


def test_long_texts_are_cut_and_say_so() -> None:
    """A megabyte of words, thousands of issues, a line of SQL without end: messages and panels stay short."""
    issue = {**ISSUE, "message_details": "x" * 1_000_000, "message": "y" * 1_000_000}
    body = {"sql": "SELECT 1," * 200_000, "data": [], "errors": [issue, *[ISSUE] * 2_999]}

    with pytest.raises(LookerSQLError) as caught:
        lf.decode(json.dumps(body).encode(), "json_detail")
    error = caught.value

    assert len(error.issues) == 3_000
    for text in (str(error), error._repr_html_(), json.dumps(error.to_dict())):
        assert "more characters" in text
        assert len(text) < 400_000
    assert "2980 more issues" in str(error)


# -- the panel --------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags, attributes and words of a page; its style left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.marked: list[str] = []
        self.words = ""
        self.lines: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        tag = self.tags[-1][0] if self.tags else ""
        if tag == "style":
            return
        self.words += data
        if self.get_starttag_text() == "<mark>" and not self.marked:
            self.marked.append(data)


def error_at(sql: str, line: int | None, column: int | None) -> LookerSQLError:
    """Make an error with one place."""
    return LookerSQLError([SqlIssue("words", line=line, column=column)], sql=sql)


@pytest.mark.parametrize(
    ("sql", "line", "column", "marked"),
    [
        (SQL, 1, 1, "SELECT"),
        (SQL, 2, 2, "users"),
        (SQL, 2, 8, '"LAST"'),
        (SQL, 3, 6, "users"),
        ("SELECT '日本語', nope FROM t", 1, 15, "nope"),
        ("SELECT\t\tnope", 1, 9, "nope"),
        ("SELECT 'a&b<c>', nope", 1, 18, "nope"),
        ("SELECT a", 1, 9, " "),
        (SQL, 2, None, None),
        (SQL, None, None, None),
        (SQL, 9, 1, None),
    ],
)
def test_the_panel_marks_the_place(sql: str, line: int | None, column: int | None, marked: str | None) -> None:
    """The word that begins at the column, or holds it; the statement without a mark where the place is not known."""
    page = Page(error_at(sql, line, column)._repr_html_())

    assert page.marked == ([] if marked is None else [marked])
    assert any(tag == "pre" for tag, _ in page.tags)
    assert len([one for one in page.tags if one[0] == "mark"]) == len(page.marked)


def test_the_caret_and_the_mark_agree() -> None:
    """The text form puts its caret under the character where the panel's mark begins or which it holds."""
    error = error_at(SQL, 2, 8)
    lines = str(error).splitlines()
    place = next(index for index, text in enumerate(lines) if text.startswith("> 2 |"))

    assert lines[place][lines[place + 1].index("^") :].startswith('"LAST"')


def test_hostile_text_stays_text() -> None:
    """Whatever the server sends: no tag, attribute or address of its own comes into the page."""
    bad = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;"
    issue = SqlIssue(bad, summary=bad, line=1, column=3, params=bad, edit_url="javascript:alert(3)")
    error = LookerSQLError(
        [issue], sql=bad, model=bad, explore=bad, fields=[bad], url='https://x/"onclick="alert(4)', task_id=bad
    )

    page = Page(error._repr_html_())

    assert {tag for tag, _ in page.tags} <= {"style", "div", "h4", "p", "pre", "span", "i", "mark", "a"}
    assert {name for _, attributes in page.tags for name in attributes} <= {"class", "href", "target", "rel"}
    assert [attributes["href"] for tag, attributes in page.tags if tag == "a"] == ['https://x/"onclick="alert(4)']
    assert page.words.count("<script>alert(1)</script>") == 7


def test_the_panel_needs_no_facts() -> None:
    """An error without a message, SQL or query is shown too."""
    page = Page(error_panel("Nothing known", [], sql=None, facts=[], links=[("x", "")]))

    assert page.words.strip() == "Nothing known"


def test_a_notebook_shows_the_panel(tmp_path: Path) -> None:
    """Raised in a cell: the panel, and the text in place of a traceback; shown as a value: the panel."""
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[
            nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
                f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
                "from lookerframe.exceptions import LookerSQLError, SqlIssue\n"
                "error = LookerSQLError([SqlIssue('words', line=1, column=8)], sql='SELECT nope')"
            ),
            nbformat.v4.new_code_cell("raise error"),  # type: ignore[no-untyped-call]
            nbformat.v4.new_code_cell("error"),  # type: ignore[no-untyped-call]
        ]
    )

    NotebookClient(notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": tmp_path}}).execute()

    raised, shown = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert [output.output_type for output in raised] == ["display_data", "error"], raised
    assert "<mark>nope</mark>" in raised[0].data["text/html"]
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in raised[1].traceback] == [
        "LookerSQLError: words\nat line 1, column 8\n> 1 | SELECT nope\n    |        ^"
    ]
    assert "<mark>nope</mark>" in shown[0].data["text/html"]


# -- what a critical reading found ------------------------------------------------------------------------------------


def test_the_recorded_place_of_snowflake_is_marked(payloads: Path) -> None:
    """Its columns count from 0, as its own words show: position 4 is behind four blanks."""
    with pytest.raises(LookerSQLError) as caught:
        lf.decode(payloads / "multi_results_error_snowflake.json")
    error = caught.value
    lines = str(error).splitlines()
    place = next(index for index, text in enumerate(lines) if text.startswith("> 2 |"))

    assert (error.issues[0].line, error.issues[0].column) == (2, 4)
    assert lines[place][lines[place + 1].index("^") :].startswith('users__fail."LAST"')
    assert "at line 2, column 5" in lines
    assert Page(error._repr_html_()).marked == ["users__fail"]


def test_a_column_of_0_is_a_place() -> None:
    """The first character of a line, where the words count from 0."""
    item = {"message": "syntax error line 1 at position 0", "sql_error_loc": {"line": 1, "column": 0}}

    text = LookerSQLError([SqlIssue.from_api(item)], sql="SELEC 1").__str__()

    assert text.endswith("> 1 | SELEC 1\n    | ^")


@pytest.mark.parametrize("state", ["error", "failure"])
@pytest.mark.parametrize("data", [[], {"fields": {"dimensions": []}, "data": []}, "X\nSQL error: bad\n", [{"a": 1}]])
def test_a_failed_task_is_no_result_even_if_it_looks_like_one(state: str, data: Any) -> None:
    """Looker says that it failed, and nothing in the answer says otherwise."""
    body = json.dumps({"a" * 32: {"status": state, "data": data}}).encode()

    with pytest.raises(LookerSQLError, match="Looker says that the query failed") as caught:
        lf.decode(body).to_arrow()
    assert caught.value.task_id == "a" * 32


def test_an_entry_may_say_itself_why_it_failed() -> None:
    """Beside its data."""
    for said in ({"errors": [{"message": "bad words"}]}, {"error": "bad words"}, {"errors": ["bad words"]}):
        with pytest.raises(LookerSQLError, match="bad words"):
            lf.decode(json.dumps({"a" * 32: {"status": "error", "data": [], **said}}).encode())


def test_a_second_answer_is_merged_not_taken_instead() -> None:
    """What it does not say is kept; what it does is not said twice; facts that were missing are taken."""
    first = LookerSQLError([SqlIssue("column x is unknown")], result_format="json", task_id="t1")
    first.take_over(LookerSQLError([SqlIssue("no connection")], model="m", task_id="t2"))
    assert [issue.message for issue in first.issues] == ["column x is unknown", "no connection"]
    assert (first.model, first.task_id, first.args) == ("m", "t1", (first.issues,))

    second = LookerSQLError([SqlIssue("Looker's sentence. column x is unknown")])
    located = LookerSQLError([SqlIssue("column x is unknown", summary="Looker's sentence.", line=1)], sql="SELECT x")
    second.take_over(located)
    assert (second.issues, second.sql) == (located.issues, "SELECT x")


def test_failures_stand_before_notes() -> None:
    """However many remarks came before them."""
    issues = [SqlIssue(f"remark {number}", fatal=False) for number in range(25)]
    error = LookerSQLError([*issues, SqlIssue("REAL FAILURE")])

    assert str(error).startswith("REAL FAILURE")
    assert error.to_dict()["issues"][0]["message"] == "REAL FAILURE"
    assert error.issues[-1].message == "REAL FAILURE"


def test_terminals_get_no_orders() -> None:
    """Escapes and marks that turn text around are replaced wherever errors are written; attributes keep them."""
    bad = "\x1b[2J\x1b]0;pwned\x07bad \u202elive\u202c\rnew\x9b"
    errors: list[lf.LookerFrameError] = [
        LookerSQLError([SqlIssue(bad, summary=bad, line=1, column=1)], sql=bad),
        lf.InvalidQueryError([lf.QueryProblem(bad, field="x")], message=bad),
        lf.FetchError(bad, endpoint="GET /x", status=400),
    ]
    for error in errors:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", str(error)), type(error)
    assert not re.search("[\x1b\u202e]", errors[0]._repr_html_())  # type: ignore[attr-defined]
    assert errors[0].args[0][0].message == bad


def test_the_panel_says_the_place_in_words() -> None:
    """Each message with its place, also where the SQL does not have it or only a character is known."""
    issues = [SqlIssue("first", line=1, column=8), SqlIssue("second", line=7), SqlIssue("third", character=8)]
    words = Page(LookerSQLError(issues, sql="SELECT nope")._repr_html_()).words

    assert "firstat line 1, column 8" in words
    assert "secondat line 7" in words
    assert "thirdat character 8" in words


@pytest.mark.parametrize("detail", ["fech", None, True])
def test_a_detail_that_is_not_known_is_refused(looker: Looker, detail: Any) -> None:
    """Before anything runs."""
    with pytest.raises(lf.ConfigError, match="detail="):
        looker.run(BROKEN, detail=detail)


def test_the_body_of_an_http_error_is_an_error() -> None:
    """Saved in the place of a result; of a task that failed it is what failed."""
    body = {"message": "Query failed", "documentation_url": "x"}
    with pytest.raises(lf.UnexpectedContentError, match="met an error of Looker's API: 'Query failed'"):
        lf.decode(json.dumps(body).encode())
    with pytest.raises(LookerSQLError, match="Query failed"):
        lf.decode(json.dumps({"a" * 32: {"status": "error", "data": body}}).encode())


def test_the_second_run_is_the_same_query_with_the_same_options() -> None:
    """Another version of the LookML, or another limit, could fail at another place."""
    failed = {"fields": {"dimensions": []}, "sql": SQL, "data": [], "errors": [ISSUE]}
    formats = iter(("csv", "json_detail"))

    def answer(request: Any) -> Any:
        path = request.target.partition("?")[0].removeprefix("/api/4.0")
        if path == "/login":
            return reply(200, {"access_token": "x", "token_type": "Bearer", "expires_in": 3600})
        if path == "/queries/7":
            return reply(200, {"id": "7", "model": "m", "view": "e"})
        if path == "/query_tasks":
            name = next(formats)
            return reply(200, {"id": name, "query_id": "7", "status": "complete", "result_format": name})
        if path.endswith("/json_detail/results"):
            return reply(200, failed)
        return reply(400, {"message": WORDS, "documentation_url": None}) if path.endswith("/results") else reply(204)

    with (
        FaultServer(answer=answer) as server,
        lf.Looker.from_env(base_url=server.url, client_id="a", client_secret="b") as looker,
        pytest.raises(LookerSQLError) as caught,
    ):
        looker.run("7", result_format="csv", force_production=True, cache=False, limit=3)

    first, second = (one.target for one in server.requests if one.method == "POST" and "/query_tasks" in one.target)
    assert first == second
    assert "force_production=true" in first
    assert caught.value.sql == SQL
    assert caught.value.issues[0].summary == ISSUE["message"]


def test_strict_decoding_refuses_members_that_no_field_describes() -> None:
    """They would not be in the table."""
    body = {"fields": {"dimensions": [{"name": "u.x"}]}, "data": [{"u.x": {"value": "a"}, "u.y": {"value": 1}}]}

    assert "u.y" in lf.decode(json.dumps(body).encode()).notes[0]
    with pytest.raises(lf.SchemaError, match=r"\$\.data\[0\]: expected members that `fields` lists, found u\.y"):
        lf.decode(json.dumps(body).encode(), strict=True)


def test_notes_on_an_error_are_shown() -> None:
    """In the text that stands for a traceback, and in the panel."""
    error = LookerSQLError([SqlIssue("words")])
    error.add_note("asking for the details failed")

    assert error._render_traceback_() == ["LookerSQLError: words", "asking for the details failed"]
    assert "note: asking for the details failed" in Page(error._repr_html_()).words
