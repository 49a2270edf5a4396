// Package scenarios holds whole organizations as goldens: in.yaml and at.txt go in, out.yaml comes out of the engine.
// Review a changed out.yaml as prose, against the comment at the top of its in.yaml; write it anew with
//
//	go test ./test/scenarios -update
package scenarios
