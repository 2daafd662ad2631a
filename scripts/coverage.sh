#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# coverage.sh PYTHON BUILD JOBS [TEST...]: builds with line counters, runs the tests, reports lines of Python and C++.
set -eu
packages=$("$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
build=$2
jobs=$3
here=$(readlink -f "$(dirname "$0")")
prefix=$(readlink -f "$here/..")/$build/environment
python=$prefix/bin/python
[ -x "$python" ] || "$1" -m venv --system-site-packages --without-pip "$prefix"
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import site; site.addsitedir('$packages')" >"$site/packages.pth"
cp "$here/trace_blocks.py" "$site/"
shift 3
[ $# -gt 0 ] || set -- tests

echo "coverage: building with counters in $build"
cmake -S . -B "$build" -DPython3_EXECUTABLE="$python" -DCMAKE_BUILD_TYPE=Coverage \
    -DCMAKE_CXX_FLAGS="-O1 -g --coverage -fprofile-update=atomic" >/dev/null
cmake --build "$build" -j "$jobs" -- --no-print-directory
cmake --install "$build" --prefix "$prefix" >/dev/null
find "$build" -name '*.gcda' -delete
find "$build/CMakeFiles" -path '*CompilerId*' -name '*.gcno' -delete # its source is gone, and gcovr stops at that
export COVERAGE_FILE="${prefix%/*}/lines"
rm -f "$COVERAGE_FILE"*

echo "coverage: tests"
# a failing test is told by make test; here its lines count all the same
[ -n "${ONLY_PYTHON:-}" ] || ctest --test-dir "$build" -j "$jobs" || true
# Each process has its share of the files and ends in its own time: workers of pytest-xdist are killed where that takes
# long, and their counters are lost. A shell has its background jobs ignore SIGINT, which tests send.
files=$(for test in "$@"; do case $test in *::*) echo "$test" ;; *) find "$test" -name 'test_*.py' | sort ;; esac; done)
for job in $(seq "$jobs"); do
    share=$(echo "$files" | awk -v job="$job" -v jobs="$jobs" 'NR % jobs == job % jobs')
    # shellcheck disable=SC2086 # one word a file
    [ -z "$share" ] ||
        OMP_NUM_THREADS=1 env --default-signal=INT "$python" -m coverage run -m pytest -q -p no:cacheprovider $share </dev/null || true &
done
wait
mkdir -p "$build/report"
"$python" -m coverage combine -q
"$python" -m coverage report --format=total | sed 's/^/coverage: Python lines, %: /'
"$python" -m coverage report >"$build/report/python.txt"
# Inner loops run more than 2^32 times, which gcovr would take for a fault of gcov.
"$python" -m gcovr -r . --filter lib/ --filter python/resivid/bindings/ --object-directory "$build" \
    --gcov-suspicious-hits-threshold 0 --exclude-unreachable-branches --print-summary \
    --txt "$build/report/cpp.txt" >"$build/report/summary.txt"
grep '^lines' "$build/report/summary.txt" | sed 's/^/coverage: C++ /'
echo "coverage: file by file in $build/report"
