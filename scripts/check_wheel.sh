#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# check_wheel.sh WHEEL: installs it into an empty environment without GNU Radio and sends a clip through codec and models.
set -eu
# what the caller has set for this program and for Python is not there on a new machine
for name in $(env | sed -n 's/^\(RESIVID_[A-Z_]*\|PYTHON[A-Z_]*\|GR[CB]*_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
wheel=$(readlink -f "$1")
clip=$(readlink -f "$(dirname "$0")/../apps/demo/clip.mp4")
work=$(mktemp -d -t gr-resivid-wheel.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

/usr/bin/python3 -m venv environment
# The CPU build of torch is much smaller; the plain one where there is none.
environment/bin/python -m pip install -q "torch==2.13.0+cpu" 2>/dev/null ||
    environment/bin/python -m pip install -q torch --extra-index-url https://download.pytorch.org/whl/cpu
environment/bin/python -m pip install -q "$wheel"
environment/bin/python - <<'END'
import importlib.util

assert importlib.util.find_spec("gnuradio.gr") is None, "there is a GNU Radio in here"
from gnuradio.resivid.codec import offline, registry
from gnuradio.resivid.evaluate import metrics
from gnuradio.resivid.models import registry as models

print("wheel: codec, models and evaluation are imported; codecs:", *registry.CODECS)
END
environment/bin/resivid doctor
environment/bin/resivid encode "$clip" a.rvt --snr 6
environment/bin/resivid info a.rvt
environment/bin/resivid decode a.rvt -o a.mp4
[ -s a.mp4 ]
if environment/bin/resivid simulate "$clip" -o b.mp4 2>error; then exit 1; fi
[ "$(wc -l <error)" = 1 ] && sed 's/^/wheel: without GNU Radio: /' error
echo "wheel: a clip was encoded and decoded"
