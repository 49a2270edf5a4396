#!/usr/bin/env bash
# Usage: build.sh OUTDIR
#
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from the module versions pinned in the go.mod beside
# this file. It is the last resort of hack/kube-assets.sh, for machines that can reach a Go module proxy and nothing else.
# Progress goes to stderr. A binary that OUTDIR already holds is kept, so an interrupted build resumes where it stopped.
set -euo pipefail

out=${1:?usage: build.sh OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"

log() { echo "kube-assets: $*" >&2; }

# -mod=readonly so that the pinned graph is what is built, whatever GOFLAGS says; GOWORK=off because this module is never
# part of a workspace.
export CGO_ENABLED=0 GOWORK=off

version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' go.mod)
etcd_version=$(awk '$1 == "go.etcd.io/etcd/server/v3" && $2 != "" { print $2; exit }' go.mod)
minor=${version#v1.}
minor=${minor%%.*}

# Without these stamps the binaries call themselves v0.0.0-master+$Format$, which `kubectl version` and helm refuse.
stamps=""
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	stamps+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
	stamps+=" -X $package.gitTreeState=clean"
done

log "building Kubernetes $version and etcd $etcd_version from source, once: 5 to 10 minutes on two cores"

# What an interrupted build left behind; hack/kube-assets.sh lets only one build run at a time.
find "$out" -maxdepth 1 -type f -name '.*' -delete

compiler=""
trap '[ -z "$compiler" ] || kill "$compiler" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# build NAME PACKAGE ORDINAL
build() {
	local name=$1 package=$2 ordinal=$3 started=$SECONDS announced=$SECONDS temporary
	if [ -x "$out/$name" ]; then
		log "$ordinal $name: already built"
		return
	fi
	log "$ordinal $name: building"
	temporary=$out/.$name.$$
	go build -mod=readonly -trimpath -ldflags "-s -w$stamps" -o "$temporary" "$package" >&2 &
	compiler=$!
	# A long compile prints nothing and looks like a hang: say every half minute that it lives.
	while kill -0 "$compiler" 2>/dev/null; do
		sleep 1
		if ((SECONDS - announced >= 30)); then
			announced=$SECONDS
			log "$ordinal $name: still building after $((SECONDS - started)) s"
		fi
	done
	if ! wait "$compiler"; then
		rm -f "$temporary"
		log "$ordinal $name: the build failed"
		return 1
	fi
	compiler=""
	mv -f "$temporary" "$out/$name"
	log "$ordinal $name: built in $((SECONDS - started)) s"
}

build etcd go.etcd.io/etcd/server/v3 1/4
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver 2/4
build kubectl k8s.io/kubernetes/cmd/kubectl 3/4
build kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager 4/4
