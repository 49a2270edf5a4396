#!/usr/bin/env bash
# Prints the directory that holds etcd, kube-apiserver, kube-controller-manager and kubectl, on stdout and nothing else.
#
# In this order: $KUBEBUILDER_ASSETS, when it holds etcd, kube-apiserver and kubectl; this script's cache; setup-envtest, which
# downloads a release (and fails at once where the network is closed); a build from the modules pinned in hack/tools/kube.
# Progress goes to stderr. The cache key is the Kubernetes version, the platform and the pinned modules, so a changed pin
# builds anew beside the old one. Two runs at once build once.
#
#   ROLLCALL_KUBE_CACHE   the cache folder (default ${XDG_CACHE_HOME:-~/.cache}/rollcall/kube)
#   ROLLCALL_KUBE_SOURCE  "auto" (default), "download" (never build) or "build" (never download)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=$root/hack/tools/kube
tools=$root/hack/tools/gen/go.mod
source=${ROLLCALL_KUBE_SOURCE:-auto}

log() { echo "kube-assets: $*" >&2; }
die() {
	log "$*"
	exit 1
}

# holds DIRECTORY NAME...: whether each program is there and can be run.
holds() {
	local directory=$1 name
	shift
	for name in "$@"; do
		[ -x "$directory/$name" ] || return 1
	done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
	if holds "$KUBEBUILDER_ASSETS" etcd kube-apiserver kubectl; then
		cd "$KUBEBUILDER_ASSETS" && pwd
		exit
	fi
	log "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks etcd, kube-apiserver or kubectl: looking elsewhere"
fi

version=$(awk '$1 == "k8s.io/kubernetes" { sub(/^v/, "", $2); print $2; exit }' "$module/go.mod")
[ -n "$version" ] || die "no version of k8s.io/kubernetes in $module/go.mod"
key=$(cat "$module/go.mod" "$module/go.sum" | git hash-object --stdin | cut -c1-12)
platform=$(go env GOOS)-$(go env GOARCH)
cache=${ROLLCALL_KUBE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/kube}
directory=$cache/$version-$platform-$key

found() {
	echo "$directory"
	exit 0
}

programs=(etcd kube-apiserver kube-controller-manager kubectl)
if holds "$directory" "${programs[@]}"; then found; fi

mkdir -p "$cache"
# Where there is no flock (it is not part of coreutils), two builds at once cost time but harm nothing: every program is
# put in place by a rename.
exec 9>"$directory.lock"
if command -v flock >/dev/null && ! flock -n 9; then
	log "another run is preparing $directory: waiting for it"
	flock 9
fi
if holds "$directory" "${programs[@]}"; then found; fi

# A release holds the first three; kube-controller-manager, without which no namespace deletion ends, is built either way.
download() {
	[ -f "$tools" ] || return 1
	local path name
	path=$(cd "$root" && timeout 180 go tool -modfile="$tools" setup-envtest use "${version%.*}.x" \
		--bin-dir "$cache/releases" -p path 2>>"$directory.log" 9>&-) || return 1
	holds "$path" etcd kube-apiserver kubectl || return 1
	for name in etcd kube-apiserver kubectl; do
		cp "$path/$name" "$directory/.$name.$$"
		mv -f "$directory/.$name.$$" "$directory/$name"
	done
}

mkdir -p "$directory"
if [ "$source" != build ] && ! holds "$directory" etcd kube-apiserver kubectl; then
	log "looking for a release of etcd, kube-apiserver and kubectl $version to download"
	if download; then
		log "downloaded etcd, kube-apiserver and kubectl"
	else
		log "no release can be downloaded here"
	fi
fi
if ! holds "$directory" "${programs[@]}"; then
	[ "$source" != download ] || die "$directory is incomplete and ROLLCALL_KUBE_SOURCE=download forbids a build"
	# The lock's descriptor is not for the compiler: one that outlives us would keep the next run waiting.
	"$module/build.sh" "$directory" >&2 9>&-
fi
holds "$directory" "${programs[@]}" || die "$directory is still incomplete"
found
