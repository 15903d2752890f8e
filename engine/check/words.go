package check

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"underlay/engine/internal/phrase"
)

// Small words that descriptions and the arguments of messages are made of.

// on names a device of a node, or the node alone.
func on(dev, node string) string {
	if dev == "" {
		return node
	}
	return dev + " in " + node
}

func prefixIf(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func matching(pattern string) string {
	if pattern == "" {
		return ""
	}
	return fmt.Sprintf(" matching %q", pattern)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func article(noun string) string { return phrase.Article(noun) + " " + noun }

func endpoint(addr string, port int) string {
	switch {
	case port == 0:
		return addr
	case addr == "":
		return fmt.Sprintf("port %d", port)
	}
	return net.JoinHostPort(addr, strconv.Itoa(port))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// list joins words as a sentence does: "a, b and c".
func list(words []string) string { return phrase.List(words) }

func join(a, sep, b string) string {
	if a == "" {
		return b
	}
	if b == "" {
		return a
	}
	return a + sep + b
}

// duration prints a wait as people say it: "600 ms", "1.5 s".
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	}
	return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
