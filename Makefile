# `make demo` and `make test` need python3 (3.11 or later) and make; everything else they install into .venv, from the
# locks in requirements/ and with their hashes. Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check -qq
UV     := $(PY) -m uv
LOCK   := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
          --no-emit-find-links --no-annotate --custom-compile-command "make lock" --quiet

.PHONY: demo bench test soak sbom lint format lock upgrade wheel clean help

help:
	@echo "make demo    run the demonstration against the local Looker"
	@echo "make test    run the tests"
	@echo "make soak    run the full tier of the tests of reliability, some two hours, and write its results down"
	@echo "make bench   measure, and write docs/benchmarks.md; ARGS=--quick takes a few minutes and writes out/"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make format  let ruff rewrite the code"
	@echo "make lock    write requirements/ anew from pyproject.toml (make upgrade: with newer versions)"
	@echo "make wheel   build dist/*.whl"
	@echo "make sbom    write the bill of materials, out/lookerframe.cdx.json"
	@echo "make clean   remove .venv and all that was built"

demo: $(VENV)/.demo-stamp
	@$(PY) examples/demo.py

test: $(VENV)/.dev-stamp
	@$(PY) -m pytest $(ARGS)

soak: $(VENV)/.dev-stamp
	@LOOKERFRAME_SOAK=1 $(PY) -m pytest tests/formats/test_properties.py tests/reliability tests/reliability/soak_*.py $(ARGS)
	@$(PY) tools/soak_results.py

bench: $(VENV)/.bench-stamp
	@$(PY) -m benchmarks.run $(ARGS)

lint: $(VENV)/.dev-stamp
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

format: $(VENV)/.dev-stamp
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .

lock: $(VENV)/.dev-stamp
	@$(LOCK) $(UPGRADE) --extra dev --output-file requirements/dev.txt
	@$(LOCK) --extra bench --constraints requirements/dev.txt --output-file requirements/bench.txt
	@$(LOCK) --extra demo --constraints requirements/dev.txt --output-file requirements/demo.txt
	@$(LOCK) --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@! grep -nE '://|file:|-index|find-links' requirements/*.txt

upgrade:
	@$(MAKE) lock UPGRADE=--upgrade

wheel: $(VENV)/.dev-stamp
	@$(PY) -m hatchling build -t wheel

sbom: $(VENV)/.dev-stamp
	@mkdir -p out
	@$(VENV)/bin/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml --mc-type library --output-reproducible --of JSON -o out/lookerframe.cdx.json

clean:
	rm -rf $(VENV) build dist out .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is younger than what it was made from, so a changed lock is installed at the next call.
$(VENV)/.demo-stamp: $(VENV)/.venv-stamp requirements/demo.txt pyproject.toml
	$(call install,demo)

$(VENV)/.dev-stamp: $(VENV)/.venv-stamp requirements/dev.txt pyproject.toml
	$(call install,dev)
	@touch $(VENV)/.demo-stamp # what the demo needs is part of it

$(VENV)/.bench-stamp: $(VENV)/.venv-stamp requirements/bench.txt pyproject.toml
	$(call install,bench)

$(VENV)/.venv-stamp:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) was not found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or later is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: $(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) -V 2>&1)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# The versions come from the lock, so the project itself is installed without looking for others.
define install
@echo "Installing the packages of requirements/$(1).txt into $(VENV)"
@$(PIP) install --no-compile --require-hashes -r requirements/$(1).txt
@$(PIP) install --no-deps --no-build-isolation --editable .
@touch $@
endef
