#!/usr/bin/env bash
# Builds every kustomization below config/ and fails on the first that does not build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
found=0
while IFS= read -r file; do
	folder=$(dirname "$file")
	# A component is built by whoever includes it, not by itself.
	if grep -q '^kind: Component' "$file"; then continue; fi
	objects=$(go tool -modfile=hack/tools/gen/go.mod kustomize build "$folder" | grep -c '^kind:') || {
		echo "$folder does not build, or is empty" >&2
		exit 1
	}
	echo "$folder: $objects objects"
	found=1
done < <(find config -name kustomization.yaml | LC_ALL=C sort)
[ "$found" = 1 ] || { echo 'no kustomization below config/' >&2; exit 1; }
