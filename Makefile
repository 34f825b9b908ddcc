# The commands of this project. `make demo` and `make test` need nothing done before: they make their own
# environment in .venv, and build kube-apiserver, etcd and kubectl once into a cache folder (about 5 minutes).

SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/uv/bin/uv
BIN := .venv/bin
RUN := $(BIN)/python
SOURCES := operator trainer serving webapp cli report devcluster deploy documentation tests bench

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(UV):
	@echo "Installing uv $(UV_VERSION) into .tools/"
	@$(PYTHON) -m venv .tools/uv
	@.tools/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: $(UV) pyproject.toml uv.lock
	@echo "Installing the locked packages into .venv/"
	@$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

.PHONY: environment
environment: .venv/.synced ## Make .venv with every locked package

.PHONY: binaries
binaries: environment ## Find or build kube-apiserver, etcd, kubectl, Prometheus and Helm
	@$(RUN) -m churn_devcluster bootstrap

.PHONY: demo
demo: environment ## The whole story on this machine (DATA=file.csv, SHORT=1, JSON=1, KEEP=1)
	@$(RUN) -m churn_devcluster demo $(if $(DATA),--data "$(DATA)") $(if $(SHORT),--short) $(if $(JSON),--json) $(if $(KEEP),--keep)

.PHONY: browser
browser: ## Find Chromium, or install Debian's when that is possible
	@command -v chromium chromium-browser google-chrome > /dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && echo "Installing Chromium" && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium > /dev/null; } || \
	{ echo "The tests drive a browser and there is none: install Chromium."; exit 1; }

.PHONY: test
test: environment binaries browser ## All tests, real parts included
	@$(RUN) -m tests.integration.go_sources
	@$(BIN)/pytest tests -n 2 --dist loadscope --no-loadscope-reorder

.PHONY: test-unit
test-unit: environment ## Pure tests only, and of those the quick ones
	@HYPOTHESIS_PROFILE=quick $(BIN)/pytest tests/unit -q -n 2 --dist worksteal -m "not slow"

.PHONY: check
check: environment ## Format, lint, types, import rules, generated files
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports > .tools/lint-imports.log || { cat .tools/lint-imports.log; exit 1; }
	@$(RUN) -m churn_operator.api.crd --check
	@$(RUN) -m churn_operator.api.crd --check --directory deploy/crds
	@$(RUN) -m churn_trainer compile-pipeline --check operator/churn_operator/pipelines/churn-training.yaml
	@$(RUN) -m deploy --check
	@$(RUN) -m documentation --check

.PHONY: generate
generate: environment ## Write the files that are made from code
	@$(RUN) -m churn_operator.api.crd
	@$(RUN) -m churn_operator.api.crd --directory deploy/crds
	@$(RUN) -m churn_trainer compile-pipeline operator/churn_operator/pipelines/churn-training.yaml
	@$(RUN) -m deploy
	@$(RUN) -m documentation

.PHONY: format
format: environment ## Format and fix what can be fixed
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

.PHONY: docs
docs: environment ## Build the documentation site into dist/site
	@$(BIN)/mkdocs build --strict --quiet --site-dir dist/site

.PHONY: images
images: ## Build the images with buildah (BASE=…@sha256:…, REGISTRY=…, TARGETS="operator webapp")
	@deploy/images/build $(TARGETS)

.PHONY: sbom
sbom: $(UV) ## Write a bill of materials for each image into dist/sbom
	@deploy/images/sbom

.PHONY: bench
bench: environment binaries ## Measure against the targets (see bench/README.md)
	@$(RUN) -m bench

.PHONY: clean
clean: ## Remove everything that was made here; the cache of built binaries stays
	@rm -rf .venv .tools .work .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
