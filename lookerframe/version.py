"""The version, as `pyproject.toml` has it too: for files and requests, also where the package was not installed."""

__version__ = "0.1.0"
