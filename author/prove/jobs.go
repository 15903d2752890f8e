package prove

import (
	"bufio"
	"fmt"
	"os"
	"runtime"

	"underlay/engine"
)

const (
	// jobsPerCPU is how many proofs run for each processor: most of the time a
	// proof waits for packets that do not come.
	jobsPerCPU = 4
	// memoryPerJob is what a lab's world takes, in KiB, and then some.
	memoryPerJob = 128 << 10
)

// weight is as how many proofs one of a lab counts. A cluster keeps a processor busy
// for three seconds while it starts, and takes the memory of four ordinary labs.
func weight(lab *engine.Lab) int {
	if lab.Cluster != nil {
		return jobsPerCPU
	}
	return 1
}

// DefaultJobs is how many proofs run side by side unless somebody says so: as
// many as processors and memory allow.
func DefaultJobs() int {
	jobs := jobsPerCPU * runtime.GOMAXPROCS(0)
	if free := availableMemory(); free > 0 {
		jobs = min(jobs, free/memoryPerJob)
	}
	return max(1, jobs)
}

// availableMemory is how much memory may be used, in KiB; 0 if that is not known.
func availableMemory() int {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // only read
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int
		if n, _ := fmt.Sscanf(s.Text(), "MemAvailable: %d kB", &kib); n == 1 {
			return kib
		}
	}
	return 0
}
