package engine

import (
	"strings"
	"testing"
)

func TestParseFlow(t *testing.T) {
	for target, want := range map[string]Flow{
		"10.0.0.2":          {To: "10.0.0.2", Proto: "icmp"},
		"10.0.0.2:80":       {To: "10.0.0.2", Port: 80, Proto: "tcp"},
		"10.0.0.2:53/udp":   {To: "10.0.0.2", Port: 53, Proto: "udp"},
		"web/http":          {To: "web", Port: 80, Proto: "http"},
		"web:8080/HTTP":     {To: "web", Port: 8080, Proto: "http"},
		"web/icmp":          {To: "web", Proto: "icmp"},
		"fd00::2":           {To: "fd00::2", Proto: "icmp"},
		"[fd00::2]":         {To: "fd00::2", Proto: "icmp"},
		"[fd00::2]:443/tcp": {To: "fd00::2", Port: 443, Proto: "tcp"},
	} {
		want.From = "c1"
		got, err := ParseFlow("c1", target)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; not %+v", target, got, err, want)
			continue
		}
		if again, err := ParseFlow("c1", got.Target()); err != nil || again != got {
			t.Errorf("%s, written %s, is read as %+v, %v", target, got.Target(), again, err)
		}
	}
	for target, why := range map[string]string{
		"":                "no destination",
		":80":             "no destination",
		"/tcp":            "no destination",
		"10.0.0.2/":       "names no protocol",
		"10.0.0.2/tcp":    "tcp needs a port",
		"10.0.0.2:80/gre": "no protocol",
		"10.0.0.2:0":      "1 to 65535",
		"10.0.0.2:70000":  "1 to 65535",
		"web:http":        "1 to 65535",
		"web:80/icmp":     "no ports",
		"two words:80":    "no address and no name",
		"a\x1b[2J/http":   "no address and no name",
		"[fd00::2:80":     "not closed",
		"fd00::zz:80":     "before a port in brackets",
	} {
		if f, err := ParseFlow("c1", target); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %+v, %v; want an error with %q", target, f, err, why)
		}
	}
}
