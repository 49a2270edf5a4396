// Package crd carries the generated CustomResourceDefinitions into Go programs, so that files are checked by the same
// schemas and rules as objects on a cluster, and tests install what is shipped.
package crd

import "embed"

// Bases holds one file per kind, bases/rollcall.dev_<plural>.yaml.
//
//go:embed bases/*.yaml
var Bases embed.FS
