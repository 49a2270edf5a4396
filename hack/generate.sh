#!/usr/bin/env bash
# Regenerates what is derived from api/: deepcopy functions, apply configurations and the CRDs with their kustomization.
# `make verify-generated` runs it and fails when anything changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

controller_gen() {
	"${GO:-go}" tool -modfile=hack/tools/gen/go.mod controller-gen "$@"
}

start=$(mktemp)
trap 'rm -f "$start"' EXIT
mkdir -p config/crd/bases

controller_gen object paths=./api/v1alpha1
controller_gen applyconfiguration paths=./api/v1alpha1
# An empty list that a type keeps (omitzero) is dropped by what the generator writes, as it knows omitempty only. An apply
# has to keep it: status.resolvedPolicies has every leaf.
find api/v1alpha1/applyconfiguration -name '*.go' -exec sed -i -E 's/^(\t[A-Za-z]+ +\[\].* `json:"[A-Za-z]+),omitempty"`$/\1,omitzero"`/' {} +
controller_gen crd paths=./api/v1alpha1 output:crd:artifacts:config=config/crd/bases

# Types that are gone must not leave files behind. Deleting afterwards keeps the tree buildable meanwhile.
find api/v1alpha1/applyconfiguration config/crd/bases -type f ! -newer "$start" -delete

{
	echo '# Written by hack/generate.sh.'
	echo 'apiVersion: kustomize.config.k8s.io/v1beta1'
	echo 'kind: Kustomization'
	echo 'resources:'
	for file in config/crd/bases/*.yaml; do
		echo "- ${file#config/crd/}"
	done
} >config/crd/kustomization.yaml
