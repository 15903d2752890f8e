package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dependencies are what modules.dep says: for each module the ones that it
// needs, all as paths below the modules' directory.
type Dependencies map[string][]string

// ParseDependencies reads modules.dep.
func ParseDependencies(r io.Reader) (Dependencies, error) {
	deps := Dependencies{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		module, needs, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			return nil, fmt.Errorf("modules.dep: a line without a colon: %.60q", lines.Text())
		}
		deps[module] = strings.Fields(needs)
	}
	return deps, lines.Err()
}

// Closure returns the modules that are wanted and all that they need, sorted.
// A module that is needed and not listed is an error.
func (d Dependencies) Closure(wanted func(module string) bool) ([]string, error) {
	var stack []string
	for module := range d {
		if wanted(module) {
			stack = append(stack, module)
		}
	}
	in := map[string]bool{}
	for len(stack) > 0 {
		module := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if in[module] {
			continue
		}
		needs, ok := d[module]
		if !ok {
			return nil, fmt.Errorf("modules.dep: %s is needed, but is not listed", module)
		}
		in[module] = true
		stack = append(stack, needs...)
	}
	out := make([]string, 0, len(in))
	for module := range in {
		out = append(out, module)
	}
	slices.Sort(out)
	return out, nil
}

// Networking says whether a module is one that labs may use: protocols, packet
// filters, queues and virtual interfaces, but no driver of a network card.
func Networking(module string) bool {
	if strings.HasPrefix(module, "kernel/net/") {
		return true
	}
	rest, ok := strings.CutPrefix(module, "kernel/drivers/net/")
	if !ok {
		return false
	}
	dir, _, nested := strings.Cut(rest, "/")
	return !nested || slices.Contains([]string{"bonding", "ipvlan", "team", "vxlan", "wireguard"}, dir)
}

// Files returns the modules that Networking wants with all that they need, and
// the indexes in which modprobe looks for them: paths below k.Modules().
func (k Kernel) Files() ([]string, error) {
	f, err := os.Open(filepath.Join(k.Modules(), "modules.dep"))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	deps, err := ParseDependencies(f)
	if err != nil {
		return nil, err
	}
	modules, err := deps.Closure(Networking)
	if err != nil {
		return nil, err
	}
	indexes, err := filepath.Glob(filepath.Join(k.Modules(), "modules.*"))
	if err != nil {
		return nil, err
	}
	for _, index := range indexes {
		modules = append(modules, filepath.Base(index))
	}
	return modules, nil
}
