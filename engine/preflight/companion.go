package preflight

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/companion"
)

// Kubernetes is the word by which a lab requires the programs that make clusters.
const Kubernetes = "kubernetes"

func isKubernetes(name string) bool { return word(name) == Kubernetes }

// clusterNeeds is what the companions need of the machine.
var clusterNeeds = []string{"veth", "bridge", "nat", "conntrack", "nft"}

// companions are the programs that only labs with a Kubernetes need.
var companions = []string{companion.ClusterProgram, companion.PodProgram}

// buildingBeside is building for the directory that this program is in.
func buildingBeside() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	return building(filepath.Dir(exe))
}

// Companion returns the path of a program of Underlay's own: in $UNDERLAY_KUBE_BIN,
// beside this program, or else where tools are. It is "" if there is none.
func Companion(name string) string {
	dirs := []string{os.Getenv(companion.DirVariable)}
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(exe))
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); dir != "" && executable(path) {
			return path
		}
	}
	return lookTool(name)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// withoutCompanions names the companions that are not there.
func (m *machine) withoutCompanions() []string {
	return slices.DeleteFunc(slices.Clone(companions), func(name string) bool { return m.companion(name) != "" })
}

const buildCompanions = "run `make kube` where Underlay was built, which puts them beside it"

// building says how far the companions are that are being built beside this program,
// or that they could not be built; "" if nobody builds them. See scripts/kube-later.sh.
func building(dir string) string {
	lock, err := os.Open(filepath.Join(dir, "kube.lock"))
	if err != nil {
		return ""
	}
	defer lock.Close() //nolint:errcheck // only looked at
	free := unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil
	text, err := os.ReadFile(filepath.Join(dir, "kube.log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var total int
	switch {
	case free && lines[len(lines)-1] == "failed":
		return "they could not be built: " + filepath.Join(dir, "kube.log") + " says why"
	case free:
		return ""
	}
	if _, err := fmt.Sscanf(lines[0], "packages: %d", &total); err != nil || total == 0 {
		return "they are being built, which takes some minutes; everything else works meanwhile"
	}
	return fmt.Sprintf("they are being built: %d of at most %d packages are ready; everything else works meanwhile",
		min(len(lines)-1, total), total)
}

// clusters says what keeps a lab from having a cluster, "" if nothing does.
func (m *machine) clusters() (thing, remedy string) {
	absent := m.withoutCompanions()
	remedy = cmp.Or(m.building(), buildCompanions)
	switch len(absent) {
	case 0:
		return "", ""
	case 1:
		return "Underlay's own program " + absent[0] + ", which makes Kubernetes clusters", remedy
	}
	return "Underlay's own programs " + and(absent) + ", which make Kubernetes clusters", remedy
}

func (m *machine) clusterFinding() Finding {
	f := Finding{ID: Kubernetes, Title: "Kubernetes clusters (" + strings.Join(companions, ", ") + ")", OK: true}
	if _, f.Remedy = m.clusters(); f.Remedy != "" {
		f.OK, f.Detail = false, and(m.withoutCompanions())+" not there yet"
		return f
	}
	f.Detail = m.companion(companions[0])
	return f
}
