package engine

import (
	"strings"
	"testing"
)

func TestWithoutTests(t *testing.T) {
	tcp := Check{Traffic: &TrafficCheck{From: "a", To: "10.0.0.1", Port: 80}}
	ping := Check{Traffic: &TrafficCheck{From: "a", To: "10.0.0.1"}}
	link := Check{Link: &LinkCheck{Node: "a", Name: "eth0"}}
	task := func(checks ...Check) *Lab { return &Lab{Tasks: []Task{{Checks: checks}}} }
	const both = "'" + WithoutTests + " and " + WithoutTestEchos + "'"
	for name, c := range map[string]struct {
		lab  *Lab
		want string
	}{
		"state alone":       {task(link), ""},
		"a connection":      {task(link, tcp), WithoutTests},
		"a page":            {task(Check{Traffic: &TrafficCheck{Host: "web"}}), WithoutTests},
		"a name":            {task(Check{DNS: &DNSCheck{}}), WithoutTests},
		"a ping":            {task(tcp, ping), both},
		"a captured ping":   {task(Check{Capture: &CaptureCheck{During: &TrafficCheck{Proto: "icmp", Port: 1}}}), both},
		"in a list":         {task(Check{All: []Check{link, {Any: []Check{{Not: &ping}}}}}), both},
		"a misconception":   {&Lab{Tasks: []Task{{Misconceptions: []Misconception{{When: []Check{tcp}}}}}}, WithoutTests},
		"a wrong choice":    {task(Check{Choice: &ChoiceCheck{Options: []Option{{Tell: []Check{ping}}}}}), both},
		"what must be kept": {&Lab{Collateral: []Collateral{{Check: ping}}}, both},
	} {
		if got := c.lab.WithoutTests(); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestTestPorts(t *testing.T) {
	if TestPort(TestPortFirst-1) || !TestPort(TestPortFirst) || !TestPort(TestPortLast) || TestPort(0) {
		t.Error("the range has other ends than it says")
	}
	for _, n := range strings.Split(TestPorts(), "–") {
		if !strings.Contains(WithoutTests, n) {
			t.Errorf("%s is not in %q", n, WithoutTests)
		}
	}
	if !strings.HasSuffix(WithoutTestEchos, strings.Split(TestPorts(), "–")[0]) {
		t.Errorf("echo requests are left out by %q", WithoutTestEchos)
	}
}
