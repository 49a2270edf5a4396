package openfga

import (
	_ "embed"
	"maps"
	"slices"
	"sync"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

//go:embed model.json
var modelJSON []byte

// shipped is the model of this version.
var shipped = sync.OnceValues(func() (*openfgav1.AuthorizationModel, error) {
	m := &openfgav1.AuthorizationModel{}
	return m, protojson.Unmarshal(modelJSON, m)
})

// contains reports whether a model has every type and condition of another one as it is there; it may have more.
func contains(m, part *openfgav1.AuthorizationModel) bool {
	for _, want := range part.GetTypeDefinitions() {
		i := slices.IndexFunc(m.GetTypeDefinitions(), func(t *openfgav1.TypeDefinition) bool { return t.GetType() == want.GetType() })
		if i < 0 || !sameType(m.GetTypeDefinitions()[i], want) {
			return false
		}
	}
	for name, want := range part.GetConditions() {
		got := m.GetConditions()[name]
		if got == nil || got.GetExpression() != want.GetExpression() || !maps.EqualFunc(got.GetParameters(), want.GetParameters(), sameParameter) {
			return false
		}
	}
	return m.GetSchemaVersion() == part.GetSchemaVersion()
}

func sameParameter(a, b *openfgav1.ConditionParamTypeRef) bool { return proto.Equal(a, b) }

// sameType compares what decides, and not where a definition was written down.
func sameType(a, b *openfgav1.TypeDefinition) bool {
	if !maps.EqualFunc(a.GetRelations(), b.GetRelations(), func(x, y *openfgav1.Userset) bool { return proto.Equal(x, y) }) {
		return false
	}
	for relation := range b.GetRelations() {
		x := a.GetMetadata().GetRelations()[relation].GetDirectlyRelatedUserTypes()
		y := b.GetMetadata().GetRelations()[relation].GetDirectlyRelatedUserTypes()
		if !slices.EqualFunc(x, y, func(x, y *openfgav1.RelationReference) bool { return proto.Equal(x, y) }) {
			return false
		}
	}
	return true
}
