#!/usr/bin/env bash
# Prints the path of the openfga server that tests, benchmarks and `make run` start, on stdout and nothing else.
#
# In this order: $ROLLCALL_OPENFGA, when it is a program; this script's cache; a build from the module pinned in
# hack/tools/openfga. Progress goes to stderr. The cache key is the version, the platform and the pinned modules, so a changed
# pin builds anew beside the old one. Two runs at once build once.
#
#   ROLLCALL_OPENFGA         a server to use instead
#   ROLLCALL_OPENFGA_CACHE   the cache folder (default ${XDG_CACHE_HOME:-~/.cache}/rollcall/openfga)
#   ROLLCALL_OPENFGA_SOURCE  "auto" (default) or "cache": never build, end with 1 where the cache lacks it
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=$root/hack/tools/openfga

log() { echo "openfga: $*" >&2; }
die() {
	log "$*"
	exit 1
}

if [ -n "${ROLLCALL_OPENFGA:-}" ]; then
	[ -x "$ROLLCALL_OPENFGA" ] || die "ROLLCALL_OPENFGA=$ROLLCALL_OPENFGA is no program"
	echo "$ROLLCALL_OPENFGA"
	exit
fi

version=$(awk '$1 == "github.com/openfga/openfga" { sub(/^v/, "", $2); print $2; exit }' "$module/go.mod")
[ -n "$version" ] || die "no version of github.com/openfga/openfga in $module/go.mod"
key=$(cat "$module/go.mod" "$module/go.sum" | git hash-object --stdin | cut -c1-12)
platform=$(go env GOOS)-$(go env GOARCH)
cache=${ROLLCALL_OPENFGA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/openfga}
directory=$cache/$version-$platform-$key

found() {
	echo "$directory/openfga"
	exit 0
}

if [ -x "$directory/openfga" ]; then found; fi
[ "${ROLLCALL_OPENFGA_SOURCE:-auto}" != cache ] || die "the server is not built yet: hack/openfga.sh builds it"

mkdir -p "$cache"
# Where there is no flock (it is not part of coreutils), two builds at once cost time but harm nothing: the program is put in
# place by a rename.
exec 9>"$directory.lock"
if command -v flock >/dev/null && ! flock -n 9; then
	log "another run is building $directory: waiting for it"
	flock 9
fi
if [ -x "$directory/openfga" ]; then found; fi
# The lock's descriptor is not for the compiler: one that outlives us would keep the next run waiting.
"$module/build.sh" "$directory" >&2 9>&-
found
