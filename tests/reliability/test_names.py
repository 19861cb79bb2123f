"""S3: hostile names stay inside the folder."""

from __future__ import annotations

import itertools
import re
import unicodedata
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.exceptions import ConfigError, ExportError
from lookerframe.sinks.names import safe_name, safe_path

if TYPE_CHECKING:
    from tests.counting import Counts

_DEVICES = ("CON", "prn", "Aux", "NUL", "COM1", "com9", "LPT1", "lpt³", "CONIN$", "CONOUT$", "COM0", "CLOCK$")
_CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
_TURNING = [
    chr(code) for code in (0x61C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
]
_UPWARDS = (
    "../",
    "..\\",
    "../../",
    "/../",
    "./../",
    "..//",
    "..\\..\\",
    "a/../../",
    "%2e%2e/",
    "..%2f",
    "..;/",
    "....//",
)
_PLACES = ("etc/passwd", "x", "", ".ssh/authorized_keys", "x.parquet", "..")

_ALL = [
    *(up + place for up, place in itertools.product(_UPWARDS, _PLACES)),
    *("/" + place for place in _PLACES),
    *("//host/share/" + place for place in _PLACES),
    *("\\\\?\\C:\\" + place for place in _PLACES),
    *(drive + place for drive, place in itertools.product(("C:", "c:\\", "Z:/", "AA:"), _PLACES)),
    *(device + end for device, end in itertools.product(_DEVICES, ("", ".txt", " .txt", ".", ":", ".tar.gz"))),
    *(f"a{control}b" for control in _CONTROLS),
    *(f"annual{turning}fdp.exe" for turning in _TURNING),
    *("x" * length for length in (201, 255, 256, 300, 4_096, 100_000)),
    *("健" * length for length in (67, 85, 86, 1_000)),
    *("🛫" * length for length in (50, 51, 64)),
    *(f"{'é' * length}.parquet" for length in (96, 97, 127, 128)),
    *("".join(some) for some in itertools.product(". ", repeat=3)),
    *(
        "",
        ".",
        "~",
        "~root",
        "-rf",
        "--",
        "$HOME",
        "`id`",
        "a;b",
        "a|b",
        "a&b",
        "a\nb",
        "a'b",
        'a"b',
        "*",
        "?",
        "<",
        ">",
    ),
    *("a.", "a ", "a. .", " a", ".a", "a\u00a0", "a\u2028b", "a\u2029b", "a:b", "a:$DATA", "file:///etc/passwd"),
    *(
        "\ud800",
        "a\udcffb",
        "\ue000",
        "e\u0301",
        "\u212b",
        "a\0.parquet",
        "\0",
        "..\0/",
        "a\u2215b",
        "\uff0e\uff0e\uff0fx",
    ),
    *(".out.parquet.1.0123abcd.tmp", ".htaccess", ".git/config", "x" * 300 + "/../../y", "https://a/b?c=d#e"),
]
HOSTILE = list(dict.fromkeys(_ALL))
#: Characters that some common system takes for more than a part of a name. Source: Win32 documentation, POSIX.
_NEVER = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder inside another one."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


def test_hostile_names_stay_inside_the_folder(folder: Path, counts: Counts) -> None:
    """Each becomes one file of the folder on the real file system, and no two become the same one."""
    assert len(HOSTILE) >= 300

    for name in HOSTILE:
        path = safe_path(folder, name, suffix=".txt")
        assert path.resolve().parent == folder.resolve()
        path.write_text("rows")

    assert len(list(folder.iterdir())) == len({*map(str.casefold, (path.name for path in folder.iterdir()))})
    assert len(list(folder.iterdir())) == len(HOSTILE)
    assert [path for path in folder.iterdir() if not path.is_file()] == []
    assert list(folder.parent.iterdir()) == [folder]
    counts("S3", names=len(HOSTILE))


def _assert_ordinary(name: str) -> None:
    assert 1 <= len(name.encode("utf-8")) <= 255
    assert not _NEVER.search(name)
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cf", "Cs"}
    assert not PureWindowsPath(name).is_reserved()
    assert PureWindowsPath(name).name == Path(name).name == name


@pytest.mark.parametrize("suffix", ["", ".parquet"])
def test_names_are_ordinary_on_every_system(suffix: str) -> None:
    """By the rules of Windows, as Python's own library knows them, and of POSIX."""
    for name in HOSTILE:
        _assert_ordinary(safe_name(name, suffix=suffix))


@given(st.text(), st.sampled_from(["", ".csv", ".tar.gz"]))
def test_any_text_makes_an_ordinary_name(text: str, suffix: str) -> None:
    """And always the same one; the name of a name is itself."""
    name = safe_name(text, suffix=suffix)

    _assert_ordinary(name)
    assert name.endswith(suffix)
    assert safe_name(text, suffix=suffix) == name


@given(st.text(alphabet="ab./ ~0\0", max_size=6), st.text(alphabet="ab./ ~0\0", max_size=6))
def test_different_texts_keep_different_names(one: str, other: str) -> None:
    """Also those that are the same without what was taken out."""
    assert (safe_name(one) == safe_name(other)) == (one == other)


@pytest.mark.parametrize(
    "title", ["Orders by week", "Umsätze 2026 (Q1, netto)", "売上 2026", "a.b", "50% & more", "🛫 x"]
)
def test_harmless_titles_stay_as_they_are(title: str) -> None:
    """A person finds the file."""
    assert safe_name(title, suffix=".parquet") == f"{title}.parquet"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Revenue / Cost", "Revenue _ Cost~"),
        ("../../etc/passwd", "__.._etc_passwd~"),
        ("CON", "_CON~"),
        ("nul.txt", "_nul.txt~"),
        ("", "_~"),
        ("a\0b", "a_b~"),
        ("report. ", "report_~"),
        (".bashrc", "_bashrc~"),
        ("annual\u202efdp.exe", "annual_fdp.exe~"),
        ("a\ue000b", "a_b~"),
        ("a\u2028b", "a_b~"),
        ("a\u2029b", "a_b~"),
        ("cafe\u0301", "caf\xe9~"),
    ],
)
def test_what_is_changed_is_marked(title: str, expected: str) -> None:
    """The words stay readable; eight digits of a hash tell titles apart that would be the same."""
    assert re.fullmatch(re.escape(expected) + "[0-9a-f]{8}", safe_name(title))


def test_a_text_that_bears_a_mark_is_not_taken_for_the_marked_one() -> None:
    """A title may be made to look like the file of another."""
    assert safe_name(safe_name("a/b")) != safe_name("a/b")


def test_a_long_title_is_cut_at_a_character() -> None:
    """What is left is UTF-8, and the suffix is whole."""
    name = safe_name("健" * 100, suffix=".parquet")

    assert len(name.encode()) <= 255
    assert re.fullmatch(r"健{50,}~[0-9a-f]{8}\.parquet", name)


def test_a_title_stays_whole_up_to_200_bytes() -> None:
    """The suffix counts; one byte more, and the name is a mark of its own."""
    longest = "x" * 192

    assert safe_name(longest, suffix=".parquet") == f"{longest}.parquet"
    assert len(safe_name("x" * 193, suffix=".parquet")) == 200
    assert "~" in safe_name("x" * 193, suffix=".parquet")


def test_the_longest_suffix_has_32_bytes() -> None:
    """One byte more is refused."""
    assert safe_name("x", suffix="." + "y" * 31) == "x." + "y" * 31
    with pytest.raises(ConfigError):
        safe_name("x", suffix="." + "y" * 32)


@pytest.mark.parametrize("suffix", ["parquet", "./x", "..", ".a/b", ".\0", ". ", ".é", "." + "x" * 40, ".a\n"])
def test_a_suffix_that_is_none_is_refused(suffix: str) -> None:
    """It is the caller's own, so it is an error and no guess is made."""
    with pytest.raises(ConfigError) as caught:
        safe_name("x", suffix=suffix)

    assert caught.value.setting == "suffix"


@pytest.mark.parametrize("aim", ["../outside.txt", "other.txt", "absent.txt", "/etc/hostname"])
def test_a_link_under_the_name_is_refused(folder: Path, aim: str) -> None:
    """Whoever put it there would choose what is overwritten."""
    (folder / "other.txt").write_text("theirs")
    (folder / "report.txt").symlink_to(aim)

    with pytest.raises(ExportError, match="it is a link") as caught:
        safe_path(folder, "report", suffix=".txt")

    assert caught.value.target == str(folder / "report.txt")


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    """The caller named it."""
    link = folder.with_name("link")
    link.symlink_to(folder)

    assert safe_path(link, "report") == link / "report"
