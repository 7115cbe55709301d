# Needs Python 3.11 or newer, pip, a Rust toolchain (cargo) and make; everything else is fetched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUST   := $(shell find rust Cargo.toml Cargo.lock -name '*.rs' -o -name 'Cargo.*' 2>/dev/null)
BUILT  := $(VENV)/.built

export VIRTUAL_ENV := $(abspath $(VENV))
# without it, a machine that writes no bytecode compiles torch at every start
export UV_COMPILE_BYTECODE := 1

.PHONY: help demo test check bench clean

help: ## Show the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --constraint constraints.txt --group dev --requirement pyproject.toml --extra dbt
	touch $@

$(BUILT): $(READY) $(RUST)
	$(BIN)/maturin develop --uv --release --quiet
	touch $@

demo: $(BUILT) ## Synthesize the example shop and compare its dashboards.
	$(BIN)/python examples/shop/demo.py

test: $(BUILT) ## Run all Rust and Python tests, doc examples and the dbt integration.
	cargo test --workspace --quiet
	$(BIN)/python -m pytest --quiet

check: $(BUILT) ## Check formatting, lints, types and layers.
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(BUILT) ## Measure kernels, import times and generation at scale (minutes).
	$(BIN)/python benches/kernels.py
	$(BIN)/python benches/startup_and_scale.py

clean: ## Remove everything that was built.
	rm -rf $(VENV) target
