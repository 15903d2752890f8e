package prove

import (
	"runtime"

	"underlay/engine"
	"underlay/engine/preflight"
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
	if free := preflight.AvailableMemory(); free > 0 {
		jobs = min(jobs, free/memoryPerJob)
	}
	return max(1, jobs)
}
