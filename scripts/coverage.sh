#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# coverage.sh PYTHON BUILD JOBS [TEST...]: builds with line counters, runs the tests, reports lines of Python and C++.
set -eu
python=$1
build=$2
jobs=$3
shift 3
[ $# -gt 0 ] || set -- tests
prefix=$(readlink -f "$(dirname "$0")/..")/$build/prefix
site=$prefix/lib/$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')/site-packages

echo "coverage: building with counters in $build"
cmake -S . -B "$build" -DPython3_EXECUTABLE="$python" -DCMAKE_BUILD_TYPE=Coverage \
    -DCMAKE_CXX_FLAGS="-O1 -g --coverage -fprofile-update=atomic" >/dev/null
cmake --build "$build" -j "$jobs" -- --no-print-directory
cmake --install "$build" --prefix "$prefix" >/dev/null
find "$build" -name '*.gcda' -delete
find "$build/CMakeFiles" -path '*CompilerId*' -name '*.gcno' -delete # its source is gone, and gcovr stops at that
rm -f .coverage .coverage.*

echo "coverage: tests"
# a failing test is told by make test; here its lines count all the same
[ -n "${ONLY_PYTHON:-}" ] || ctest --test-dir "$build" -j "$jobs" || true
PYTHONPATH=$site OMP_NUM_THREADS=1 "$python" -m coverage run -m pytest -q -p no:cacheprovider "$@" </dev/null || true
mkdir -p "$build/report"
PYTHONPATH=$site "$python" -m coverage combine -q
PYTHONPATH=$site "$python" -m coverage report --format=total | sed 's/^/coverage: Python lines, %: /'
PYTHONPATH=$site "$python" -m coverage report >"$build/report/python.txt"
"$python" -m gcovr -r . --filter lib/ --filter python/resivid/bindings/ --object-directory "$build" \
    --exclude-unreachable-branches --print-summary --txt "$build/report/cpp.txt" | grep '^lines' | sed 's/^/coverage: C++ /'
echo "coverage: file by file in $build/report"
