package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"underlay/kube/internal/netns"
)

// idleFor is how long a cluster is watched doing nothing.
const idleFor = 10 * time.Second

// BenchmarkCluster measures what a learner waits for, and what a cluster costs
// that nobody uses. Each run is one cluster: -test.benchtime=1x -test.count=5.
func BenchmarkCluster(b *testing.B) {
	begin := time.Now()
	c := open(b, settings{Proxy: "nftables", CNI: "bridge", DNS: true, Policy: true, Manifests: []string{manifest(b, web)}})
	eventually(b, "get the page by name", func() error {
		if _, err := os.Stat(netns.Path("toolbox")); err != nil {
			return err
		}
		_, err := get(b, "toolbox", "web"+domain, time.Second)
		return err
	})
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms/open")
	b.ReportMetric(float64(memory(b, c.Process.Pid)), "MiB-opened")
	before := c.processorTime(b)
	time.Sleep(idleFor)
	b.ReportMetric(100*float64(c.processorTime(b)-before)/float64(idleFor), "%idle")
	b.ReportMetric(float64(memory(b, c.Process.Pid)), "MiB")
	b.ReportMetric(float64(memory(b, processOf(b, "dns", "--corefile"))), "MiB-dns")
	b.ReportMetric(0, "ns/op") // means nothing here
}

// ticks is the unit of processor times in /proc, in all that Go runs on.
const ticks = 10 * time.Millisecond

// processorTime is how long the cluster's process has run on a processor.
func (c *cluster) processorTime(t testing.TB) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var total int
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return time.Duration(total) * ticks
}
