# One virtual environment in the project's folder, installed from a lock with hashes; nothing is written elsewhere.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --no-input --quiet
INSTALL := $(PIP) install --no-cache-dir --no-deps --require-hashes --requirement
LOCK := $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	--generate-hashes --no-header --quiet --cache-dir .calibguard/uv

.PHONY: demo up down test lint lock faults remote-e2e bench-batch bench-render bench-metric bench-pair-fit bench-plumb-line bench-quality

demo: .venv/runtime ## Draw photos (or take PHOTOS=folder), render them through a real Prefect server and worker
	@$(BIN)/python -m deployments.demo $(if $(PHOTOS),--photos "$(PHOTOS)")

up: .venv/runtime ## Start Prefect server, worker and own portal, register the deployments; the UI keeps running
	@$(BIN)/python -m deployments.stack up $(if $(PORT),--port $(PORT))

down: .venv/runtime ## Stop what `make up` started
	@$(BIN)/python -m deployments.stack down

lint: .venv/dev ## Format, lint, types and import contracts
	@$(BIN)/python -m tests.summary lint

test: .venv/dev ## Everything CI checks, with one summary at the end
	@$(BIN)/python -m tests.summary lint pytest

faults: .venv/dev ## Kill, starve and mislead real runs; the last line counts what survived
	@$(BIN)/python -m tests.faults

remote-e2e: .venv/dev ## Twelve shards over two providers that misbehave; the last line tells digest and leftovers
	@$(BIN)/python -m tests.remote_e2e

bench-batch: .venv/dev ## What a batch of shards for a rented machine costs beyond rendering
	@$(BIN)/python -m tests.bench.batch

bench-render: .venv/dev ## Speed and memory of rendering, side by side with peers
	@$(BIN)/python -m tests.bench.render

bench-metric: .venv/dev ## CPU time of scoring one photo, and which part costs what
	@$(BIN)/python -m tests.bench.metric

bench-pair-fit: .venv/dev ## Error and time of fitting the pairs of a folder (PAIRS=folder), worst first
	@$(BIN)/python -m tests.bench.pair_fit "$(PAIRS)"

bench-quality: .venv/dev ## Every method on photos it has not seen; DATA=folder, else drawn (QUICK=1: few); JSON=file
	@$(BIN)/python -m tests.bench.quality $(if $(DATA),--data "$(DATA)") $(if $(JSON),--json "$(JSON)") \
		$(if $(QUICK),--quick) $(if $(ABLATE),--ablate) $(if $(SEED),--seed $(SEED)) $(if $(PHOTOS),--photos $(PHOTOS))

bench-plumb-line: .venv/dev ## Curves from lines against known warps (DATA=folder with truth.csv)
	@$(BIN)/python -m tests.bench.plumb_line "$(DATA)"

lock: .venv/dev ## Renew both lock files, and the agent's list of libraries
	@$(LOCK) --upgrade --output-file requirements.lock
	@$(LOCK) --upgrade --extra dev --output-file requirements-dev.lock --constraint requirements.lock
	@$(BIN)/python -c "from pathlib import Path; from tasks.agent_bundle import locked_libraries as cut; \
		Path('tasks/agent/requirements.txt').write_text(cut(Path('requirements.lock').read_text()))"
	@$(BIN)/python -c "from pathlib import Path; from tasks.agent_bundle import GPU_LIBRARIES, locked_libraries as cut; \
		Path('deployments/akash/requirements-gpu.txt').write_text( \
		cut(Path('requirements-dev.lock').read_text(), GPU_LIBRARIES))"

.venv/bin/pip:
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.lock pyproject.toml | .venv/bin/pip
	@echo "installing from $<"
	@$(INSTALL) $<
	@$(PIP) install --no-cache-dir --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml | .venv/bin/pip
	@echo "installing from $<"
	@$(INSTALL) $<
	@$(PIP) install --no-cache-dir --no-deps --no-build-isolation --editable .
	@touch $@ .venv/runtime
