# SPDX-License-Identifier: GPL-3.0-or-later
# Two words for a newcomer: `make demo`, `make test`. Thin: it calls setup.sh, cmake, pytest and resivid. `make` alone only
# lists what there is: a build would first install packages.

VENV := .venv
PYTHON := $(CURDIR)/$(VENV)/bin/python
BUILD := build
JOBS ?= $(shell n=$$(env -u OMP_NUM_THREADS nproc); [ $$n -gt 4 ] && echo 4 || echo $$n)
SOURCES := python tests apps scripts
SANITIZE := address,undefined,float-cast-overflow

.PHONY: help demo test sanitize docs deb check-deb wheel check-wheel coverage setup build install lint format clean

help:
	@echo "make demo   install what is missing, build, send the bundled clip over a noisy channel; result in out/"
	@echo "make install   the same without the clip: into $(VENV), then . $(VENV)/bin/activate"
	@echo "make test   run every test"
	@echo "make sanitize   the C++ tests and the fuzz harness under AddressSanitizer and UBSan"
	@echo "make docs   the documentation site in build/site"
	@echo "make deb   the Debian package; make check-deb installs it into a fresh root (needs root, debootstrap)"
	@echo "make wheel   the parts without GNU Radio for pip; make check-wheel installs it into an empty environment"
	@echo "make coverage   lines that the tests run, Python and C++; TESTS=... for some of them"
	@echo "make setup | build | lint | format | clean"

test coverage: SETUP := --tests
setup:
	@scripts/setup.sh $(SETUP)

build: setup
	@echo "build: compiling the module in $(BUILD)/"
	@[ -f $(BUILD)/CMakeCache.txt ] || cmake -S . -B $(BUILD) -DPython3_EXECUTABLE=$(PYTHON) -DBUILD_TESTING=OFF >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- --no-print-directory

install: build
	@echo "install: into $(VENV)/"
	@cmake --install $(BUILD) --prefix $(VENV) >/dev/null

demo: install
	@mkdir -p out
	@echo "demo: sending apps/demo/clip.mp4 over AWGN at 6 dB, 2,359 symbols a second"
	@$(VENV)/bin/resivid simulate apps/demo/clip.mp4 -o out/demo.mp4 --snr 6 --cbr 4e-4 --stride 8 --gop 32 \
		--json out/demo.json --report out/demo.html --side-by-side
	@echo "demo: out/demo.mp4 (original beside received), out/demo.json, out/demo.html"
	@echo "demo: . $(VENV)/bin/activate makes resivid a command of this terminal"

test: install
	@echo "test: C++"
	@cmake -S . -B $(BUILD) -DBUILD_TESTING=ON >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) -- --no-print-directory
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

# The Debian package is for the distribution's Python.
deb: setup
	@echo "deb: building the package in $(BUILD)/deb"
	@cmake -S . -B $(BUILD)/deb -DPython3_EXECUTABLE=/usr/bin/python3 -DRESIVID_MANUAL_PYTHON=$(PYTHON) \
		-DCMAKE_INSTALL_PREFIX=/usr -DGR_PYTHON_DIR=lib/python3/dist-packages \
		-DRESIVID_LIB_DIR=lib/$$(dpkg-architecture -qDEB_HOST_MULTIARCH) -DRESIVID_DEBIAN=ON -DBUILD_TESTING=OFF >/dev/null
	@cmake --build $(BUILD)/deb -j $(JOBS) -- --no-print-directory
	@rm -f $(BUILD)/deb/*.deb
	@cd $(BUILD)/deb && cpack >/dev/null && ls $(CURDIR)/$(BUILD)/deb/*.deb

check-deb: deb
	@scripts/check_deb.sh $(BUILD)/deb/*.deb $(SHOWN)

# What needs no GNU Radio: pip install dist/*.whl
wheel: setup
	@rm -f dist/*.whl
	@$(PYTHON) -m pip wheel -q --no-deps -w dist .

check-wheel: wheel
	@scripts/check_wheel.sh dist/*.whl

# Lines that the tests run: a build with counters, installed into an environment that shares the packages of .venv.
coverage: setup
	@scripts/coverage.sh $(PYTHON) $(BUILD)/coverage $(JOBS) $(TESTS)

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
