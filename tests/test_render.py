"""Plain text: the place in the SQL, words of HTML pages, shortened values."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookerframe.render import TAB_WIDTH, display_width, excerpt, shorten, text_of_html

SQL = "SELECT\n\tcarrier,\n\tcount(*)\nFROM flights\nWHERE x\nGROUP BY 1"


@pytest.mark.parametrize(
    ("line", "column", "lines"),
    [
        (1, 1, ["> 1 | SELECT", "    | ^", "  2 |     carrier,", "  3 |     count(*)"]),
        (1, 7, ["> 1 | SELECT", "    |       ^", "  2 |     carrier,", "  3 |     count(*)"]),
        (1, 8, ["> 1 | SELECT", "  2 |     carrier,", "  3 |     count(*)"]),
        (1, None, ["> 1 | SELECT", "  2 |     carrier,", "  3 |     count(*)"]),
        (
            3,
            8,
            [
                "  1 | SELECT",
                "  2 |     carrier,",
                "> 3 |     count(*)",
                "    |           ^",
                "  4 | FROM flights",
                "  5 | WHERE x",
            ],
        ),
        (6, 10, ["  4 | FROM flights", "  5 | WHERE x", "> 6 | GROUP BY 1", "    |          ^"]),
        (6, 0, ["  4 | FROM flights", "  5 | WHERE x", "> 6 | GROUP BY 1"]),
        (7, 1, [""]),
        (0, 1, [""]),
        (-1, 1, [""]),
    ],
)
def test_excerpt_marks_the_place(line: int, column: int | None, lines: list[str]) -> None:
    """Two lines around it, numbered; the caret under the column, also right after the last one."""
    assert excerpt(SQL, line, column).split("\n") == lines


def test_line_numbers_are_aligned() -> None:
    """The caret's line has room for them too."""
    sql = "\n".join(f"line {n}" for n in range(1, 101))

    assert excerpt(sql, 99, 6).split("\n") == [
        "   97 | line 97",
        "   98 | line 98",
        ">  99 | line 99",
        "      |      ^",
        "  100 | line 100",
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_databases_count_them(newline: str) -> None:
    """Not at the other characters that Python takes for line ends: a literal may hold them."""
    odd = "SELECT '\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029'"
    sql = newline.join([odd, "FROM x", ""])

    assert excerpt(sql, 2, 6).split("\n")[1:] == ["> 2 | FROM x", "    |      ^"]
    assert excerpt(sql, 3, 1).split("\n")[-2:] == ["> 3 |", "    | ^"]
    assert len(excerpt(sql, 1).split("\n")) == 2


@pytest.mark.parametrize(
    "before", ["", "\t", "\t\t", "x\t", "中文", "e\u0301", "👍", "ﬁ", "\u200b", "日\t本", "ก\u0e31", "\x1b[31m"]
)
def test_caret_stands_under_the_column(before: str) -> None:
    """Whatever stands before it: tabs, wide characters, combining marks, control characters."""
    text, mark = excerpt(f"{before}HERE", 1, len(before) + 1).split("\n")
    shown = text.removeprefix("> 1 | ").partition("HERE")[0]
    caret = mark.removeprefix("    | ").partition("^")[0]

    assert caret.strip() == ""
    assert len(caret) == display_width(shown)


@pytest.mark.parametrize("column", [1, 80, 159, 160, 161, 200, 240, 241, 399, 400, 500])
def test_long_lines_are_cut_around_the_column(column: int) -> None:
    """The caret stands under the same character as in the whole line."""
    line = "".join(chr(0x100 + n) for n in range(500))
    text, mark = excerpt(line, 1, column).split("\n")

    assert text[len(mark) - 1] == line[column - 1]
    assert len(text) < 180
    assert text.endswith(("...", line[-1]))


def test_a_column_beyond_a_long_line_marks_the_line_from_its_start() -> None:
    """There is no place to cut around."""
    assert excerpt("x" * 300, 1, 400) == "> 1 | " + "x" * 160 + "..."


def test_control_characters_do_not_reach_the_terminal() -> None:
    """They may come from a literal in the SQL."""
    shown = excerpt("SELECT '\x1b[2J\x07\x00\x9b'", 1, 3)

    assert not any(unicodedata.category(character) == "Cc" for character in shown.replace("\n", ""))


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=400), st.integers(-2, 30), st.none() | st.integers(-2, 500))
def test_excerpt_takes_any_text(sql: str, line: int, column: int | None) -> None:
    """Whatever a server sends: no error, at most six lines, none of them long."""
    lines = excerpt(sql, line, column).split("\n")

    assert len(lines) <= 6
    assert all(len(text) < 180 * TAB_WIDTH for text in lines)
    assert sum(text.endswith("^") and set(text) <= set(" |^") for text in lines) <= 2


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("中文", 4), ("e\u0301", 1), ("ﾊ", 1), ("ハ", 2), ("\u200d", 0), ("👍", 2), ("ก\u0e31", 1)],
)
def test_display_width_counts_cells(text: str, width: int) -> None:
    """As a terminal does."""
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>", "502 Bad Gateway 502"),
        ("<style>a { b: c }</style><p>x</p><SCRIPT>if (a < b) {}</SCRIPT >y", "x y"),
        ("a &lt;b&gt; &amp;\n\n c&nbsp;d", "a <b> & c d"),
        ("<p>cut in a ta", "cut in a ta"),
        ("<p>cut in an element <a href='x", "cut in an element"),
        ("x<script>never closed", "x"),
        ("", ""),
    ],
)
def test_words_of_a_page(page: str, words: str) -> None:
    """Without tags, scripts and styles; whole or cut off."""
    assert text_of_html(page) == words


@pytest.mark.parametrize(
    "page", ["<" * 200_000, "<script>" * 50_000, "<script" * 50_000, "<p " * 100_000, "</" * 100_000]
)
def test_pages_made_to_hurt_are_read(page: str) -> None:
    """The time is linear in the length."""
    assert len(text_of_html(page)) <= 540


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc... (1 more characters)"),
        ("", 0, ""),
        ("a" * 50, 10, "a" * 10 + "... (40 more characters)"),
    ],
)
def test_shorten_says_how_much_is_left_out(text: str, limit: int, short: str) -> None:
    """Nothing is cut without a word."""
    assert shorten(text, limit) == short
