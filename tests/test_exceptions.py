"""The error tree: as drawn, whole, picklable, and with texts that can be read on their own."""

from __future__ import annotations

import copy
import pickle
import re
from decimal import Decimal
from typing import Any

import pytest

import lookerframe as lf
from lookerframe import exceptions
from lookerframe.exceptions import (
    AccessError,
    AuthError,
    ConfigError,
    ConversionError,
    DeadlineError,
    ExportError,
    FetchError,
    IncompleteResultError,
    InvalidQueryError,
    LookerFrameError,
    LookerSQLError,
    LookMLError,
    MissingDependencyError,
    NetworkError,
    NotFoundError,
    PayloadError,
    PayloadLimitError,
    QueryProblem,
    RateLimitError,
    ResultConsumedError,
    ResultExpiredError,
    SchemaError,
    SchemaProblem,
    ServerError,
    SqlIssue,
    TaskError,
    TaskKilledError,
    TruncatedError,
    UnexpectedContentError,
    UnknownFormatError,
    problems_of,
)

FACTS: dict[str, Any] = {
    "endpoint": "GET /query_tasks/t1/results",
    "status": 500,
    "documentation_url": "https://example.com/r/err",
    "attempts": 3,
    "elapsed": 1.5,
    "retry_after": 2.0,
    "task_id": "t1",
}
PLACE: dict[str, Any] = {"result_format": "json_detail", "offset": 1234}
ISSUE = SqlIssue("invalid identifier", summary="The database failed.", line=2, column=8)

SHOWN = "  1 | SELECT\n> 2 |     foo.x AS y\n    |           ^\n  3 | FROM foo"

#: One error of each class, with every fact it can have, and its text.
ERRORS: list[tuple[LookerFrameError, str]] = [
    (LookerFrameError("text"), "text"),
    (ConfigError("no base_url", setting="base_url"), "no base_url"),
    (LookMLError("unknown type", place="a.view.lkml:3", subject="a.b"), "a.view.lkml:3: a.b: unknown type"),
    (
        InvalidQueryError(
            [QueryProblem("is required", field="model", code="missing_field"), QueryProblem("", code="invalid")],
            message="Validation Failed",
            documentation_url="https://example.com",
            endpoint="POST /queries",
        ),
        "POST /queries: Validation Failed\n  - model: is required\n  - invalid",
    ),
    *(
        (kind("went wrong", **FACTS), "GET /query_tasks/t1/results answered 500: went wrong (after 3 attempts)")
        for kind in (FetchError, AuthError, AccessError, NotFoundError, RateLimitError, ServerError)
    ),
    (
        NetworkError("no route", reason="connect", endpoint="GET /user"),
        "GET /user: no route",
    ),
    (
        DeadlineError("600 s are over", phase="running", killed=True, task_id="t1", elapsed=600.0),
        "600 s are over",
    ),
    (TaskError("ended", state="error", task_id="t1"), "ended"),
    (ResultExpiredError("gone", state="expired", task_id="t1"), "gone"),
    (TaskKilledError("cancelled", state="killed", task_id="t1"), "cancelled"),
    (
        LookerSQLError(
            [ISSUE, SqlIssue("note", fatal=False)],
            sql="SELECT\n\tfoo.x AS y\nFROM foo",
            result_format="json_detail",
            task_id="t1",
            query_id="q1",
            status=200,
        ),
        f"invalid identifier\n(The database failed.)\nat line 2, column 8\n{SHOWN}\nnote",
    ),
    *(
        (kind("not JSON", **PLACE), "json_detail: not JSON (at byte 1,234)")
        for kind in (PayloadError, IncompleteResultError, UnexpectedContentError, PayloadLimitError)
    ),
    (
        SchemaError(
            [SchemaProblem("$.data", "type", "array", "null")], schema="json_detail", result_format="json_detail"
        ),
        "json_detail: not a valid json_detail:\n  - $.data: expected array, found null",
    ),
    (
        ConversionError("v.n", row=1234, value=2**63, arrow_type="int64", advice="give up"),
        "column 'v.n', row 1,234: 9223372036854775808 is not a value of type int64; give up",
    ),
    (TruncatedError("cut", limit=500, rows=500), "cut"),
    (ResultConsumedError("twice"), "twice"),
    (ExportError("the disk is full", target="out.parquet"), "out.parquet: the disk is full"),
    (
        UnknownFormatError("pdf", known=["json_detail", "json"]),
        "no decoder for result_format 'pdf'; known: json, json_detail",
    ),
    (
        MissingDependencyError("the local Looker", extra="local"),
        "the local Looker needs more packages; install them with: pip install 'lookerframe[local]'",
    ),
]


def classes(base: type[BaseException] = LookerFrameError) -> set[type[BaseException]]:
    """List a class of the package and all that inherit from it, wherever in the package they are."""
    below = (classes(sub) for sub in base.__subclasses__() if sub.__module__.startswith("lookerframe."))
    return {base}.union(*below)


def test_every_class_is_in_this_list() -> None:
    """A new error is tested as soon as it exists, and lives in the one module."""
    assert {type(error) for error, _ in ERRORS} == classes()
    assert {kind.__module__ for kind in classes()} == {exceptions.__name__}


def test_every_class_is_public() -> None:
    """It can be caught by its name in the package."""
    assert {kind.__name__ for kind in classes()} <= set(lf.__all__)
    assert all(getattr(lf, kind.__name__) is kind for kind in classes())


@pytest.mark.parametrize(("error", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_text_is_made_from_the_facts(error: LookerFrameError, text: str) -> None:
    """It can be read without the attributes."""
    assert str(error) == text


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("error", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_every_error_pickles(error: LookerFrameError, text: str, protocol: int) -> None:
    """With all attributes, the query, notes and text: errors cross the borders of processes."""
    sent = copy.copy(error)
    sent.query = lf.Query(model="m", explore="e", fields=["v.a"])
    sent.add_note("in partition 3")
    for _ in range(2):
        received = pickle.loads(pickle.dumps(sent, protocol))  # noqa: S301
        assert type(received) is type(error)
        assert vars(received) == vars(sent)
        assert received.args == sent.args
        assert str(received) == text
        assert received.query == sent.query
        assert received.__notes__ == ["in partition 3"]
        sent = received


@pytest.mark.parametrize(("error", "_text"), ERRORS, ids=lambda value: type(value).__name__)
def test_errors_can_be_copied_and_raised(error: LookerFrameError, _text: str) -> None:
    """As debuggers, pools and test runners do."""
    for made in (copy.copy(error), copy.deepcopy(error)):
        assert repr(made) == repr(error)
        with pytest.raises(type(error)) as caught:
            raise made
        assert caught.value is made


def drawn() -> list[tuple[int, str, str | None, list[str]]]:
    """Read the tree in the docstring: depth, class, builtin base, attributes."""
    found = []
    for line in (exceptions.__doc__ or "").splitlines():
        match = re.match(r"^    ((?:[│ ]   |[├└]── )*)(\w+Error)(?:\((\w+)\))?(.*)$", line)
        if match:
            found.append((len(match[1]) // 4, match[2], match[3], re.findall(r"\.(\w+)", match[4])))
        elif found:
            found[-1][3].extend(re.findall(r" \.(\w+)", line))
        if not line and found:
            break
    return found


def test_tree_in_the_docstring_is_the_real_one() -> None:
    """Class for class, with parents, builtin bases and attributes."""
    tree = drawn()
    assert len(tree) == len(classes())
    instances = {type(error).__name__: error for error, _ in ERRORS}
    parents: list[str] = []
    for depth, name, builtin, attributes in tree:
        parents[depth:] = [name]
        kind = getattr(exceptions, name)
        bases = [base.__name__ for base in kind.__bases__]
        above = parents[depth - 1] if depth else "Exception"
        assert bases == ([above, builtin] if builtin else [above])
        assert all(hasattr(instances[name], attribute) for attribute in attributes), name


# -- what Looker and its database say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "issue"),
    [
        (
            {
                "message": "The Snowflake database encountered an error while running this query.",
                "message_details": "SQL compilation error: invalid identifier",
                "params": "SELECT 1",
                "edit_url": None,
                "error_pos": None,
                "level": "error",
                "sql_error_loc": {"line": 3, "column": 7},
            },
            SqlIssue(
                "SQL compilation error: invalid identifier",
                summary="The Snowflake database encountered an error while running this query.",
                line=3,
                column=7,
                level="error",
                params="SELECT 1",
            ),
        ),
        ({"message": "only this"}, SqlIssue("only this")),
        ({"message": "only this", "message_details": ""}, SqlIssue("only this")),
        ({"message_details": "only that"}, SqlIssue("only that")),
        ({"message": None, "message_details": None}, SqlIssue("(no message)")),
        ({}, SqlIssue("(no message)")),
        ("plain text", SqlIssue("plain text")),
        ("", SqlIssue("(no message)")),
        (None, SqlIssue("(no message)")),
        (["a", 1], SqlIssue("['a', 1]")),
        ({"message": {"a": 1}}, SqlIssue("{'a': 1}")),
        ({"message": "x", "sql_error_loc": {"line": "3", "column": "7", "character": 9}}, SqlIssue("x", None, 3, 7, 9)),
        ({"message": "x", "sql_error_loc": {"line": 0, "column": -1, "character": True}}, SqlIssue("x")),
        ({"message": "x", "sql_error_loc": {"line": 2.5, "column": "²"}}, SqlIssue("x")),
        ({"message": "x", "sql_error_loc": {"line": "9" * 5000}}, SqlIssue("x")),
        ({"message": "x", "sql_error_loc": "3:7"}, SqlIssue("x")),
        ({"message": "x", "sql_error_loc": None, "error_pos": 12}, SqlIssue("x", error_pos="12")),
        ({"message": "x", "fatal": False}, SqlIssue("x", fatal=False)),
        ({"message": "x", "fatal": "no"}, SqlIssue("x")),
        ({"message": "x", "level": "warning", "edit_url": "/e"}, SqlIssue("x", level="warning", edit_url="/e")),
    ],
)
def test_issues_are_read_whatever_looker_sends(item: Any, issue: SqlIssue) -> None:
    """The database's own words before Looker's sentence; a position is a whole number from 1."""
    assert SqlIssue.from_api(item) == issue


DEVELOPMENT = (
    "Note: This query contains derived tables with conditional SQL for Development Mode. "
    "Query results in Production Mode might be different."
)


@pytest.mark.parametrize(
    ("item", "is_note"),
    [
        ({"message": "x"}, False),
        ({"message": "x", "level": "warning"}, False),
        ({"message": "x", "fatal": None}, False),
        ({"message": "x", "fatal": True}, False),
        ({"message": "x", "fatal": False}, True),
        ({"message": DEVELOPMENT}, True),
        ({"message": DEVELOPMENT, "message_details": "details"}, True),
        ({"message": "x", "message_details": DEVELOPMENT}, False),
        ({"message": DEVELOPMENT, "fatal": True}, False),
        ({"message": "Note: This query contains derived tables with Development Mode filters. Query"}, True),
        ({"message": "Note: something else"}, False),
        (DEVELOPMENT, True),
    ],
)
def test_notes_are_told_from_failures(item: Any, is_note: bool) -> None:
    """What `fatal` says counts; then the remarks that are known. Anything else is a failure."""
    assert SqlIssue.from_api(item).is_note is is_note


@pytest.mark.parametrize(
    ("issue", "sql", "text"),
    [
        (SqlIssue("m"), None, "m"),
        (SqlIssue("m", summary="s"), "SELECT 1", "m\n(s)"),
        (SqlIssue("m", line=1), None, "m\nat line 1"),
        (SqlIssue("m", line=1, column=8), "SELECT x", "m\nat line 1, column 8\n> 1 | SELECT x\n    |        ^"),
        (
            SqlIssue("m", line=1, column=8, params="SELECT y"),
            None,
            "m\nat line 1, column 8\n> 1 | SELECT y\n    |        ^",
        ),
        (
            SqlIssue("m", line=1, column=8, params="SELECT y"),
            "SELECT x",
            "m\nat line 1, column 8\n> 1 | SELECT x\n    |        ^",
        ),
        (SqlIssue("m", line=9, column=1), "SELECT x", "m\nat line 9, column 1"),
        (SqlIssue("m", line=1, column=99), "SELECT x", "m\nat line 1, column 99\n> 1 | SELECT x"),
        (SqlIssue("m" * 5000), None, "m" * 4000 + "... (1000 more characters)"),
    ],
)
def test_issues_are_written_out(issue: SqlIssue, sql: str | None, text: str) -> None:
    """The database's words, Looker's sentence, the place; as much of it as is known."""
    assert issue.render(sql) == text


def test_failed_query_without_a_word_says_so() -> None:
    """There is always a text."""
    assert str(LookerSQLError([])) == "the query failed without a message"


def test_failed_query_of_a_terse_format_says_where_there_is_more() -> None:
    """Only `json_detail` tells the place; an error that has one needs no more."""
    assert str(LookerSQLError([SqlIssue("m")], result_format="json_detail")) == "m"
    assert str(LookerSQLError([SqlIssue("m", line=1)], result_format="json")) == "m\nat line 1"
    assert str(LookerSQLError([SqlIssue("m")], result_format="json")) == (
        "m\n(json has no place for more; the same query as json_detail tells where in the SQL)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "'x'"),
        (True, "True"),
        (Decimal("1.10"), "1.10"),
        ("x" * 300, "'" + "x" * 199 + "... (102 more characters)"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_values_are_shown_short(value: Any, text: str) -> None:
    """Enough of them to find the place."""
    assert str(ConversionError("c", row=None, value=value, arrow_type="int64")) == (
        f"column 'c': {text} is not a value of type int64"
    )


def test_problems_of_a_validation_error_are_read_leniently() -> None:
    """Each item of Looker's 422, also one of another shape."""
    items: Any = [
        {"field": "fields", "code": "invalid", "message": "is wrong", "documentation_url": "u"},
        {"code": "missing_field"},
        {},
        "text",
        None,
    ]
    assert problems_of(items) == (
        QueryProblem("is wrong", field="fields", code="invalid"),
        QueryProblem("", code="missing_field"),
        QueryProblem(""),
        QueryProblem("text"),
        QueryProblem(""),
    )
    assert problems_of(None) == ()
    assert str(InvalidQueryError([])) == "the query is not valid"
