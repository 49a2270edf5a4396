#!/usr/bin/env bash
# Runs `make generate` and fails when that changes anything. The tree is put back as it was, so a failed check costs nobody
# their work; a tree with uncommitted changes is judged by what it holds now.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Whatever the generators write lies below these.
generated=(api config/crd)

saved=$(mktemp -d)
restore() {
	for path in "${generated[@]}"; do
		rm -rf "$path"
		mkdir -p "$path"
		cp -R "$saved/$path/." "$path/"
	done
}
trap 'rm -rf "$saved"' EXIT
for path in "${generated[@]}"; do
	mkdir -p "$saved/$path"
	cp -R "$path/." "$saved/$path/"
done

if ! hack/generate.sh; then
	restore
	echo 'the generators failed' >&2
	exit 1
fi
stale=0
for path in "${generated[@]}"; do
	diff -ru "$saved/$path" "$path" || stale=1
done
if [ "$stale" = 1 ]; then
	restore
	echo 'generated files are stale: run make generate and commit the result' >&2
	exit 1
fi
echo 'generated files: ok'
