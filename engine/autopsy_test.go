package engine

import "testing"

func TestSentence(t *testing.T) {
	for want, v := range map[string]Verdict{
		"": {},
		"Dropped in host, iptables filter FORWARD, policy DROP.": {Node: "host", Text: "dropped in host, iptables filter FORWARD, policy DROP"},
		"The way back is missing: ext has no route to 10.0.0.2.": {Node: "ext", Text: "the way back is missing: ext has no route to 10.0.0.2"},
		"Not determined, last seen at c1.":                       {Node: "c1", Text: "not determined, last seen at c1"},
		"Delivered: c2 answered.":                                {Text: "delivered: c2 answered"},
		"c1 has no route to 10.0.0.9.":                           {Node: "c1", Text: "c1 has no route to 10.0.0.9"},
		"eth0 in c1 is down.":                                    {Node: "c1", Text: "eth0 in c1 is down"},
		"a has no route to 10.0.0.9.":                            {Node: "a", Text: "a has no route to 10.0.0.9"},
		"A forwarding entry of br0 in a is wrong.":               {Node: "sw", Text: "a forwarding entry of br0 in a is wrong"},
		"It ended.": {Node: "a", Text: "It ended."},
	} {
		if got := v.Sentence(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
