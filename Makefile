# VectorStore: every target works from a fresh clone on Debian or Ubuntu with Swift >= 6.2.
#
# build, demo and bench share the release build in .build; test and soak share the one in
# .build-test, whose modules are compiled for testing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SWIFT ?= swift
# Extra arguments of swift build and swift test, such as SWIFT_ARGS="-j 2".
SWIFT_ARGS ?=
# A directory of data sets, each in a directory of its own name.
VS_DATA ?=
# Where the WordNet vectors lie; `make bench` leaves them out when there are none.
WORDNET ?= $(if $(VS_DATA),$(wildcard $(VS_DATA)/wordnet))
# The Python that has the peers' libraries; without it `make bench-peers` makes one.
PEER_PYTHON ?=
# A large data set with its truth, for bench-large and bench-build.
DATA ?=
# Where `make bench` writes its results.
BENCH_OUT ?= bench-report

SOURCES := Sources Tests Package.swift
TEST_ARGS := -c release -Xswiftc -enable-testing --scratch-path .build-test \
	--explicit-target-dependency-import-check error $(SWIFT_ARGS)

.PHONY: help deps toolchain build demo demo-chat lint test soak fuzz kernel-guards kernel-guards-arm tsan \
	api-check mutants bench bench-load \
	bench-peers bench-flat bench-protection bench-stream bench-drift bench-large bench-build bench-pgvector bench-wire format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install the apt packages that are missing
	@scripts/deps.sh

toolchain:
	@SWIFT="$(SWIFT)" scripts/toolchain.sh

build: deps toolchain ## Build vector-server and vector-bench in release
	$(SWIFT) build -c release $(SWIFT_ARGS) --product vector-server
	$(SWIFT) build -c release $(SWIFT_ARGS) --product vector-bench

demo: build ## Import the lectures, serve them, ask questions, check the answers
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" scripts/demo.sh

demo-chat: build ## The same with metadata in a Postgres of its own
	@scripts/deps.sh postgresql
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" scripts/demo-chat.sh

lint: toolchain ## Check the layout of the sources
	$(SWIFT) format lint --strict -r $(SOURCES)

test: deps lint kernel-guards ## Run all tests
	@scripts/deps.sh libhdf5-dev openssl pgbouncer postgresql python3 python3-venv valgrind
	@scripts/python.sh >/dev/null
	$(SWIFT) build --build-tests $(TEST_ARGS)
	"$$($(SWIFT) build $(TEST_ARGS) --show-bin-path)/vector-bench" instructions \
		--expect fixtures/instructions.json
	VS_HAS_HDF5=1 $(SWIFT) test --skip-build $(TEST_ARGS)

soak: deps toolchain kernel-guards kernel-guards-arm ## Run the durability, Postgres and server tests in their big tier
	@scripts/deps.sh openssl pgbouncer postgresql
	VS_TIER=soak $(SWIFT) test $(TEST_ARGS) --filter 'DurabilityTests|FuzzTests'
	VS_TIER=soak $(SWIFT) test $(TEST_ARGS) --filter 'PostgresPoolTests|OperationsTests'
	VS_TIER=soak $(SWIFT) test $(TEST_ARGS) --filter VectorServiceTests
	$(MAKE) api-check

api-check: build ## Hold a running server against its OpenAPI description
	@scripts/deps.sh python3 python3-venv
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" scripts/api-check.sh

fuzz: deps toolchain ## Fuzz every reader of untrusted bytes (SECONDS=60 each)
	scripts/fuzz.sh $(or $(SECONDS),60)

kernel-guards: toolchain ## Run the C kernels under sanitizers, against untouchable pages
	scripts/kernel-guards.sh

kernel-guards-arm: toolchain ## Run the NEON kernels in an emulator, against untouchable pages
	@scripts/deps.sh qemu-user libc6-dev-arm64-cross libgcc-12-dev-arm64-cross
	scripts/kernel-guards.sh arm

tsan: deps toolchain ## Run the durability tests under the thread sanitizer
	scripts/tsan.sh

mutants: deps toolchain ## Break the engine on purpose and expect the durability tests to notice
	scripts/mutants.sh

bench: build ## Measure everything twice, say how far it agrees, draw (WORDNET=DIR or VS_DATA=DIR)
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		OUT="$(BENCH_OUT)" WORDNET="$(WORDNET)" scripts/bench.sh

bench-load: build ## Check the load generator: another client, 1,000 connections, a killed server
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		scripts/load_check.sh clients thousand kill

bench-peers: build ## Measure FAISS and hnswlib on WordNet with the same reader, truth and clock
	@test -d "$(WORDNET)" || { echo "bench-peers: give WORDNET=DIR or VS_DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		OUT="$(BENCH_OUT)" WORDNET="$(WORDNET)" PEER_PYTHON="$(PEER_PYTHON)" scripts/bench-peers.sh

bench-flat: build ## Hold searches of one partition against FAISS IndexFlatIP (WORDNET=DIR)
	@test -d "$(WORDNET)" || { echo "bench-flat: give WORDNET=DIR or VS_DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		OUT="$(BENCH_OUT)" WORDNET="$(WORDNET)" PEER_PYTHON="$(PEER_PYTHON)" scripts/bench-flat.sh

bench-protection: build ## Measure what checks of blocks, pages and rows cost (WORDNET=DIR)
	@test -d "$(WORDNET)" || { echo "bench-protection: give WORDNET=DIR or VS_DATA=DIR" >&2; exit 1; }
	@WORDNET="$(WORDNET)" scripts/protection-cost.sh

bench-stream: build ## Hold the scan of codes against the rate at which memory can be read
	@"$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)/vector-bench" stream --least 70

bench-drift: build ## Change the rows under an index and measure recall, time and the cure
	@"$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)/vector-bench" drift

bench-large: build ## Measure a large data set beside hnswlib and FAISS (DATA=DIR PEER_PYTHON=FILE)
	@test -d "$(DATA)" || { echo "bench-large: give DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		OUT="$(BENCH_OUT)" DATA="$(DATA)" PEER_PYTHON="$(PEER_PYTHON)" scripts/bench-large.sh

bench-build: build ## Measure build time and memory against rows, import beside the disk (DATA=DIR)
	@test -d "$(DATA)" || { echo "bench-build: give DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)" \
		OUT="$(BENCH_OUT)" DATA="$(DATA)" scripts/bench-build.sh

bench-pgvector: build ## Compare with pgvector in one run (WORDNET=DIR, with base.f16bin)
	@test -d "$(WORDNET)" || { echo "bench-pgvector: give WORDNET=DIR or VS_DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)"; \
	data="$$(mktemp -d)"; trap 'rm -rf "$$data"' EXIT; cp "$(WORDNET)"/*bin "$$data"; \
	"$$BIN/vector-bench" expand --in "$$data/base.f16bin" --out "$$data/base.fbin"; \
	BIN="$$BIN" DATA="$$data" scripts/bench-pgvector.sh

bench-wire: build ## What the wire costs, beside an echo server and pgvector (WORDNET=DIR)
	@test -d "$(WORDNET)" || { echo "bench-wire: give WORDNET=DIR or VS_DATA=DIR" >&2; exit 1; }
	@BIN="$$($(SWIFT) build -c release $(SWIFT_ARGS) --show-bin-path)"; \
	data="$$(mktemp -d)"; trap 'rm -rf "$$data"' EXIT; cp "$(WORDNET)"/*bin "$$data"; \
	"$$BIN/vector-bench" expand --in "$$data/base.f16bin" --out "$$data/base.fbin"; \
	BIN="$$BIN" DATA="$$data" scripts/bench-wire.sh

format: toolchain ## Lay the sources out
	$(SWIFT) format -i -r $(SOURCES)

clean: ## Remove everything that was built
	rm -rf .build .build-test .build-tsan .build-fuzz .build-readme .build-python bench-report
