#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# check_deb.sh DEB [FOLDER...]: installs the package into a fresh Debian root, runs it there, removes it again.
# Needs root, debootstrap and a mirror. FOLDERs are shown inside, such as a package index that pip is told to use.
set -eu
# what the caller has set for this program and for Python is not there on a new machine
for name in $(env | sed -n 's/^\(RESIVID_[A-Z_]*\|PYTHON[A-Z_]*\|GR[CB]*_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
deb=$(readlink -f "$1")
shift
root=$(mktemp -d -t gr-resivid-root.XXXXXX)
here=$(readlink -f "$(dirname "$0")/..")

leave() {
    for folder in "$@" /dev/pts /sys /proc; do umount -R -l "$root$folder" 2>/dev/null || true; done
    rm -rf --one-file-system "$root"
}
trap 'leave "$@"' EXIT
trap "exit 1" INT TERM

inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }
say() { echo "deb: $*, after $(($(date +%s) - began)) s"; }
began=$(date +%s)

say "a fresh root in $root"
debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >/dev/null
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t devpts devpts "$root/dev/pts"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no services in here
chmod +x "$root/usr/sbin/policy-rc.d"
for folder in "$@"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done
for file in /etc/resolv.conf /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done

say "installing $(basename "$deb") with what it depends on"
cp "$deb" "$root/tmp/gr-resivid.deb"
inside apt-get update -qq
inside apt-get install -y -qq --no-install-recommends /tmp/gr-resivid.deb </dev/null >/dev/null
inside /usr/bin/python3 -c "from gnuradio import resivid; print('deb: blocks load:', resivid.__version__)"

say "resivid-environment"
inside resivid-environment
inside resivid doctor
for file in man/man1/resivid-simulate.1.gz man/man1/resivid-simulate.1 bash-completion/completions/resivid; do
    [ ! -e "$root/usr/share/$file" ] || say "has $file"
done
cp "$here/apps/demo/clip.mp4" "$root/tmp/clip.mp4"
say "sending a clip"
inside resivid simulate /tmp/clip.mp4 -o /tmp/out.mp4 --snr 6 --no-metrics
say "the same as a flowgraph of GNU Radio Companion"
inside grcc -o /tmp /usr/share/gr-resivid/flowgraphs/awgn_simulation.grc >/dev/null 2>&1
inside /usr/lib/gr-resivid/environment/bin/python /tmp/awgn_simulation.py --video /tmp/clip.mp4 --output /tmp/grc.mp4
[ -s "$root/tmp/grc.mp4" ]

say "removing it"
inside apt-get purge -y -qq gr-resivid </dev/null >/dev/null
left=$(inside find / -xdev -path /proc -prune -o -path /tmp -prune -o -name '*resivid*' -print)
[ -z "$left" ] || { say "left behind: $left"; exit 1; }
say "nothing is left behind"
