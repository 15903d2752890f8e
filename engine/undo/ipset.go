package undo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// ipset is one set, as `ipset save` writes it.
type ipset struct {
	name    string
	place   int // in the kernel's table: rules know a set by it
	create  string
	members []string // "add …" lines, sorted
}

func readIPSets(ctx context.Context, t Tools, node string, places map[string]int) ([]ipset, error) {
	text, err := tell(ctx, t, node, "", "ipset", "save")
	if err != nil {
		return nil, err
	}
	sets := parseIPSets(text)
	for i := range sets {
		sets[i].place = places[sets[i].name]
	}
	slices.SortFunc(sets, func(a, b ipset) int { return cmp.Compare(a.place, b.place) })
	return sets, nil
}

func parseIPSets(text string) []ipset {
	var out []ipset
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "create":
			out = append(out, ipset{name: f[1], create: line})
		case "add":
			if i := slices.IndexFunc(out, func(s ipset) bool { return s.name == f[1] }); i >= 0 {
				out[i].members = append(out[i].members, line)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].members)
	}
	return out
}

// lasting is a member without what is counted: its remaining time, its packets.
func lasting(member string) string {
	f := strings.Fields(member)
	for i := 0; i+1 < len(f); i++ {
		if f[i] == "timeout" || f[i] == "packets" || f[i] == "bytes" {
			f = slices.Delete(f, i, i+2)
			i--
		}
	}
	return strings.Join(f, " ")
}

func (s *ipset) equal(o *ipset) bool {
	return s.create == o.create && s.place == o.place && slices.EqualFunc(s.members, o.members, func(a, b string) bool { return lasting(a) == lasting(b) })
}

// kept reports whether a set can stay where it is and be filled anew.
func (s *ipset) kept(list []ipset) bool {
	return slices.ContainsFunc(list, func(o ipset) bool { return o.name == s.name && o.create == s.create && o.place == s.place })
}

// restoreIPSets are the lines for `ipset restore` that turn one list of sets
// into another.
func restoreIPSets(have, want []ipset) string {
	var out strings.Builder
	taken := map[int]bool{}
	for i := range have {
		fmt.Fprintf(&out, "flush %s\n", have[i].name) // a list of sets holds its members
	}
	for i := range have {
		if have[i].kept(want) {
			taken[have[i].place] = true
		} else {
			fmt.Fprintf(&out, "destroy %s\n", have[i].name)
		}
	}
	// A new set gets the first free place, so those before its own are filled for
	// the moment.
	var fill []string
	for i := range want {
		if want[i].kept(have) {
			continue
		}
		for place := range want[i].place {
			if !taken[place] {
				taken[place] = true
				fill = append(fill, fmt.Sprintf("undo-%d", place))
				fmt.Fprintf(&out, "create %s hash:ip\n", fill[len(fill)-1])
			}
		}
		taken[want[i].place] = true
		out.WriteString(want[i].create + "\n")
	}
	for _, name := range fill {
		fmt.Fprintf(&out, "destroy %s\n", name)
	}
	for i := range want {
		for _, m := range want[i].members {
			out.WriteString(m + "\n")
		}
	}
	return out.String()
}
