#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# setup.sh          installs what is missing: Debian packages, then .venv and the Python packages of pyproject.toml
# setup.sh --tests  the same, and the browser and the display of the tests, where that is possible
# setup.sh DIR      makes DIR instead of .venv, with what running needs and no more
# Says what it does; a second run finds everything there, does nothing and needs no network.
set -eu
cd "$(dirname "$0")/.."

FOR_TESTS=
[ "${1:-}" != --tests ] || { FOR_TESTS=yes && shift; }
VENV=${1:-.venv}
GROUPS_WANTED="core radio web evaluate"
[ $# -gt 0 ] || GROUPS_WANTED="$GROUPS_WANTED train cluster docs dev"
STAMP=$VENV/.resivid-setup
# The CPU build of torch is much smaller than the one with CUDA. pip takes it from wherever it is configured to
# look; if that has none, from PyTorch's own index of CPU builds.
TORCH_CPU="torch==2.13.0+cpu"
TORCH_CPU_INDEX="https://download.pytorch.org/whl/cpu"

say() { echo "setup: $*"; }

missing_packages() {
    for package in $(cat "$1"); do
        state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || state=
        [ "$state" = "install ok installed" ] || printf '%s ' "$package"
    done
}

# sets as_root to what runs a command as root, or fails
find_root() {
    if [ "$(id -u)" = 0 ]; then
        as_root=env
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        as_root="sudo env"
    else
        return 1
    fi
}

update_lists() { $as_root apt-get update -qq || say "apt-get update failed; trying with the lists that are there"; }

apt_install() {
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

install_debian_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system; make sure these are installed: $(tr '\n' ' ' <scripts/debian-packages.txt)"
        return
    fi
    missing=$(missing_packages scripts/debian-packages.txt)
    [ -n "$missing" ] || return 0
    if ! find_root; then
        echo "setup: packages are missing; as root, run:" >&2
        echo "apt-get update && apt-get install -y --no-install-recommends $missing" >&2
        exit 2
    fi
    say "installing Debian packages: $missing"
    update_lists
    # shellcheck disable=SC2086 # one word a package
    apt_install $missing
}

# Tests that miss one of these are skipped.
install_test_packages() {
    command -v dpkg-query >/dev/null || return 0
    missing=$(missing_packages scripts/debian-test-packages.txt)
    [ -n "$missing" ] || return 0
    find_root || { say "tests are skipped without $missing"; return; }
    say "installing for the tests: $missing"
    update_lists
    for package in $missing; do
        apt_install "$package" || say "no $package: its tests are skipped"
    done
}

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; }

torch_build() { if has_nvidia_gpu; then echo cuda; else echo cpu; fi; }

requirements() { "$VENV/bin/python" scripts/requirements.py "$@"; }

wanted_stamp() {
    { requirements $GROUPS_WANTED reference; torch_build; cat scripts/setup.sh; } | sha256sum
}

pip_install() { "$VENV/bin/python" -m pip install --disable-pip-version-check -qq "$@" </dev/null; }

install_torch() {
    if [ "$(torch_build)" = cuda ]; then
        say "installing torch for the NVIDIA GPU"
        pip_install "$(requirements core | grep '^torch')"
        return
    fi
    say "installing torch (CPU build)"
    pip_install "$TORCH_CPU" 2>/dev/null && return
    pip_install "$TORCH_CPU" --extra-index-url "$TORCH_CPU_INDEX" --retries 1 --timeout 20 2>/dev/null && return
    say "no CPU build within reach; taking the plain one, which is large"
    pip_install "$(requirements core | grep '^torch')"
}

# Its build imports the NumPy that is installed, so it cannot be built in isolation.
install_reference() {
    pip_install wheel setuptools
    requirements reference >"$list"
    pip_install --no-build-isolation -r "$list"
}

install_python_packages() {
    if [ ! -x "$VENV/bin/python" ] || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        mkdir -p "$(dirname "$VENV")"
        say "making $VENV from /usr/bin/python3, with the system's packages"
        rm -rf "$VENV"
        /usr/bin/python3 -m venv --system-site-packages "$VENV"
    fi
    [ "$(cat "$STAMP" 2>/dev/null)" = "$(wanted_stamp)" ] && return
    list=$VENV/requirements.txt
    # shellcheck disable=SC2086 # one word a group
    requirements $GROUPS_WANTED >"$list"
    pip_install "$(requirements core | grep '^numpy')"
    install_torch
    say "installing Python packages"
    pip_install -r "$list"
    [ $# -gt 0 ] || install_reference
    wanted_stamp >"$STAMP"
}

[ $# -gt 0 ] || install_debian_packages
[ -z "$FOR_TESTS" ] || install_test_packages
install_python_packages "$@"
say "everything is in place"
