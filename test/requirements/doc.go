// Package requirements keeps docs/requirements.md: which source requirement is satisfied where, by which acceptance scenarios
// it is proven, and which tests name these. The tables requirements.tsv and scenarios.tsv are edited by hand, the page is
// written from them and from what the tests name:
//
//	go test ./test/requirements -update
package requirements
