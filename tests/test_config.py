"""Settings: read where the official SDK reads them, checked before a secret goes anywhere, never shown."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import keyring
import keyring.errors
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from looker_sdk.rtl import api_settings

from lookerframe.config import Secret, Settings, _checked_url
from lookerframe.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANARY = "canary-5f2d"
UNVERIFIED = "ignore:verify_ssl is off"
COMPLETE = {
    "LOOKERSDK_BASE_URL": "https://env.example.com",
    "LOOKERSDK_CLIENT_ID": "env-id",
    "LOOKERSDK_CLIENT_SECRET": "env-secret",
}
INI = """\
[Looker]
base_url = https://ini.example.com:19999
client_id = ini-id
client_secret = ini-secret
verify_ssl = true

[Other]
base_url = https://other.example.com
client_id = other-id
client_secret = other-secret
verify_ssl = no
timeout = 7
"""


def told(exc: BaseException) -> str:
    """Tell everything that a traceback can: local variables, and what an error hides behind ``from None``."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [exc]
    while waiting:
        met = waiting.pop()
        if met is not None and id(met) not in seen:
            seen[id(met)] = met
            waiting += [met.__cause__, met.__context__]
    parts = [f"{met!r} {met} {met.args} {vars(met)}" for met in seen.values()]
    for met in seen.values():
        ours = [frame for frame, _ in traceback.walk_tb(met.__traceback__) if frame.f_code.co_filename != __file__]
        parts += [f"{name}={value!r}" for frame in ours for name, value in frame.f_locals.items()]
    return "\n".join(parts)


def make(**given: Any) -> Settings:
    """Make settings that differ from valid ones in what is given."""
    return Settings(**{"base_url": "https://a.example.com", "client_id": "id", "client_secret": CANARY, **given})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working directory of its own, and an environment without Looker's variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("BASE_URL", "CLIENT_ID", "CLIENT_SECRET", "VERIFY_SSL", "TIMEOUT"):
        monkeypatch.delenv(f"LOOKERSDK_{name}", raising=False)
    return tmp_path


class TestSecret:
    """A secret shows itself to `reveal` only."""

    @pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>3}".format, "%s".__mod__, "%r".__mod__, ascii])
    def test_is_printed_as_stars(self, show: Any) -> None:
        """Whatever prints it, stars come out."""
        assert show(Secret(CANARY)) == "***"

    def test_is_not_in_log_records(self, caplog: pytest.LogCaptureFixture) -> None:
        """Neither as an argument nor inside a structure."""
        caplog.set_level(logging.DEBUG)

        logging.getLogger("x").warning("%s %s", Secret(CANARY), {"a": [Secret(CANARY)]})

        assert CANARY not in caplog.text

    def test_reveals_its_text(self) -> None:
        """`reveal` is the one way out."""
        assert Secret(CANARY).reveal() == CANARY

    def test_equality_is_of_texts_and_hash_tells_nothing(self) -> None:
        """Equal texts are equal; the hash is the same for all."""
        assert Secret("ä") == Secret("ä")
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert hash(Secret("a")) == hash(Secret("b"))

    def test_copies_are_itself(self) -> None:
        """No second place holds the text."""
        secret = Secret(CANARY)

        assert copy.copy(secret) is secret
        assert copy.deepcopy({"a": secret})["a"] is secret

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_is_not_pickled(self, protocol: int) -> None:
        """The error says what to do instead."""
        with pytest.raises(TypeError, match=r"Settings\.load"):
            pickle.dumps(Secret(CANARY), protocol)

    def test_is_not_json(self) -> None:
        """Nor does a fallback to text give it away."""
        with pytest.raises(TypeError):
            json.dumps(Secret(CANARY))
        assert CANARY not in json.dumps(Secret(CANARY), default=str)

    def test_has_no_dict(self) -> None:
        """`vars` finds nothing."""
        with pytest.raises(TypeError):
            vars(Secret(CANARY))


class Vault:
    """Hands out a new secret each time, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def read(self) -> str:
        """Bring the next one."""
        self.asked += 1
        return f"{CANARY}-{self.asked}"


class TestFunctionAsSecret:
    """A function brings the text whenever it is needed, and at no other time."""

    def test_is_called_each_time(self) -> None:
        """What it brought before is not kept."""
        secret = make(client_secret=Vault().read).client_secret

        assert [secret.reveal(), secret.reveal()] == [f"{CANARY}-1", f"{CANARY}-2"]

    def test_is_not_called_to_show_or_compare(self) -> None:
        """A secret that is only looked at costs nothing, and is true."""
        vault = Vault()
        loaded = Settings.load(env={}, base_url="https://a.example.com", client_id="id", client_secret=vault.read)
        secret = loaded.client_secret

        assert (repr(secret), f"{secret}", str(loaded).count("***")) == ("***", "***", 1)
        assert bool(secret)
        assert secret == Secret(vault.read)
        assert secret != Secret(Vault().read)
        assert secret != Secret(CANARY)
        assert Secret(CANARY) != secret
        assert hash(secret) == hash(Secret(CANARY))
        assert copy.deepcopy(loaded) == loaded
        assert dataclasses.asdict(loaded)["client_secret"] is secret
        with pytest.raises(TypeError, match=r"Settings\.load"):
            pickle.dumps(secret)
        assert vault.asked == 0

    @pytest.mark.parametrize(
        ("bring", "said"),
        [
            pytest.param(CANARY.encode, "bytes", id="bytes"),
            pytest.param(lambda: None, "NoneType", id="nothing"),
            pytest.param(lambda: [CANARY], "list", id="a list"),
            pytest.param(lambda: Secret(CANARY), "Secret", id="a secret in a secret"),
            pytest.param(lambda: "", "empty", id="an empty text"),
            pytest.param(lambda: f"{CANARY}\udc80", "UTF-8", id="undecodable bytes"),
            pytest.param(lambda: os.environ[CANARY], "KeyError", id="an error that quotes it"),
            pytest.param(lambda: int(CANARY), "ValueError", id="an error that is a ValueError"),
        ],
    )
    def test_unusable_one(self, bring: Callable[[], Any], said: str) -> None:
        """ConfigError says what kind of thing came, and nothing of what it was or said."""
        with pytest.raises(ConfigError, match=said) as caught:
            make(client_secret=bring).client_secret.reveal()

        assert caught.value.setting == "client_secret"
        assert CANARY not in told(caught.value)

    def test_its_own_configuration_error_passes(self) -> None:
        """Whoever writes the function can tell the reader what to do; what led to it is cut off."""

        def bring() -> str:
            try:
                return os.environ[CANARY]
            except KeyError as exc:
                message = "log in to the vault first"
                raise ConfigError(message, setting="vault") from exc

        with pytest.raises(ConfigError, match="log in to the vault first") as caught:
            Secret(bring).reveal()

        assert caught.value.setting == "vault"
        assert CANARY not in told(caught.value)

    def test_interruption_passes(self) -> None:
        """Ctrl-C while the vault is asked is no error of configuration."""

        def bring() -> str:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Secret(bring).reveal()


class Ring(KeyringBackend):
    """A keyring in memory, that may be locked."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        """Look an entry up."""
        if self.locked:
            raise keyring.errors.KeyringLocked(CANARY)
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store an entry."""
        self.entries[service, username] = password


class TestKeyring:
    """An entry of the operating system's keyring as secret."""

    @pytest.fixture
    def ring(self) -> Iterator[Ring]:
        """Have a keyring of the test's own in use."""
        before = keyring.get_keyring()
        ring = Ring()
        keyring.set_keyring(ring)
        yield ring
        keyring.set_keyring(before)

    def test_is_read_when_needed(self, ring: Ring) -> None:
        """An entry that changes, or comes later, is found."""
        secret = make(client_secret=Secret.from_keyring("looker", "me")).client_secret
        ring.set_password("looker", "me", CANARY)
        assert secret.reveal() == CANARY

        ring.set_password("looker", "me", "another")
        assert secret.reveal() == "another"

    @pytest.mark.usefixtures("ring")
    def test_same_entry_is_the_same_secret(self) -> None:
        """Service and user tell, the ring is not asked."""
        assert Secret.from_keyring("looker", "me") == Secret.from_keyring("looker", "me")
        assert Secret.from_keyring("looker", "me") != Secret.from_keyring("looker", "you")

    @pytest.mark.usefixtures("ring")
    def test_absent_entry_says_how_to_store_it(self) -> None:
        """A command that can be pasted."""
        with pytest.raises(ConfigError, match=r"keyring set https://a\.example\.com 'my id'") as caught:
            Secret.from_keyring("https://a.example.com", "my id").reveal()

        assert caught.value.setting == "client_secret"

    def test_locked_one(self, ring: Ring) -> None:
        """The kind of error is named, its words are not repeated."""
        ring.locked = True

        with pytest.raises(ConfigError, match="KeyringLocked") as caught:
            Secret.from_keyring("looker", "me").reveal()

        assert CANARY not in told(caught.value)

    def test_without_the_package(self) -> None:
        """The extra is named, at once."""
        code = (
            "import sys; sys.modules['keyring'] = None\n"
            "from lookerframe import Secret\n"
            "try: Secret.from_keyring('a', 'b')\n"
            "except ImportError as exc: print(type(exc).__name__, exc)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

        assert said.stdout.startswith("MissingDependencyError")
        assert "lookerframe[keyring]" in said.stdout


class TestFramesOfErrors:
    """Some tracebacks show local variables; those of this module hold no secret when it refuses something."""

    @pytest.mark.parametrize(
        "given",
        [
            {"base_url": "http://a.example.com"},
            {"timeout": 0},
            {"client_id": ""},
            {"client_secret": [CANARY]},
            {"client_secret": f"{CANARY}\udc80"},
            {"timeuot": 3},
        ],
    )
    def test_of_arguments(self, given: dict[str, Any]) -> None:
        """Neither the constructor's nor those of `load`."""
        whole = {"base_url": "https://a.example.com", "client_id": "id", "client_secret": CANARY} | given

        with pytest.raises((ConfigError, TypeError)) as by_constructor:
            Settings(**whole)
        with pytest.raises(ConfigError) as by_load:
            Settings.load(env={}, **whole)

        assert CANARY not in told(by_constructor.value)
        assert CANARY not in told(by_load.value)

    def test_of_a_secret_alone(self) -> None:
        """Bytes are not taken for text, and not shown."""
        with pytest.raises(ConfigError, match="bytes") as caught:
            Secret(CANARY.encode())  # type: ignore[arg-type]

        assert CANARY not in told(caught.value)

    @pytest.mark.parametrize("timeout", ["0", "%", "[x"])
    def test_of_file_and_environment(self, folder: Path, timeout: str) -> None:
        """Both were read when the error was met."""
        folder.joinpath("looker.ini").write_text(f"[Looker]\nclient_secret={CANARY}\n{timeout}\ntimeout={timeout}\n")
        with pytest.raises(ConfigError) as from_file:
            Settings.load(env={name: value for name, value in COMPLETE.items() if not name.endswith("SECRET")})
        folder.joinpath("looker.ini").unlink()
        with pytest.raises(ConfigError) as from_environment:
            Settings.load(env=COMPLETE | {"LOOKERSDK_CLIENT_SECRET": CANARY, "LOOKERSDK_TIMEOUT": "0"})

        assert CANARY not in told(from_file.value)
        assert CANARY not in told(from_environment.value)

    def test_they_would_show_one(self) -> None:
        """The tests above see what a frame of the library holds: here an address, which is no secret."""
        with pytest.raises(ConfigError) as caught:
            _checked_url(f"ftp://{CANARY}")

        assert f"url='ftp://{CANARY}'" in told(caught.value)


class TestLoad:
    """Argument before environment before file."""

    def test_reads_the_first_section_of_looker_ini(self, folder: Path) -> None:
        """The file in the working directory is found by itself."""
        folder.joinpath("looker.ini").write_text(INI)

        loaded = Settings.load()

        assert (loaded.base_url, loaded.client_id) == ("https://ini.example.com:19999", "ini-id")
        assert loaded.client_secret == Secret("ini-secret")
        assert (loaded.verify_ssl, loaded.timeout) == (True, 120)

    @pytest.mark.filterwarnings(UNVERIFIED)
    def test_reads_a_named_section(self, folder: Path) -> None:
        """Its values, and none of the first section's."""
        folder.joinpath("my.ini").write_text(INI)

        loaded = Settings.load(file="my.ini", section="Other", env={})

        assert (loaded.base_url, loaded.verify_ssl, loaded.timeout) == ("https://other.example.com", False, 7)

    def test_environment_wins_over_file_and_argument_over_both(self, folder: Path) -> None:
        """Each value by itself."""
        folder.joinpath("looker.ini").write_text(INI)

        loaded = Settings.load(
            env={"LOOKERSDK_CLIENT_ID": "env-id", "LOOKERSDK_CLIENT_SECRET": "env-secret"}, client_secret="arg-secret"
        )

        assert (loaded.base_url, loaded.client_id) == ("https://ini.example.com:19999", "env-id")
        assert loaded.client_secret.reveal() == "arg-secret"

    @pytest.mark.usefixtures("folder")
    def test_needs_no_file(self) -> None:
        """The environment alone will do, and None counts as not given."""
        assert Settings.load(env=COMPLETE, base_url=None, timeout=None).base_url == "https://env.example.com"

    def test_verify_ssl_may_name_a_ca_file(self, folder: Path) -> None:
        """Beyond what the SDK reads."""
        authority = folder / "ca.pem"
        authority.write_text("")

        assert Settings.load(env=COMPLETE | {"LOOKERSDK_VERIFY_SSL": str(authority)}).verify_ssl == str(authority)

    @pytest.mark.usefixtures("folder")
    @pytest.mark.parametrize("name", ["base_url", "client_id", "client_secret"])
    def test_says_where_a_missing_value_can_be_given(self, name: str) -> None:
        """All three places are in the message."""
        env = {key: value for key, value in COMPLETE.items() if key != f"LOOKERSDK_{name.upper()}"}

        with pytest.raises(ConfigError) as caught:
            Settings.load(env=env)

        assert caught.value.setting == name
        for place in (f"{name}=", f"LOOKERSDK_{name.upper()}", "looker.ini"):
            assert place in str(caught.value)

    @pytest.mark.usefixtures("folder")
    def test_unknown_setting_is_refused(self) -> None:
        """A misspelt name is not passed over; the known ones are listed."""
        with pytest.raises(ConfigError, match=r"'base_ulr'.*base_url"):
            Settings.load(env=COMPLETE, base_ulr="https://x.example.com")


class TestUnusableFile:
    """Whatever is wrong with the file is a ConfigError, and quotes no line of it."""

    def test_named_file_must_exist(self, folder: Path) -> None:
        """The default one need not."""
        with pytest.raises(ConfigError, match=r"missing\.ini"):
            Settings.load(file=folder / "missing.ini", env=COMPLETE)

    def test_absent_section_names_those_there_are(self, folder: Path) -> None:
        """So that the typo is seen."""
        folder.joinpath("looker.ini").write_text(INI)

        with pytest.raises(ConfigError, match=r"'Loker'.*Looker, Other") as caught:
            Settings.load(section="Loker")

        assert caught.value.setting == "section"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (f"client_secret = {CANARY}\n", "line 1"),
            (f"[Looker]\n{CANARY}\n", "line 2"),
            (f"[Looker]\nclient_id={CANARY}\nclient_id={CANARY}\n", "line 3"),
            (f"[Looker]\nclient_secret = {CANARY}%x\n", "%%"),
            (f"[Looker]\nclient_secret = %({CANARY})s\n", "%%"),
            ("", "no section"),
            ("# nothing\n", "no section"),
            (b"[Looker]\nclient_id = \xff\xfe\n", "UTF-8"),
        ],
    )
    def test_broken_content(self, folder: Path, content: str | bytes, expected: str) -> None:
        """The line is named, not shown: it may hold the secret, as the parser's own error does."""
        folder.joinpath("looker.ini").write_bytes(content if isinstance(content, bytes) else content.encode())

        with pytest.raises(ConfigError, match=expected) as caught:
            Settings.load(env=COMPLETE)

        assert CANARY not in "".join(traceback.format_exception(caught.value))

    def test_a_folder_is_no_file(self, folder: Path) -> None:
        """Nothing but ConfigError comes out."""
        with pytest.raises(ConfigError, match="cannot be read"):
            Settings.load(file=folder, env=COMPLETE)

    @given(content=st.text() | st.binary(), section=st.none() | st.text())
    @example(content="[a]\n=", section=None)
    @example(content="[DEFAULT]\nclient_id=x", section="DEFAULT")
    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_content(self, tmp_path: Path, content: str | bytes, section: str | None) -> None:
        """Settings come out, or ConfigError."""
        file = tmp_path / "any.ini"
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))

        try:
            loaded = Settings.load(file=file, section=section, env=COMPLETE)
        except ConfigError:
            return
        assert loaded.base_url == "https://env.example.com"


@pytest.mark.filterwarnings(UNVERIFIED)
@pytest.mark.parametrize("section", [None, "Other"])
@pytest.mark.parametrize(
    "env",
    [
        {},
        COMPLETE,
        {"LOOKERSDK_BASE_URL": "", "LOOKERSDK_CLIENT_ID": ""},
        {"LOOKERSDK_CLIENT_ID": "'quoted'", "LOOKERSDK_CLIENT_SECRET": '"half'},
        {"LOOKERSDK_CLIENT_ID": '""'},
        {"LOOKERSDK_VERIFY_SSL": "N", "LOOKERSDK_TIMEOUT": "33"},
        {"LOOKERSDK_VERIFY_SSL": '"YES"'},
        {"LOOKERSDK_VERIFY_SSL": "''"},
        {"LOOKERSDK_VERIFY_SSL": "perhaps"},
        {"LOOKERSDK_TIMEOUT": "soon"},
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        INI,
        INI.replace("ini-id", "'ini-id'").replace("true", '"False"'),
        INI.replace("ini-secret", "50%%").replace("https://ini", '"https://ini').replace("19999", '19999"'),
        INI.replace("ini-id", "").replace("other-id", "''"),
        INI.replace("verify_ssl = true", "verify_ssl ="),
        "[DEFAULT]\nbase_url = https://default.example.com\n"
        + INI.replace("base_url = https://ini", "x = https://ini"),
        INI.replace("client_id = ini-id", "CLIENT_ID: ini-id\nunknown = 1"),
        None,
    ],
)
def test_same_values_as_the_official_sdk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, env: dict[str, str], section: str | None
) -> None:
    """One file and one environment mean the same to both; what the SDK cannot use is a ConfigError here."""
    if content is not None:
        folder.joinpath("looker.ini").write_text(content)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    expected: tuple[Any, ...] | None
    try:
        official = api_settings.ApiSettings(section=section, env_prefix="LOOKERSDK")
        credentials = official.read_config()
        expected = (
            official.base_url,
            credentials.get("client_id"),
            credentials.get("client_secret"),
            official.verify_ssl,
            official.timeout,
        )
    except (TypeError, ValueError):
        expected = None

    if expected is None or not all(expected[:3]):
        with pytest.raises(ConfigError):
            Settings.load(section=section)
    else:
        ours = Settings.load(section=section)
        assert (ours.base_url, ours.client_id, ours.client_secret.reveal(), ours.verify_ssl, ours.timeout) == expected


class TestBaseUrl:
    """A secret is sent to this address, so it is looked at closely."""

    @pytest.mark.parametrize(
        ("given_url", "expected"),
        [
            ("https://a.example.com", "https://a.example.com"),
            ("https://a.example.com/", "https://a.example.com"),
            ("https://a.example.com:19999//", "https://a.example.com:19999"),
            ("https://a.example.com/api/4.0", "https://a.example.com"),
            ("https://a.example.com/api/4.0/", "https://a.example.com"),
            ("https://a.example.com/api", "https://a.example.com"),
            ("https://proxy.example.com/looker", "https://proxy.example.com/looker"),
            ("https://proxy.example.com/looker/api/3.1", "https://proxy.example.com/looker"),
            ("http://localhost:9999", "http://localhost:9999"),
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
            ("http://[::1]:9999", "http://[::1]:9999"),
        ],
    )
    def test_accepted(self, given_url: str, expected: str) -> None:
        """What people paste is tidied."""
        assert make(base_url=given_url).base_url == expected

    @pytest.mark.parametrize(
        "url",
        [
            "http://a.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "ftp://a.example.com",
            "file:///etc/passwd",
            "a.example.com",
            "a.example.com:19999",
            "//a.example.com",
            "https://",
            "https:///x",
            "https://a.example.com:port",
            "https://a.example.com:99999",
            "https://[::1",
            "https://a.example.com?x=1",
            "https://a.example.com?",
            "https://a.example.com#x",
            "https://a.example.com\\@b.example.com",
            "https://a.example.com\n",
            " https://a.example.com",
            "https://a b.example.com",
            "https://a.example.com/\x00",
            " ",
        ],
    )
    def test_refused(self, url: str) -> None:
        """Nothing is sent in clear text, or to a place that two readers read differently."""
        with pytest.raises(ConfigError) as caught:
            make(base_url=url)

        assert caught.value.setting == "base_url"

    @pytest.mark.parametrize("url", [f"https://u:{CANARY}@a.example.com", f"https://{CANARY}@[::1", f"u:{CANARY}@x"])
    def test_a_password_in_it_is_not_repeated(self, url: str) -> None:
        """The message does not show the address then."""
        with pytest.raises(ConfigError) as caught:
            make(base_url=url)

        assert CANARY not in "".join(traceback.format_exception(caught.value))


class TestSettings:
    """The value itself."""

    def test_shows_no_credentials(self) -> None:
        """Neither half of them."""
        shown = repr(make(client_id="canary-id"))

        assert CANARY not in shown
        assert "canary-id" not in shown
        assert "***" in shown

    def test_is_frozen(self) -> None:
        """A client's settings do not change under it."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            make().timeout = 3  # type: ignore[misc]

    def test_shows_no_secret_as_a_structure(self) -> None:
        """As dictionary, tuple, JSON or copy."""
        made = make()

        shown = [
            dataclasses.asdict(made),
            dataclasses.astuple(made),
            copy.copy(made),
            copy.deepcopy(made),
            json.dumps(dataclasses.asdict(made), default=str),
            json.dumps(made, default=repr),
            f"{made} {made!s}",
        ]

        assert CANARY not in repr(shown)
        with pytest.raises(TypeError):
            vars(made)

    def test_leaves_the_environment_alone(self) -> None:
        """A process that is started later gets what was there before."""
        before = dict(os.environ)

        Settings.load(env=COMPLETE, client_secret=CANARY)

        assert dict(os.environ) == before

    def test_is_not_pickled(self) -> None:
        """It holds a secret; a worker finds its own."""
        with pytest.raises(TypeError, match=r"Settings\.load"):
            pickle.dumps(make())

    def test_warns_of_connections_that_are_not_verified(self) -> None:
        """Where there is something to verify: the address and the setting are named."""
        with pytest.warns(UserWarning, match=r"verify_ssl is off.* https://a\.example\.com .*CA file"):
            make(verify_ssl=False)

        assert make(verify_ssl=False, base_url="http://localhost:1").verify_ssl is False

    def test_can_be_changed_by_copy(self) -> None:
        """`dataclasses.replace` checks again."""
        assert dataclasses.replace(make(), timeout=3).timeout == 3
        with pytest.raises(ConfigError):
            dataclasses.replace(make(), timeout=-3)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", 0),
            ("timeout", float("inf")),
            ("timeout", float("nan")),
            ("timeout", True),
            ("timeout", None),
            ("poll_interval", "soon"),
            ("connect_attempts", 0),
            ("connect_attempts", 1.5),
            ("verify_ssl", "no/such/file.pem"),
            ("verify_ssl", 1),
            ("client_id", ""),
            ("client_id", 3),
            ("client_secret", ""),
            ("client_secret", b"bytes"),
            ("client_secret", "\udcff"),
            ("client_id", "\udcff"),
            ("base_url", None),
        ],
    )
    def test_unusable_value(self, name: str, value: object) -> None:
        """The setting is named."""
        with pytest.raises(ConfigError) as caught:
            make(**{name: value})

        assert caught.value.setting == name
        assert name in str(caught.value)
