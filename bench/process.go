package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is what a process has used.
type process struct {
	argv []string
	time time.Duration // on processors
	pss  int64         // its share of the memory, in bytes
}

// family is a process and all its descendants.
type family []process

func (f family) cpu() (sum time.Duration) {
	for _, p := range f {
		sum += p.time
	}
	return sum
}

// memory is in MiB.
func (f family) memory() float64 {
	var sum int64
	for _, p := range f {
		sum += p.pss
	}
	return float64(sum) / (1 << 20)
}

// resting watches a process and its descendants for a while: the processor time that
// they take, in percent of a core, and what they are in the end.
func resting(pid int, span time.Duration) (cpu float64, end family, err error) {
	begin, err := processes(pid)
	if err != nil {
		return 0, nil, err
	}
	time.Sleep(span)
	if end, err = processes(pid); err != nil {
		return 0, nil, err
	}
	return 100 * float64(end.cpu()-begin.cpu()) / float64(span), end, nil
}

// processes reads a process and its descendants from /proc. One that ends
// meanwhile is left out, unless it is the first.
func processes(pid int) (family, error) {
	p, err := readProcess(pid)
	if err != nil {
		return nil, err
	}
	all := family{p}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, child := range strings.Fields(string(children)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				return nil, err
			}
			if below, err := processes(n); err == nil {
				all = append(all, below...)
			}
		}
	}
	return all, nil
}

func readProcess(pid int) (p process, err error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux architecture
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	for _, i := range []int{11, 12} { // utime and stime
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return p, err
		}
		p.time += time.Duration(n) * tick
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return p, err
	}
	p.argv = strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	p.pss = readPSS(pid)
	return p, nil
}

func readPSS(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "Pss:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
