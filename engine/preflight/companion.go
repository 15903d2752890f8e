package preflight

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kubernetes is the word by which a lab requires the programs that make clusters.
const Kubernetes = "kubernetes"

func isKubernetes(name string) bool { return word(name) == Kubernetes }

// clusterNeeds is what the companions need of the machine.
var clusterNeeds = []string{"veth", "bridge", "nat", "conntrack", "nft"}

// companions are programs of Underlay's own that only some labs need. They are
// built apart, because a Kubernetes takes minutes to build.
var companions = []string{"underlay-kube", "underlay-pod"}

// CompanionDir is the environment variable with the directory in which companions
// are looked for first.
const CompanionDir = "UNDERLAY_KUBE_BIN"

// Companion returns the path of a program of Underlay's own: in $UNDERLAY_KUBE_BIN,
// beside this program, or else where tools are. It is "" if there is none.
func Companion(name string) string {
	dirs := []string{os.Getenv(CompanionDir)}
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

// clusters says what keeps a lab from having a cluster, "" if nothing does.
func (m *machine) clusters() (thing, remedy string) {
	absent := m.withoutCompanions()
	switch len(absent) {
	case 0:
		return "", ""
	case 1:
		return "Underlay's own program " + absent[0] + ", which makes Kubernetes clusters", buildCompanions
	}
	return "Underlay's own programs " + and(absent) + ", which make Kubernetes clusters", buildCompanions
}

func (m *machine) clusterFinding() Finding {
	f := Finding{ID: Kubernetes, Title: "Kubernetes clusters (" + strings.Join(companions, ", ") + ")", OK: true}
	if _, f.Remedy = m.clusters(); f.Remedy != "" {
		f.OK, f.Detail = false, and(m.withoutCompanions())+" not built yet"
		return f
	}
	f.Detail = m.companion(companions[0])
	return f
}
