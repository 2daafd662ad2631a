#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Measures networks, codec and speed, and renews the tables of docs/models: scripts/model_tables.sh FOLDER [PART...]
# FOLDER holds clips; PART is any of tokenizer, interpolator, memory, pipeline (all by default).
# WEIGHTS=FILE: other tokenizer weights; THREADS=N: of each network, for pipeline.
# CLIPS=N: a trial with the first N clips, whose tables go into copies of the pages in out/.
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
	target=$root/docs/models/$page.md
	if [ -n "${CLIPS:-}" ]; then
		cp "$target" "$out/" && target=$out/$page.md
	fi
	echo "model_tables.sh: resivid $*" >&2
	"$resivid" "$@" ${WEIGHTS:+--tokenizer-weights "$WEIGHTS"} --json "$out/$page.json" --page "$target" -q
}

wanted tokenizer "$@" && measure tokenizer evaluate tokenizer "$folder" ${CLIPS:+--clips "$CLIPS"} --sheet "$out/tokenizer.png"
wanted interpolator "$@" && measure interpolator evaluate interpolator "$folder" --strides 4,8,12 --gaps 2 \
	--methods hold,blend,flow,ebme,rife,fusion ${CLIPS:+--clips "$CLIPS"}
wanted memory "$@" && measure memory evaluate memory "$folder" ${CLIPS:+--clips "$CLIPS"} --losses 0,0.01 --delays 1
wanted pipeline "$@" && measure pipeline bench pipeline --stride 4 --codec closed_loop ${THREADS:+--threads "$THREADS"}
true
