#!/usr/bin/env bash
# Usage: build.sh OUTDIR
#
# Builds the openfga server from the module versions pinned in the go.mod beside this file. Progress goes to stderr.
set -euo pipefail

out=${1:?usage: build.sh OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

log() { echo "openfga: $*" >&2; }

# -mod=readonly so that the pinned graph is what is built, whatever GOFLAGS says; GOWORK=off because this module is never
# part of a workspace.
export CGO_ENABLED=0 GOWORK=off

version=$(awk '$1 == "github.com/openfga/openfga" { print $2; exit }' go.mod)
log "building OpenFGA $version from source, once: 3 to 6 minutes on two cores"

# What an interrupted build left behind; hack/openfga.sh lets only one build run at a time.
find "$out" -maxdepth 1 -type f -name '.*' -delete

compiler=""
trap '[ -z "$compiler" ] || kill "$compiler" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

started=$SECONDS announced=$SECONDS temporary=$out/.openfga.$$
go build -mod=readonly -p 2 -trimpath -buildvcs=false -ldflags '-s -w' -o "$temporary" github.com/openfga/openfga/cmd/openfga >&2 &
compiler=$!
# A long compile prints nothing and looks like a hang: say every half minute that it lives.
while kill -0 "$compiler" 2>/dev/null; do
	sleep 1
	if ((SECONDS - announced >= 30)); then
		announced=$SECONDS
		log "still building after $((SECONDS - started)) s"
	fi
done
if ! wait "$compiler"; then
	rm -f "$temporary"
	log "the build failed"
	exit 1
fi
compiler=""
mv -f "$temporary" "$out/openfga"
log "built in $((SECONDS - started)) s"
