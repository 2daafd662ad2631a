#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Compiles every flowgraph of grc/flowgraphs: compile_flowgraphs.sh GRCC OUTPUT_FOLDER
set -eu
grcc=$1
output=$2
mkdir -p "$output"
for flowgraph in grc/flowgraphs/*.grc; do
    [ -e "$flowgraph" ] || continue
    echo "grcc $flowgraph"
    # grcc of 3.10 exits 0 on some errors: what counts is the program it writes.
    program=$output/$(sed -n 's/^ *id: //p' "$flowgraph" | head -n 1).py
    rm -f "$program"
    "$grcc" -o "$output" "$flowgraph" || { echo "$flowgraph does not compile" >&2; exit 1; }
    [ -s "$program" ] || { echo "$flowgraph: grcc wrote no $program" >&2; exit 1; }
done
