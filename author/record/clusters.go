package record

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// drawn is what Kubernetes ends names with that it makes: letters and digits that
// spell no words.
const drawn = `[bcdfghjklmnpqrstvwxz2456789]`

// Marks of what a pod has another of each time.
const (
	podMark     = "<pod>"
	addressMark = "<pod address>"
)

// clusterMasks are applied before the others in a lab with a cluster, where much
// more is drawn. What authors choose they leave: an address for a Service comes from
// the part of the range, below 10.96.1.0, from which none is drawn, and a port of
// the nodes from below 30086.
var clusterMasks = sync.OnceValue(func() []mask {
	return []mask{
		{"names of pods", regexp.MustCompile(`\b([a-z][a-z0-9-]*?)-` + drawn + `{6,10}-` + drawn + `{5}\b`), "$1-" + podMark, nil},
		{"names of ReplicaSets", regexp.MustCompile(`\b([a-z][a-z0-9-]*?)-` + drawn + `{8,10}\b`), "$1-<hash>", nil},
		{"names of EndpointSlices", regexp.MustCompile(`\b([a-z][a-z0-9-]*?)-` + drawn + `{5}\b`), "$1-<drawn>", nil},
		{"addresses of pods", regexp.MustCompile(`\b10\.244\.\d{1,3}\.[1-9]\d{0,2}\b`), addressMark, nil},
		{"addresses of Services", regexp.MustCompile(`\b10\.96\.[1-9]\d{0,2}\.\d{1,3}\b`), "<service address>", nil},
		{"ports of nodes", regexp.MustCompile(`\b3[0-2]\d{3}\b`), "<node port>", func(m string) bool {
			n, err := strconv.Atoi(m)
			return err == nil && n >= 30086 && n <= 32767
		}},
		{"cables of pods", regexp.MustCompile(`\b(cali|veth)[0-9a-f]{8,11}\b`), "$1<n>", nil},
		{"ages", regexp.MustCompile(`\b(\d+[dhm])+(\d+s)?\b`), "<time>", nil},
		{"ages", regexp.MustCompile(`\b\d+s\b`), "<time>", nil},
		{"ids of objects", regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "<uid>", nil},
		{"versions of objects", regexp.MustCompile(`(resourceVersion"?: )"\d+"`), "$1<version>", nil},
	}
})

var (
	workers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bnode\d\b`) })
	gaps    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(` {2,}`) })
)

// unplaced is a line without where its pod runs, and without the width of columns,
// which goes by the longest name.
func unplaced(line string) string {
	if strings.Contains(line, podMark) || strings.Contains(line, addressMark) {
		line = workers().ReplaceAllString(line, "<node>")
	}
	return gaps().ReplaceAllString(line, "  ")
}
