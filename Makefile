# The commands of this repository. `make demo` and `make test` set up whatever they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One target folder for cargo and maturin, so that nothing is compiled twice.
export CARGO_TARGET_DIR ?= $(CURDIR)/target

RUST_SOURCES := $(shell find crates python/src -name '*.rs' -o -name '*.sql' -o -name 'Cargo.toml') Cargo.toml Cargo.lock python/Cargo.toml
DASHBOARD_SOURCES := $(shell find dashboard/src dashboard/public -type f 2>/dev/null) $(wildcard dashboard/*.html dashboard/*.json dashboard/*.ts)

.PHONY: demo test test-rust test-python test-dashboard test-e2e screenshots lint lint-deploy lint-format lint-dashboard lint-rust lint-python format dashboard develop openapi crash cluster bench bench-counts sizing growth clean chromium pgbouncer help

help: ## Lists the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.built ## Sets everything up and runs the main job: a task makes artifacts, REST gives them back
	@$(BIN)/python examples/python/demo.py

test: test-rust test-python test-dashboard test-e2e ## Sets everything up and runs all tests

# With CLIPPY=1 Clippy looks at everything while it is compiled for the tests, warnings being errors. That takes seconds; `cargo
# clippy` by itself checks all dependencies once more, for minutes on a machine where nothing is built.
ifdef CLIPPY
test-rust: export RUSTC_WORKSPACE_WRAPPER := $(shell rustup which clippy-driver 2>/dev/null || command -v clippy-driver)
test-rust: export CLIPPY_ARGS := -Dwarnings
# The bridge, which has no Rust tests, is looked at, too; it leaves libpython to the interpreter that loads it.
test-rust: export PYO3_BUILD_EXTENSION_MODULE := 1
endif

test-rust: dashboard/dist/index.html $(VENV)/.tools ## Rust tests and documentation examples
	$(if $(CLIPPY),cargo build --workspace --all-targets)
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace $(if $(CLIPPY),,--exclude upnext-python); \
	else cargo test --workspace $(if $(CLIPPY),,--exclude upnext-python) --lib --bins --tests; fi
	cargo test --workspace $(if $(CLIPPY),,--exclude upnext-python) --doc

test-python: $(VENV)/.built pgbouncer ## Python tests, on every backend
	$(BIN)/python -m pytest --numprocesses auto

test-dashboard: dashboard/node_modules/.installed ## Dashboard unit tests
	npm --prefix dashboard run check:generated
	npm --prefix dashboard run typecheck
	npm --prefix dashboard test

test-e2e: $(VENV)/.built chromium ## The dashboard in a real browser, against the real server
	UPNEXT_BIN=$(CURDIR)/$(BIN)/upnext UPNEXT_PYTHON=$(CURDIR)/$(BIN)/python npm --prefix dashboard run e2e

screenshots: $(VENV)/.built chromium ## Takes the pictures of the documentation, of a real server with the jobs of a small shop
	UPNEXT_BIN=$(CURDIR)/$(BIN)/upnext UPNEXT_PYTHON=$(CURDIR)/$(BIN)/python node dashboard/scripts/showcase.mjs docs/screenshots

lint: lint-deploy lint-format lint-dashboard lint-rust lint-python ## Formatting, lints and types of all three languages

lint-rust: dashboard/dist/index.html
	cargo clippy --workspace --all-targets -- -D warnings

lint-format: $(VENV)/.tools
	cargo fmt --all --check
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; fi
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-python: $(VENV)/.built
	$(BIN)/mypy
	$(BIN)/pyright

lint-dashboard: dashboard/node_modules/.installed
	npm --prefix dashboard run lint

lint-deploy: $(VENV)/.deploy-tools ## The files under deploy/
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@for file in $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml)); do \
		$(BIN)/kubernetes-validate "$$file" || exit 1; done
	@# The programs that the units name are not installed here: each stands for one that is.
	@if command -v systemd-analyze >/dev/null; then \
		units=$$(mktemp -d) && for unit in deploy/systemd/*.service; do \
		sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' $$unit > $$units/$$(basename $$unit | sed 's/@/@reports/'); done; \
		systemd-analyze verify $$units/*.service; status=$$?; rm -r $$units; exit $$status; fi

format: $(VENV)/.built ## Formats Rust and Python
	cargo fmt --all
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

dashboard: dashboard/dist/index.html ## Builds the dashboard that the server embeds

develop: $(VENV)/.built ## Installs the Python package with its tools into .venv

openapi: ## Rewrites docs/reference/openapi.json and the dashboard's types from the server
	UPDATE_OPENAPI=1 cargo test -p upnext-server openapi
	npm --prefix dashboard run generate

crash: dashboard/dist/index.html ## Kills workers, servers and submitters, and cuts the power, for some minutes; prints figures
	cargo test -p upnext-crash --test crash -- --ignored --nocapture --test-threads=1
	cargo test -p upnext-sqlite --test power_loss -- --ignored --nocapture --test-threads=1
	cargo test -p upnext-crash --test power_loss -- --ignored --nocapture --test-threads=1

cluster: $(VENV)/.built pgbouncer ## Eight workers and two servers on each engine, and engines that are killed, for some minutes; prints figures
	$(BIN)/python -m pytest -m long python/tests

bench: $(VENV)/.built ## Measures beside others, in less than 10 minutes, into bench/RESULTS.md; ARGS="--size goals" takes 35, ARGS=--help tells
	cargo build --quiet --release -p upnext-bench
	$(BIN)/python bench/run.py --programs $(CARGO_TARGET_DIR)/release $(ARGS)

bench-counts: ## Counts the instructions of the hot paths and compares them with bench/counts.txt; needs valgrind, ARGS=--help tells
	cargo build --quiet --release -p upnext-bench --bin hot_paths
	$(PYTHON) bench/counts.py --program $(CARGO_TARGET_DIR)/release/hot_paths $(ARGS)

sizing: $(VENV)/.built ## Measures what this machine carries on each backend, in about an hour, into docs/sizing.md; ARGS="--size quick", ARGS=--help tells
	cargo build --quiet --release -p upnext-bench --bin sizing
	$(BIN)/python bench/sizing.py --programs $(CARGO_TARGET_DIR)/release $(ARGS)

growth: ## A thousand jobs a second on PostgreSQL for 15 minutes (ARGS="SECONDS JOBS"): prints how its tables and indexes grow
	cargo run --quiet --release -p upnext-postgres --example load -- growth $(or $(ARGS),900)

clean: ## Removes everything that was built
	rm -rf $(VENV) target dashboard/node_modules dashboard/dist/assets dashboard/dist/index.html .upnext-demo

dashboard/node_modules/.installed: dashboard/package.json dashboard/package-lock.json
	npm --prefix dashboard ci --no-audit --no-fund
	@touch $@

dashboard/dist/index.html: dashboard/node_modules/.installed $(DASHBOARD_SOURCES)
	npm --prefix dashboard run build
	@touch $@

# Dependency groups need pip 25.1.
$(VENV)/.tools: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(VENV)/.deploy-tools: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --group deploy
	@touch $@

$(VENV)/.built: $(VENV)/.tools dashboard/dist/index.html $(RUST_SOURCES) pyproject.toml
	$(BIN)/maturin develop --release --quiet >/dev/null
	@touch $@

# The end-to-end test drives the system's own Chromium; on Debian and Ubuntu it is installed if it is missing.
chromium:
	@if [ -x "$${CHROMIUM_PATH:-/usr/bin/chromium}" ]; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -qy --no-install-recommends chromium; \
	else echo "The end-to-end test needs Chromium: install it, or set CHROMIUM_PATH to its binary." >&2; exit 1; fi

# Tests of PgBouncer are left out where it is missing and cannot be installed.
pgbouncer:
	@if PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null; then exit 0; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -qy --no-install-recommends pgbouncer; \
	else echo "PgBouncer is not installed: its tests are left out."; fi
