"""Where Looker is and who asks: `Settings`, from arguments, ``LOOKERSDK_*`` and ``looker.ini``; and `Secret`."""

from __future__ import annotations

import configparser
import functools
import hmac
import ipaddress
import os
import re
import shlex
import warnings
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Self, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

from lookerframe.exceptions import ConfigError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEFAULT_FILE = "looker.ini"
ENVIRONMENT_PREFIX = "LOOKERSDK_"

# What may stand in the file and in the environment; the other settings are arguments only.
_SHARED_WITH_SDK = ("base_url", "client_id", "client_secret", "verify_ssl", "timeout")
_SECONDS = (
    "timeout",
    "connect_timeout",
    "backoff_base",
    "backoff_cap",
    "poll_interval",
    "poll_interval_max",
    "expired_grace",
    "task_timeout",
    "min_rate_seconds",
)
_TRUE = frozenset({"yes", "y", "true", "t", "1"})
_FALSE = frozenset({"no", "n", "false", "f", "0"})
# People paste the address of the API itself; calls add this part on their own.
_API_PART = re.compile(r"/api(/\d+\.\d+)?$")
_UNVERIFIED = (
    "verify_ssl is off: whoever is on the way to {} can take its place, and read the credentials; for a private "
    "authority, set verify_ssl to its CA file"
)
#: Seconds; sockets cannot count many more.
_LONGEST = 1e9
#: One part of the name of a host. Source: RFC 1123 §2.1; the underscore is met inside of companies.
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")


class Secret:
    """A text that is not shown: ``***`` in print, logs, tracebacks and data frames.

    `reveal` gives the text back. A secret cannot be pickled, so it never travels to another process or into a file;
    each process resolves its own settings.

    Parameters
    ----------
    source : str or callable
        The text; or a function without arguments that brings it, for a vault that hands out new ones. The function is
        called when the text is needed to log in, never to show, compare or test the secret. Nothing is kept of what it
        brings, and it must be quick: no deadline ends it.

    Raises
    ------
    ConfigError
        It is neither.

    Notes
    -----
    Two secrets are equal if their texts are (compared in constant time), or their functions. One with a function is
    true, whatever it will bring.
    """

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str]) -> None:
        given: object = source
        if not isinstance(given, str) and not callable(given):
            fault = _unusable(f"must be text, or a function that brings it, not {type(given).__name__}")
            del source, given  # tracebacks that show local variables would show it
            raise fault
        self._source = source

    @classmethod
    def from_keyring(cls, service: str, username: str) -> Self:
        """Make a secret that stands in the keyring of the operating system, and is read there when it is needed.

        Parameters
        ----------
        service, username : str
            The entry, as ``keyring set SERVICE USERNAME`` made it.

        Raises
        ------
        MissingDependencyError
            The package is not installed: it comes with ``lookerframe[keyring]``.

        Notes
        -----
        `reveal` raises ConfigError where the entry is absent or the keyring cannot be read.
        """
        try:
            import keyring as _  # noqa: F401 - so that its absence is told now, not at the first login
        except ImportError as exc:
            feature = "a secret in the keyring"
            raise MissingDependencyError(feature, extra="keyring") from exc
        return cls(_KeyringEntry(service, username))

    def reveal(self) -> str:
        """Return the text itself.

        Raises
        ------
        ConfigError
            The function that should bring it fails, or brings something else. What it said is not repeated: it may
            hold the secret.
        """
        if isinstance(self._source, str):
            return self._source
        try:
            text = self._source()
        except ConfigError as exc:
            fault = exc  # written for whoever configures this
        except Exception as exc:  # noqa: BLE001 - whatever a vault raises
            fault = _unusable(f"cannot be had: the function that should bring it raised {type(exc).__name__}")
        else:
            flaw = _flaw_of(text)
            if flaw is None:
                return text
            del text
            fault = _unusable(f"cannot be used as its function brought it: {flaw}")
        # Outside of the handlers: the words and the frames of a vault's error may hold the secret.
        fault.__context__ = fault.__cause__ = None
        raise fault.with_traceback(None)

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._source) if isinstance(self._source, str) else True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if isinstance(self._source, str) and isinstance(other._source, str):
            texts = (text.encode("utf-8", "surrogatepass") for text in (self._source, other._source))
            return hmac.compare_digest(*texts)
        return type(self._source) is type(other._source) and bool(self._source == other._source)

    def __hash__(self) -> int:
        # Equal secrets need equal hashes, and a hash of the text would tell of it: one hash for all.
        return hash(Secret)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        message = (
            "a Secret is not pickled, nor is a client or anything else that holds one; let the other process make its "
            "own, with Settings.load() or Looker.from_env()"
        )
        raise TypeError(message)


@dataclass(frozen=True, slots=True)
class _KeyringEntry:
    service: str
    username: str

    def __call__(self) -> str:
        import keyring
        import keyring.errors

        try:
            found = keyring.get_password(self.service, self.username)
        except keyring.errors.KeyringError as exc:
            fault = type(exc).__name__
        else:
            if found is not None:
                return found
            entry = shlex.join([self.service, self.username])
            raise _unusable(f"is not in the keyring; store it with: keyring set {entry}")
        raise _unusable(f"cannot be read from the keyring ({fault}); try: keyring diagnose")


def _unusable(what: str) -> ConfigError:
    return ConfigError(f"client_secret {what}", setting="client_secret")


def _flaw_of(text: object) -> str | None:
    if not isinstance(text, str):
        return f"text is needed, not {type(text).__name__}"
    if not _is_unicode(text):
        return "it cannot be written in UTF-8"
    return None if text else "it is empty"


def _is_unicode(text: str) -> bool:
    # Undecodable bytes of the environment arrive as lone surrogates.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def sealed(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have errors of configuration leave `function` without its frames.

    Their local variables are the arguments, a secret in the clear among them, and some tracebacks show those.
    """

    @functools.wraps(function)
    def sealed(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except (ConfigError, TypeError) as exc:
            fault = exc
        del args, kwargs
        fault.__context__ = None
        raise fault.with_traceback(None)

    return sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a connection to Looker needs to know. `Settings.load` finds it; the constructor takes it.

    Attributes
    ----------
    base_url : str
        Address of the API host, ``https://company.looker.com`` or with a port. A trailing slash and ``/api/4.0`` are
        taken off. Plain ``http`` is accepted for this machine only.
    client_id : str
        The first half of the API credentials. Left out of the repr, but no `Secret`.
    client_secret : Secret
        The second half. A str, or a function that brings it, becomes a `Secret`.
    verify_ssl : bool or str
        Whether to check the server's certificate; a `str` is the file or folder of the authorities to trust. False
        warns, once for a host.
    timeout : float
        Seconds that one HTTP request may take to be answered, and that a body may pause.
    connect_timeout : float
        Seconds to reach the host, TLS included.
    connect_attempts : int
        How often to call upon a host that has not answered yet before giving up; also the number of tries after an
        answer that more tries seldom mend (500, an HTML page in place of JSON).
    fetch_attempts : int
        How often the result of one task is fetched at most, where its body breaks off.
    backoff_base, backoff_cap : float
        Seconds. The wait before retry n is drawn between 0 and ``min(backoff_cap, backoff_base * 2**n)``.
    poll_interval, poll_interval_max : float
        Seconds between two looks at a running task: at first, and at most.
    expired_grace : float
        Seconds to wait for a task that calls itself expired, since it may yet go on.
    task_timeout : float
        Seconds for a call that takes no ``timeout`` of its own: `Task.status`, `Task.cancel`, `Looker.look`, ...
    post_repeats : int
        How often ``POST /query_tasks`` is repeated at most where it is not known whether the first one was carried out.
    min_rate, min_rate_seconds : float
        Bytes per second, and seconds: a body that brings less, while it is waited for that long, has stalled. A
        ``min_rate`` of 0 lets it be as slow as it is.
    max_row_bytes : int
        Bytes that one row of a result may take, and what stands before and after the rows; not those of ``xlsx``. Rows
        that fit into what is read at once, some MB, are not measured.
    max_bytes : int or None
        Bytes of one body after decompression, at most; None for no limit.

    Raises
    ------
    ConfigError
        A value cannot be used. The message names the setting and never holds a secret.

    Notes
    -----
    Source: names and reading order of the official Python SDK (`looker_sdk.rtl.api_settings`), also its 120 seconds.
    """

    base_url: str
    # Left out of the repr: half of the credentials is more than a log should hold.
    client_id: str = field(repr=False)
    client_secret: Secret
    verify_ssl: bool | str = True
    timeout: float = 120
    connect_timeout: float = 15
    connect_attempts: int = 3
    fetch_attempts: int = 5
    backoff_base: float = 0.5
    backoff_cap: float = 30
    poll_interval: float = 0.5
    poll_interval_max: float = 5
    expired_grace: float = 300
    task_timeout: float = 600
    post_repeats: int = 2
    min_rate: float = 1_000
    min_rate_seconds: float = 60
    max_row_bytes: int = 64 * 1024 * 1024
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        given: Any = self.client_secret
        if isinstance(given, str):
            given = _text("client_secret", given)
        _set(self, "client_secret", given if isinstance(given, Secret) else Secret(given))
        _set(self, "client_id", _text("client_id", self.client_id))
        for name in ("client_id", "client_secret"):
            if not getattr(self, name):
                raise _missing(name)
        _set(self, "base_url", _checked_url(_text("base_url", self.base_url)))
        _set(self, "verify_ssl", _checked_verify(self.verify_ssl))
        if self.verify_ssl is False and self.base_url.startswith("https:"):
            warnings.warn(_UNVERIFIED.format(self.base_url), stacklevel=1)  # from here, so that it is said once
        for name in ("connect_attempts", "fetch_attempts", "max_row_bytes"):
            _set(self, name, _counted(name, getattr(self, name)))
        _set(self, "post_repeats", _counted("post_repeats", self.post_repeats, least=0))
        if self.max_bytes is not None:
            _set(self, "max_bytes", _counted("max_bytes", self.max_bytes))
        _set(self, "min_rate", _rate("min_rate", self.min_rate))
        for name in _SECONDS:
            _set(self, name, _seconds(name, getattr(self, name)))

    @classmethod
    @sealed
    def load(
        cls,
        *,
        file: str | os.PathLike[str] | None = None,
        section: str | None = None,
        env: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Find the settings: an argument wins over the environment, the environment over the file.

        Parameters
        ----------
        file : path, optional
            An ini file, by default ``looker.ini`` in the working directory, which need not exist. A file that is named
            must exist.
        section : str, optional
            Section of the file, by default the first.
        env : mapping, optional
            Environment, by default `os.environ`. Read are ``LOOKERSDK_BASE_URL``, ``LOOKERSDK_CLIENT_ID``,
            ``LOOKERSDK_CLIENT_SECRET``, ``LOOKERSDK_VERIFY_SSL`` and ``LOOKERSDK_TIMEOUT``.
        **overrides
            Any attribute of `Settings`; None counts as not given.

        Raises
        ------
        ConfigError
            Something is missing, unreadable or unusable. ``.setting`` names it.

        Notes
        -----
        Source: `looker_sdk.rtl.api_settings`. As there, an empty value counts as not given, quotes around a value are
        dropped, and a file is read with ``%`` interpolation (write ``%%`` for a percent sign). Beyond it,
        ``verify_ssl`` may hold the path of a CA file.

        A function or an entry of the keyring is an argument only, ``client_secret=Secret.from_keyring(...)``: the file
        is shared with that SDK, which would send whatever else stood there in place of the secret.
        """
        known = [item.name for item in fields(cls)]
        for name in overrides:
            if name not in known:
                message = f"there is no setting {name!r}; known: {', '.join(known)}"
                raise ConfigError(message, setting=name)
        values: dict[str, Any] = _cleaned(_from_file(file, section) | _from_environment(env))
        if "verify_ssl" in values:
            values["verify_ssl"] = _read_verify(values["verify_ssl"])
        values.update((name, value) for name, value in overrides.items() if value is not None)
        for name in ("base_url", "client_id", "client_secret"):
            if not values.get(name):
                raise _missing(name)
        return cls(**values)


Settings.__init__ = sealed(Settings.__init__)  # type: ignore[method-assign]


def _set(settings: Settings, name: str, value: object) -> None:
    object.__setattr__(settings, name, value)  # the one way for a frozen dataclass to tidy its own arguments


def _missing(name: str) -> ConfigError:
    message = (
        f"{name} is not set. Give it as an argument ({name}=...), in the environment "
        f"({ENVIRONMENT_PREFIX}{name.upper()}) or in a section of {DEFAULT_FILE} in the working directory"
    )
    return ConfigError(message, setting=name)


def _from_file(file: str | os.PathLike[str] | None, section: str | None) -> dict[str, str]:
    path = Path(DEFAULT_FILE if file is None else file)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if file is None:
            return {}
        message = f"there is no file {path}"
        raise ConfigError(message, setting="file") from None
    except OSError as exc:
        message = f"{path} cannot be read: {exc.strerror}"
        raise ConfigError(message, setting="file") from exc
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8 text"
        raise ConfigError(message, setting="file") from None
    return _from_ini(content, path, section)


def _from_ini(content: str, path: Path, section: str | None) -> dict[str, str]:
    parser = configparser.ConfigParser()
    try:
        parser.read_string(content, source=str(path))
    except configparser.Error as exc:
        # Without its cause: the parser quotes the line that it does not understand, and that line may be a secret.
        message = f"{path} is not a valid ini file: {type(exc).__name__}{_line_of(exc)}"
        raise ConfigError(message, setting="file") from None
    present = parser.sections()
    if not present:
        message = f"{path} has no section; the settings stand below a line such as [Looker]"
        raise ConfigError(message, setting="section")
    if section is not None and section not in present:
        message = f"{path} has no section {section!r}; it has: {', '.join(present)}"
        raise ConfigError(message, setting="section")
    chosen = parser[section or present[0]]
    found = {}
    for name in _SHARED_WITH_SDK:
        try:
            value = chosen.get(name)
        except configparser.InterpolationError:
            message = f"{name} in {path} holds a single percent sign; write it twice (%%)"
            raise ConfigError(message, setting=name) from None
        if value is not None:
            found[name] = value
    return found


def _line_of(exc: configparser.Error) -> str:
    if isinstance(exc, configparser.MissingSectionHeaderError | configparser.DuplicateOptionError):
        return f" in line {exc.lineno}"
    if isinstance(exc, configparser.ParsingError) and exc.errors:
        return f" in line {exc.errors[0][0]}"
    return ""


def _from_environment(env: Mapping[str, str] | None) -> dict[str, str]:
    source = os.environ if env is None else env
    found = {name: source.get(ENVIRONMENT_PREFIX + name.upper(), "") for name in _SHARED_WITH_SDK}
    return {name: value for name, value in found.items() if value}


def _cleaned(values: Mapping[str, str]) -> dict[str, str]:
    # As the SDK does it: a quote on either side is enough for both sides to be stripped.
    quoted = {
        name: value.strip("\"'") if value[:1] in "\"'" or value[-1:] in "\"'" else value
        for name, value in values.items()
    }
    return {name: value for name, value in quoted.items() if value}


def _read_verify(value: str) -> bool | str:
    if value.lower() in _TRUE:
        return True
    return False if value.lower() in _FALSE else value


def _checked_verify(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | os.PathLike) and Path(value).exists():
        return os.fspath(value)
    message = f"verify_ssl must be yes, no, or the path of a CA file that exists, not {value!r}"
    raise ConfigError(message, setting="verify_ssl")


def _seconds(name: str, value: object) -> float:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if 0 < number <= _LONGEST:
            return int(number) if number.is_integer() else number
    message = f"{name} must be a number of seconds above 0 and up to {_LONGEST:g}, not {value!r}"
    raise ConfigError(message, setting=name)


def _counted(name: str, value: object, *, least: int = 1) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    message = f"{name} must be a whole number from {least} up, not {value!r}"
    raise ConfigError(message, setting=name)


def _rate(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return value
    message = f"{name} must be a number of bytes per second from 0 up, not {value!r}"
    raise ConfigError(message, setting=name)


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and _is_unicode(value):
        return value
    kind = "text with bytes that are not UTF-8" if isinstance(value, str) else type(value).__name__
    message = f"{name} must be text, not {kind}"
    raise ConfigError(message, setting=name)


def _checked_url(url: str) -> str:
    """Return `url` without trailing slash and API part, if a secret may be sent there."""
    fault = _fault_of(url)
    if fault is not None:
        message = f"base_url {fault}"
        raise ConfigError(message, setting="base_url")
    parts = urlsplit(url)
    path = _API_PART.sub("", parts.path.rstrip("/")).rstrip("/")
    return urlunsplit(SplitResult(parts.scheme, parts.netloc, path, "", ""))


def _fault_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    fault = None
    if "@" in url:  # the address is not shown: it may hold a password
        fault = "holds a user name; give client_id and client_secret instead"
    elif url and "://" not in url and not _NEVER_IN_A_URL.search(url):
        fault = f"{url!r} lacks its scheme; write https://{url}"
    elif _NEVER_IN_A_URL.search(url) or not host or not _is_host(parts) or not _is_plain_path(parts.path):
        fault = f"{url!r} is not an address; write https://company.looker.com"
    elif parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        fault = f"{url!r} must begin with https:// (http:// is for this machine only)"
    elif parts.query or parts.fragment or url[-1] in "?#":
        fault = f"{url!r} goes on after the address; write https://{parts.netloc}"
    return fault


def _is_host(parts: SplitResult) -> bool:
    """Tell whether an address names a host that can be looked up, or an IP address, and a port above 0."""
    host = parts.hostname or ""
    written = f"[{host}]" if ":" in host else host
    port = "" if parts.port is None else f":{parts.port}"
    if parts.netloc.lower().removesuffix(":") != f"{written}{port}" or parts.port == 0 or not host.isprintable():
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            labels = host.removesuffix(".").encode("idna").decode().split(".")
        except UnicodeError:
            return False
        # What ends in digits can only be an IP address. Source: URL Standard, host parsing.
        return all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


def _is_plain_path(path: str) -> bool:
    return path.isprintable() and "//" not in path.rstrip("/") and not {".", ".."} & set(path.split("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
