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
		{"{nobody} here, { brace }", args{}, "{nobody} here, { brace }"},
	} {
		if got := Render(c.template, c.args); got != c.want {
			t.Errorf("%q with %+v is %q, not %q", c.template, c.args, got, c.want)
		}
	}
}

func TestAbsent(t *testing.T) {
	const template = "{node} {tries} {ports} {nobody}"
	if got := Absent(template, args{Node: "host"}); !slices.Equal(got, []string{"ports", "nobody"}) {
		t.Errorf("absent are %q", got)
	}
	if got := Names(template); !slices.Equal(got, []string{"node", "tries", "ports", "nobody"}) {
		t.Errorf("the names are %q", got)
	}
}
