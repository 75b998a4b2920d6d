# framerail: `make demo` shows it, `make test` proves it; both set up all they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
PACKAGES := contracts runtime producer consumer postproc viewer ops local serving modelling bench docs supply
SCRIPTS := .ci/run tests/cluster/run tests/cluster/images/build kserve/overlays/cluster/prepare \
	$(wildcard tests/cluster/images/kafka/bin/* pulumi/templates/*.sh)
DOCKERFILES := $(wildcard */Dockerfile kserve/overlays/cluster/*.Dockerfile tests/cluster/images/*/Dockerfile)
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.PHONY: help setup servers browser demo pictures
.PHONY: test test-unit test-integration test-infra test-page test-e2e test-faults
.PHONY: bench cluster-test faults soak
.PHONY: lint format lock clean

help: ## Show this list.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv with the framerail command.

$(STAMP): requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "setup: $(PYTHON) is missing; install Python 3.11 or say make PYTHON=..." >&2; exit 2; }
	@echo "setup: installing Python packages into $(VENV) (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo "setup: done; the command is $(BIN)/framerail"

servers: setup ## Download and build Kafka, MediaMTX and Triton; minutes, once.
	@$(BIN)/framerail prepare

demo: setup ## Run one camera through the whole pipeline; ARGS="--help" tells what can be changed.
	@$(BIN)/framerail demo $(ARGS)

browser: ## Install Debian's chromium, which the page is tested in, where it is missing.
	@command -v "$${FRAMERAIL_CHROMIUM:-chromium}" >/dev/null || { \
	  echo "browser: installing chromium with apt-get (a minute or two)"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null || { \
	    echo "browser: chromium is missing and apt-get could not install it; install it (sudo apt-get install chromium)," >&2; \
	    echo "browser: or name another one: FRAMERAIL_CHROMIUM=/usr/bin/google-chrome make test-page" >&2; exit 2; }; }

pictures: servers browser ## Take the pictures of README and docs anew from a real run, three minutes.
	@$(BIN)/python -m docs.pictures

test: test-unit test-integration test-infra test-page test-e2e test-faults ## Run every test.

test-unit: setup ## Rules without a server, in seconds; the core must stay covered.
	$(BIN)/python -m pytest tests/unit --cov --cov-report=term:skip-covered $(ARGS)

test-integration: servers ## Each edge with its real server.
	$(BIN)/python -m pytest tests/integration --numprocesses=2 --dist=loadfile $(ARGS)

test-infra: servers ## The AWS program under mocks, and its scripts on the real servers.
	$(BIN)/python -m pytest tests/infra $(ARGS)

test-page: setup browser ## The web page in a real Chromium.
	$(BIN)/python -m pytest tests/page --numprocesses=2 --dist=loadfile $(ARGS)

test-e2e: servers ## The real processes, from a camera to S3.
	$(BIN)/python -m pytest tests/e2e $(ARGS)

test-faults: servers ## The quick faults: what is killed or refused loses and doubles nothing.
	$(BIN)/python -m pytest tests/faults -m quick $(ARGS)

faults: servers ## Every fault and the overload, half an hour; writes the results into docs/.
	$(BIN)/python -m pytest tests/faults --write-report $(ARGS)

soak: servers ## Twenty minutes of work; memory and file handles must stay flat. Plots into docs/.
	$(BIN)/python -m pytest tests/soak $(ARGS)

bench: servers ## Measure everything against the bare model and a peer, ten minutes; writes docs/performance.md.
	@$(BIN)/python -m bench $(ARGS)

cluster-test: servers ## The images and manifests on a real Kubernetes with KServe (see docs/aws.md).
	tests/cluster/run $(ARGS)

lint: setup ## ruff, mypy, shellcheck and hadolint, as strict as they go.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=pulumi $(BIN)/mypy $(PACKAGES) tests pulumi
	$(BIN)/mypy kserve/overlays/cluster/upload_models.py
	$(BIN)/mypy kserve/observability/wrap.py
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/hadolint $(DOCKERFILES)

format: setup ## Put the code into shape.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## Write the lock files anew from what pyproject.toml and requirements/*.in ask for.
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) requirements/serving.in -o requirements/serving.txt
	$(COMPILE) requirements/modelling.in -o requirements/modelling.txt
	for service in producer consumer postproc viewer; do \
	  $(COMPILE) --extra $$service pyproject.toml -o requirements/$$service.txt; done
	for tool in fuzz audit; do $(COMPILE) requirements/$$tool.in -o requirements/$$tool.txt; done


.PHONY: audit sbom fuzz
FUZZ_S ?= 120
FUZZED ?= headers dead_letter result streams_file jpeg scan records log_text
AUDITED := $(filter-out requirements/modelling.txt,$(wildcard requirements/*.txt))

audit: setup ## Ask for known weaknesses of every locked package; 3 where nobody could be asked.
	@test -x $(VENV)/audit/bin/python || $(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@$(BIN)/python -m supply.audit $(VENV)/audit/bin/pip-audit $(AUDITED)

sbom: setup ## Write bills of materials (CycloneDX) into dist/.
	@$(BIN)/python -m supply.sbom dist

fuzz: setup ## Fuzz each reader of strangers' bytes with atheris; FUZZ_S=120 seconds each.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@for target in $(FUZZED); do $(BIN)/python -m tests.fuzz $$target .framerail/fuzz/$$target \
	  -max_total_time=$(FUZZ_S) -rss_limit_mb=2048 -timeout=10 -artifact_prefix=.framerail/fuzz/$$target-; done

clean: ## Delete everything that was installed, built or stored here.
	@test ! -x $(BIN)/framerail || $(BIN)/framerail down
	rm -rf $(VENV) .framerail *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
