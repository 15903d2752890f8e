package preflight

import (
	"bufio"
	"fmt"
	"os"
)

// AvailableMemory is how much memory programs may still take, in KiB, as the kernel
// estimates it; 0 if it does not say.
func AvailableMemory() int {
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
