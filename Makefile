# SPDX-License-Identifier: GPL-3.0-or-later
# Two words for a newcomer: `make demo`, `make test`. Thin: it calls setup.sh, cmake, pytest and resivid.

VENV := .venv
PYTHON := $(CURDIR)/$(VENV)/bin/python
BUILD := build
JOBS ?= $(shell n=$$(nproc); [ $$n -gt 4 ] && echo 4 || echo $$n)
SOURCES := python tests apps scripts
SANITIZE := address,undefined,float-cast-overflow

.PHONY: help demo test sanitize setup build install docs lint format clean

help:
	@echo "make demo   send the bundled clip over a noisy channel; result in out/"
	@echo "make test   run every test"
	@echo "make sanitize   the C++ tests and the fuzz harness under AddressSanitizer and UBSan"
	@echo "make docs   the documentation site in build/site"
	@echo "make setup | build | install | lint | format | clean"

setup:
	@scripts/setup.sh

build: setup
	@echo "build: compiling the module in $(BUILD)/"
	@[ -f $(BUILD)/CMakeCache.txt ] || cmake -S . -B $(BUILD) -DPython3_EXECUTABLE=$(PYTHON) >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- --no-print-directory

install: build
	@echo "install: into $(VENV)/"
	@cmake --install $(BUILD) --prefix $(VENV) >/dev/null

demo: install
	@mkdir -p out
	@echo "demo: sending apps/demo/clip.mp4 over AWGN at 6 dB, 2,360 symbols a second"
	@$(VENV)/bin/resivid simulate apps/demo/clip.mp4 -o out/demo.mp4 --snr 6 --cbr 4e-4 --stride 8 --gop 32 \
		--json out/demo.json --report out/demo.html --side-by-side
	@echo "demo: out/demo.mp4 (original beside received), out/demo.json, out/demo.html"

test: install
	@echo "test: C++"
	@ctest --test-dir $(BUILD) --output-on-failure
	@echo "test: GRC flowgraphs"
	@scripts/compile_flowgraphs.sh $(VENV)/bin/grcc $(BUILD)/flowgraphs
	@echo "test: Python, $(JOBS) workers"
	@OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n $(JOBS) --dist loadfile tests </dev/null

# Any build type but the known ones leaves the flags to us.
sanitize: setup
	@echo "sanitize: compiling lib/phy and tests/cpp in $(BUILD)/sanitize"
	@cmake -S . -B $(BUILD)/sanitize -DPython3_EXECUTABLE=$(PYTHON) -DCMAKE_BUILD_TYPE=Sanitize \
		-DCMAKE_CXX_FLAGS="-O1 -g -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS \
		-fsanitize=$(SANITIZE) -fno-sanitize-recover=all" >/dev/null
	@cmake --build $(BUILD)/sanitize -j $(JOBS) --target cpp_tests -- --no-print-directory
	@RESIVID_FUZZ_RUNS=10000 ctest --test-dir $(BUILD)/sanitize --output-on-failure -j $(JOBS)

docs: setup
	@mkdir -p $(BUILD)
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict >$(BUILD)/docs.log 2>&1 \
		|| { grep -v '^INFO' $(BUILD)/docs.log >&2; exit 1; }
	@echo "docs: open $(BUILD)/site/index.html"

lint: setup
	@$(PYTHON) -m ruff check $(SOURCES)
	@$(PYTHON) -m ruff format --check $(SOURCES)
	@$(PYTHON) -m mypy
	@$(VENV)/bin/clang-format --dry-run --Werror $$(git ls-files '*.h' '*.cc')

format: setup
	@$(PYTHON) -m ruff check --fix $(SOURCES)
	@$(PYTHON) -m ruff format $(SOURCES)
	@$(VENV)/bin/clang-format -i $$(git ls-files '*.h' '*.cc')

clean:
	rm -rf $(BUILD) out
