# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' integration/__init__.py)

BUILD = SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m build --no-isolation
# What the Dockerfile's Debian has: its Python, and a glibc that these wheels run on.
IMAGE_PYTHON := 3.13
IMAGE_PLATFORMS := manylinux_2_28 manylinux_2_17 manylinux2014 linux

.PHONY: setup demo check test test-long test-repetitions test-mutation test-shippers test-browser test-docker test-image golden screenshot pipeline fuzz lint format build image image-context lock sbom audit clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml integration/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 setup" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/detect demo

# Compiled modules are kept: tests start `detect` anew a hundred times, and each worker reads every test.
check test test-repetitions: export PYTHONDONTWRITEBYTECODE =

# One worker per CPU, or WORKERS of them. All that one server is tested by stays in one of them.
WORKERS ?= auto
PARALLEL = --numprocesses $(WORKERS) --dist loadscope

# What to run after every change: no network, no Java, no npm and no node.
check: lint
	$(BIN)/python -m pytest -m 'not (browser or cluster or docker or tools or long)' --hypothesis-profile check $(PARALLEL)

# Every kind of test that needs no Docker engine, on real nodes too; the first run fetches the nodes through Maven.
test: setup
	$(BIN)/python -m pytest -m 'not (browser or docker or long or shippers)' --hypothesis-profile check $(PARALLEL)

# What `make test` tries on a few of many lines, faults and sizes, on the rest of them; four times as many drawn examples; then
# older OpenSearch versions, on what depends on the server most.
OLDER = opensearch:3.4.0,opensearch:2.19.6
OLDER_TESTS = $(addprefix tests/cluster/test_,pipeline_on_nodes.py agreement.py lifecycle.py alerting.py)
test-repetitions: setup
	$(BIN)/python -m pytest -m '(long or hypothesis and not cluster) and not docker' $(PARALLEL)
	DETECT_TEST_ENGINES=$(OLDER) $(BIN)/python -m pytest -m 'cluster and not long' $(PARALLEL) $(OLDER_TESTS)

# All that takes long: those repetitions, and whether the quick tests notice small changes.
test-long: test-repetitions test-mutation

# Small changes to the reference, the renderers and the bodies of targets, each of which a quick test must notice: all to the
# reference, and about one in five to the rest, by the last digit of their numbers. MUTANTS=* tries every one.
MUTANTS ?= integration.evaluation.reference.* *[16]
test-mutation: setup
	rm -rf mutants
	mkdir -p build
	$(BIN)/mutmut run $(patsubst %,'%',$(MUTANTS)) > build/mutation.log || { tail -n 40 build/mutation.log; exit 1; }
	$(BIN)/python -m tests.mutation

# Shippers from Debian's packages, by the configurations of docs/shipping; nothing is installed. They need apt-get.
test-shippers: setup
	$(BIN)/python -m pytest -m shippers $(PARALLEL)

# Pages of `--format html` in headless Chromium. They need it, with its driver: apt-get install chromium chromium-driver.
test-browser: setup
	$(BIN)/python -m pytest -m browser tests/browser

# The picture of such a page in docs/images, taken anew.
screenshot: setup
	$(BIN)/python -m tests.browser

# Tests in containers: of the official image, or of the one that DETECT_TEST_IMAGE names. They need a Docker engine and Compose.
TESTS ?= tests/docker
test-docker: setup
	$(BIN)/python -m pytest -m docker $(TESTS)

# That image from Debian and Maven Central, where the official one cannot be pulled; prints its name.
test-image: setup
	$(BIN)/python -m tests.support.docker.image

# The rendered bodies under tests/golden, written anew after a change that is meant.
golden: setup
	$(BIN)/python -m tests.golden

# The expressions and tables that the ingest pipeline shares with Python, written into it.
pipeline: setup
	$(BIN)/python -m integration.log.pipeline

# Lines led by coverage, until one breaks a check (it is written to build/fuzz) or the runs are done.
RUNS ?= 1000000
fuzz: setup
	mkdir -p build/fuzz/corpus
	$(BIN)/python -m tests.support.fuzz -runs=$(RUNS) -max_len=4096 -artifact_prefix=build/fuzz/ build/fuzz/corpus

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The wheel and the sdist: the same bytes from the same commit, whoever builds them.
build: setup
	rm -rf dist
	$(BUILD)

# The container image of the command. Its wheels are fetched here, so that this machine's pip settings apply (proxy, CA).
# NETWORK=host where a container has no way out of its own to Debian's packages.
CONTEXT ?= build/image
IMAGE ?= ollama-detect:$(VERSION)
image: image-context
	docker build $(if $(NETWORK),--network $(NETWORK)) --tag $(IMAGE) $(CONTEXT)

image-context: setup
	rm -rf $(CONTEXT)
	mkdir -p $(CONTEXT)/wheels
	cp Dockerfile requirements.lock $(CONTEXT)
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --only-binary :all: --dest $(CONTEXT)/wheels \
		--python-version $(IMAGE_PYTHON) $(IMAGE_PLATFORMS:%=--platform %_$(shell uname -m)) --requirement requirements.lock
	$(BUILD) --wheel --outdir $(CONTEXT)/release

$(VENV)/.release: setup
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	touch $@

# The pinned versions of all that `detect` needs, with hashes, for every platform.
lock: $(VENV)/.release
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE) pyproject.toml --output-file requirements.lock

# What is in it (CycloneDX): the wheel and the locked versions, as installed.
sbom: build $(VENV)/.release
	rm -rf build/sbom
	$(PYTHON) -m venv --without-pip build/sbom
	$(BIN)/python -m pip --python build/sbom install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip --python build/sbom install --quiet --no-deps dist/*.whl
	sed 's/^dynamic = \["version"\]/version = "$(VERSION)"/' pyproject.toml > build/sbom.toml
	$(BIN)/cyclonedx-py environment build/sbom --pyproject build/sbom.toml --output-reproducible --output-file dist/sbom.cdx.json

# Known vulnerabilities in the locked versions; fails also where the advisories cannot be had.
audit: $(VENV)/.release
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants
