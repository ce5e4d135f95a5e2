# `make demo` and `make test` work in a fresh clone; `make help` lists the rest.
# They make .venv here and install, with apt and only where missing: python3-venv, mosquitto, mosquitto-clients.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python

# Debian keeps mosquitto where only root's PATH looks.
export PATH := $(PATH):/usr/sbin:/sbin

# $(call apt,PACKAGES): installs with apt, as root or through sudo; says what to do where neither works.
apt = { \
	echo "Installing with apt: $(1)"; \
	command -v apt-get >/dev/null || { echo "No apt-get here: install $(1) by hand and run make again." >&2; exit 1; }; \
	as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	[ -z "$$as_root" ] || command -v sudo >/dev/null || { echo "Neither root nor sudo: install $(1) as root." >&2; exit 1; }; \
	$$as_root apt-get update -q \
	&& $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(1); }

.PHONY: help
help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.PHONY: demo
demo: $(VENV)/.edge mosquitto  ## the main job on rendered tiles, with a broker of its own and a report at the end
	$(BIN)/edge demo

.PHONY: test
test: $(VENV)/.test mosquitto  ## the tests
	$(PYTHON) -m pytest

.PHONY: check-long
check-long: $(VENV)/.test mosquitto postgresql faketime  ## the tests that take minutes, and those of disk, access and archive
	$(PYTHON) -m pytest -m long
	$(PYTHON) -m pytest -m 'not long' tests/test_full_disk.py tests/test_daemon_disk.py tests/test_shelter.py \
		tests/test_soundness.py tests/e2e/test_secrets.py tests/transmit/test_hardened_broker.py tests/receive

.PHONY: lint
lint: $(VENV)/.lint  ## ruff: rules and formatting
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

.PHONY: types
types: $(VENV)/.lint $(VENV)/.test  ## mypy, strict
	$(PYTHON) -m mypy

.PHONY: types-train
types-train: $(VENV)/.lint  ## mypy, strict, of the training recipes; needs the extra train
	$(PYTHON) -m mypy --explicit-package-bases models

.PHONY: bench
bench: $(VENV)/.test mosquitto  ## speed and memory of the daemon on this machine
	$(PYTHON) -m benchmarks

.PHONY: schema
schema: $(VENV)/.edge  ## writes edge/schema/config-v1.json anew, after a change of a settings class
	$(PYTHON) -m edge.config_schema > edge/schema/.config-v1.json
	mv edge/schema/.config-v1.json edge/schema/config-v1.json

.PHONY: wheel
wheel: $(VENV)/.edge  ## dist/edge_monitor-VERSION-py3-none-any.whl
	rm -rf dist
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

.PHONY: clean
clean:  ## removes what was built; remove .venv by hand for a fresh one
	rm -rf build dist demo-report .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find edge tests models benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Without a working venv module python leaves half a folder behind: remove it, install the module, try once more.
$(PYTHON):
	@for python in python3.11 python3.12 python3.13 python3; do \
		command -v $$python >/dev/null || continue; \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$($$python --version)"; \
		$$python -m venv $(VENV) >/dev/null 2>&1 && exit 0; \
		rm -rf $(VENV); \
		venv=$$($$python -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		$(call apt,$$venv) && exec $$python -m venv $(VENV); \
		exit 1; \
	done; \
	echo "edge needs Python 3.11 or later; python3 here is: $$(python3 --version 2>&1)" >&2; exit 1

$(VENV)/.edge: pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.edge

$(VENV)/.lint: pyproject.toml | $(PYTHON)
	$(PYTHON) -m pip install --quiet --editable '.[lint]'
	@touch $@ $(VENV)/.edge

# The demo and the tests start brokers of their own on free loopback ports. Debian's package also starts one as a
# service on 127.0.0.1:1883; we neither use nor change it.
.PHONY: mosquitto
mosquitto:
	@command -v mosquitto >/dev/null && command -v mosquitto_sub >/dev/null \
	|| { $(call apt,mosquitto mosquitto-clients) \
	&& echo "Debian's mosquitto also runs as a service on 127.0.0.1:1883; edge does not use it here." \
	&& echo "If you do not want it: sudo systemctl disable --now mosquitto"; }

# A test makes its own cluster with initdb; Debian's service of it is neither used nor changed.
.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { $(call apt,postgresql); }

# What lets a test step the clock of one process.
.PHONY: faketime
faketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || { $(call apt,libfaketime); }
