package phrase

import (
	"slices"
	"testing"
)

type args struct {
	Node  string   `json:"node,omitempty"`
	Tries int      `json:"tries,omitempty"`
	Ports []string `json:"ports,omitempty"`
}

func TestRender(t *testing.T) {
	for _, c := range []struct {
		template string
		args     args
		want     string
	}{
		{"{node} has no route", args{Node: "host"}, "host has no route"},
		{"of {tries#try|tries}", args{Tries: 1}, "of 1 try"},
		{"of {tries#try|tries}", args{Tries: 60}, "of 60 tries"},
		{"the MTU is {tries}", args{Tries: 1}, "the MTU is 1"},
		{"of {ports}", args{Ports: []string{"p1"}}, "of p1"},
		{"of {ports}", args{Ports: []string{"p1", "p2", "p3"}}, "of p1, p2 and p3"},
		{"{node|nobody} answers", args{}, "nobody answers"},
		{"{node|nobody} answers", args{Node: "web"}, "web answers"},
		{"you answered {node:q}", args{Node: `a "b"`}, `you answered "a \"b\""`},
		{"is {node:a}", args{Node: "ipvlan"}, "is an ipvlan"},
		{"is {node:a}", args{Node: "bridge"}, "is a bridge"},
		{"{ports:,}", args{Ports: []string{"p1", "p2"}}, "p1, p2"},
		{"{ports:;}", args{Ports: []string{"p1", "p2"}}, "p1; p2"},
		{"[{node}: ]no answer[ after {tries#try|tries}: {ports}]", args{Node: "host", Tries: 2}, "host: no answer"},
		{"[{node}: ]no answer[ after {tries#try|tries}: {ports}]", args{Tries: 2, Ports: []string{"p1"}}, "no answer after 2 tries: p1"},
		{"[ brackets ] of [{node}]", args{Node: "host"}, "[ brackets ] of host"},
		{"{nobody} here, { brace }", args{}, "{nobody} here, { brace }"},
	} {
		if got := Render(c.template, c.args); got != c.want {
			t.Errorf("%q with %+v is %q, not %q", c.template, c.args, got, c.want)
		}
	}
}

func TestAbsent(t *testing.T) {
	const template = "{node} {tries} {ports} {nobody}"
	if got := Absent(template+"[{ports}]{ports|none}", args{Node: "host"}); !slices.Equal(got, []string{"nobody", "ports"}) {
		t.Errorf("absent are %q", got)
	}
	if got := Names(template); !slices.Equal(got, []string{"node", "tries", "ports", "nobody"}) {
		t.Errorf("the names are %q", got)
	}
}
