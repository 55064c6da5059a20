# `make` alone tells what there is. Each target installs what it needs and lacks.

SWIFT ?= swift
# Without testable imports, tests and command share their modules: nothing is compiled twice.
RELEASE = --configuration release --disable-testable-imports
SOURCES = Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/KerfBenchmarks

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: build  ## Convert the sample model, or MODEL=path, and show what it cost
	@scripts/demo "$$MODEL"

build:  ## Build the command: .build/release/kerf
	@scripts/install-dependencies build
	$(SWIFT) build --configuration release --product kerf

test: test-swift test-interop test-symbols  ## Run every test
	@echo "All passed: Swift tests, interop tests, symbol check."

test-swift: build  ## Run the Swift tests
	$(SWIFT) test $(RELEASE)

test-interop: build  ## Hold the command against the public readers
	@scripts/fetch-model >/dev/null
	"$$(scripts/python-environment)" -m pytest Tests/Interop

test-symbols: build  ## Check that vector code stays in its modules
	@scripts/install-dependencies binutils
	scripts/check-symbols .build/release/kerf

loaders: build  ## Load every layout with the runtimes' own code; installs them, some gigabytes
	"$$(scripts/loader-environment)" Tests/Loaders/loaders.py \
	  --page docs/layouts.md .build/release/kerf "$$(dirname "$$(scripts/fetch-model)")" $(LAYOUT)

format:  ## Format the Swift sources in place
	$(SWIFT) format --in-place --recursive --parallel $(SOURCES)

lint:  ## Check the format and the documentation of the Swift sources
	$(SWIFT) format lint --strict --recursive --parallel $(SOURCES)

bench:  ## Measure beside the peers and write docs/performance.md; BENCH=--quick for a first look
	@scripts/install-dependencies build python
	Benchmarks/run $(BENCH)

docs:  ## Build the library's documentation: .build/docs
	@scripts/build-docs .build/docs

clean:  ## Delete what was built and fetched
	rm -rf .build .cache Benchmarks/.build

.PHONY: help demo build test test-swift test-interop test-symbols loaders format lint bench docs clean
