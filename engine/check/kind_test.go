package check

import (
	"reflect"
	"testing"

	"underlay/engine"
)

// TestEveryKindIsListed fills each field of a check that asks for something, and demands
// the one kind in the list that it is of.
func TestEveryKindIsListed(t *testing.T) {
	typ := reflect.TypeFor[engine.Check]()
	taken := map[int]string{}
	for i := range typ.NumField() {
		var c engine.Check
		f := reflect.ValueOf(&c).Elem().Field(i)
		switch name := typ.Field(i).Name; {
		case name == "Because":
			continue
		case f.Kind() == reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		default:
			t.Fatalf("Check.%s is a %s", name, f.Type())
		}
		name, found := typ.Field(i).Name, 0
		for j := range kinds {
			if kinds[j].is(&c) {
				found++
				if other, ok := taken[j]; ok {
					t.Errorf("%s and %s are of one kind", other, name)
				}
				taken[j] = name
			}
		}
		if found != 1 {
			t.Fatalf("%s is of %d kinds in the list", name, found)
		}
		if Describe(c) == "" && name != "All" && name != "Any" {
			t.Errorf("%s is described as nothing", name)
		}
		_, sends := c.Kind().(engine.Sender)
		if n := needsOf(c); n.traffic != sends || kindOf(&c).sends != sends {
			t.Errorf("%s sends packets: %v, but needs say %v", name, sends, n.traffic)
		}
	}
	if len(taken) != len(kinds) {
		t.Errorf("%d kinds are listed for %d fields", len(kinds), len(taken))
	}
	if k := kindOf(&engine.Check{Because: "of nothing"}); k != nil {
		t.Errorf("what asks for nothing is of a kind: %+v", k)
	}
}

// What a check needs, it needs wherever it stands.
func TestNeedsAtAnyDepth(t *testing.T) {
	for _, r := range rows() {
		alone := needsOf(r.check)
		for _, c := range []engine.Check{{All: []engine.Check{{}, r.check}}, {Any: []engine.Check{{}, r.check}}, {Not: &engine.Check{All: []engine.Check{r.check}}}} {
			if got := needsOf(c); !reflect.DeepEqual(got, alone) {
				t.Errorf("%s: needs %+v within others, %+v alone", r.name, got, alone)
			}
			if got, want := len(senders([]engine.Check{c})), len(senders([]engine.Check{r.check})); got != want {
				t.Errorf("%s: %d of it send packets within others, %d alone", r.name, got, want)
			}
		}
	}
}
