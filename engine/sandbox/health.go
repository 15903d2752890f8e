package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// healthEvery is how often init looks at its own world. One look costs some
// tens of microseconds.
const healthEvery = time.Second

// watchHealth tells the app when the world stops being, or is again, well.
func (w *worldInit) watchHealth() {
	var last []string
	for range time.Tick(healthEvery) {
		now := w.health()
		if slices.Equal(now, last) {
			continue
		}
		last = now
		w.send(message{Event: true, Health: now})
	}
}

func (w *worldInit) health() []string {
	var bad []string
	if n := processes(); n > MaxProcesses*9/10 {
		bad = append(bad, fmt.Sprintf("This lab has %d processes, almost its limit: a fork bomb? Reset ends them.", n))
	}
	for _, dir := range []string{"/tmp", "/run", "/etc"} {
		if full(dir) {
			bad = append(bad, dir+" of this lab is full. Delete something there, or reset.")
		}
	}
	if gone := w.missing(); len(gone) > 0 {
		bad = append(bad, strings.Join(gone, ", ")+": deleted in this lab. The machine still has its own; reset restores the lab's.")
	}
	return bad
}

// processes counts the world's processes.
func processes() int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			n++
		}
	}
	return n
}

func full(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		return false
	}
	return st.Bavail*100 < st.Blocks*2
}

// missing names files that a lab cannot do without and that have been deleted.
func (w *worldInit) missing() []string {
	var gone []string
	for _, path := range []string{"/etc/hosts", "/etc/passwd", "/etc/nsswitch.conf", "/run/netns", "/tmp"} {
		if _, err := os.Lstat(path); os.IsNotExist(err) {
			gone = append(gone, path)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, n := range w.nodes {
		if n.adopted { // whoever made it may take it away
			continue
		}
		var st, own unix.Stat_t
		err := unix.Stat("/run/netns/"+name, &st)
		if err != nil || (unix.Fstat(n.net, &own) == nil && st.Ino != own.Ino && st.Dev != own.Dev) {
			gone = append(gone, "/run/netns/"+name)
		}
	}
	slices.Sort(gone)
	return gone
}
