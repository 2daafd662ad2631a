#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures networks, codec and speed, and renews the tables of docs/models: scripts/model_tables.sh FOLDER [PART...]
# FOLDER holds clips; PART is any of tokenizer, interpolator, memory, pipeline (all by default).
# WEIGHTS=FILE: other tokenizer weights; CLIPS=N: the first N clips only; THREADS=N: of each network, for pipeline.
set -eu

if [ $# -lt 1 ]; then
	echo "use: scripts/model_tables.sh FOLDER [tokenizer|interpolator|memory|pipeline]..." >&2
	exit 2
fi
folder=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
resivid=${RESIVID:-$root/.venv/bin/resivid}
out=$root/out
mkdir -p "$out"

for part in "${@:-all}"; do
	case $part in
	all | tokenizer | interpolator | memory | pipeline) ;;
	*) echo "model_tables.sh: no part $part" >&2 && exit 2 ;;
	esac
done

wanted() {
	[ $# -eq 1 ] && return 0 # no parts were named
	name=$1
	shift
	for part; do
		[ "$part" = "$name" ] && return 0
	done
	return 1
}

measure() { # page, command...
	page=$1
	shift
	echo "model_tables.sh: resivid $*" >&2
	"$resivid" "$@" ${WEIGHTS:+--tokenizer-weights "$WEIGHTS"} --json "$out/$page.json" --page "$root/docs/models/$page.md" -q
}

wanted tokenizer "$@" && measure tokenizer evaluate tokenizer "$folder" ${CLIPS:+--clips "$CLIPS"} --sheet "$out/tokenizer.png"
wanted interpolator "$@" && measure interpolator evaluate interpolator "$folder" ${CLIPS:+--clips "$CLIPS"}
wanted memory "$@" && measure memory evaluate memory "$folder" ${CLIPS:+--clips "$CLIPS"} --repeats 2
wanted pipeline "$@" && measure pipeline bench pipeline --stride 4 --codec closed_loop ${THREADS:+--threads "$THREADS"}
true
