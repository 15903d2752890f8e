package format

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"underlay/course/ids"
	"underlay/engine"
)

// checkFaults demands that faults can be told apart: a learner names the cause
// by choosing from those of the lab.
func (v *validator) checkFaults() {
	faults := v.lab.Faults
	if len(faults) == 1 {
		v.errorf(v.at(&faults[0]), "only one fault; a lab has none or at least two, so that there are causes to choose from")
	}
	var used ids.Used
	known, causes := map[string]bool{}, map[string]string{}
	for i := range faults {
		f := &faults[i]
		switch {
		case f.ID == engine.RandomFault:
			v.errorf(v.at(&f.ID), "fault id %q is taken: it stands for any fault; choose another", f.ID)
		case f.ID != "" && known[f.ID]:
			v.errorf(v.at(&f.ID), "fault %q is there twice; each id names one fault", f.ID)
		}
		known[f.ID] = true
		v.checkUsed(&used, "fault", &f.ID, f.Formerly)
		cause := strings.ToLower(strings.Trim(f.Cause, " ."))
		if other, ok := causes[cause]; ok && cause != "" {
			v.errorf(v.at(&f.Cause), "fault %q has this cause, too; nobody could tell which is meant", other)
		}
		causes[cause] = f.ID
	}
}

// repairSuffix ends the name of a script that repairs what the one without it
// breaks.
const repairSuffix = ".repair"

// faults gives each fault its two scripts, and demands that none is without a
// fault.
func (s *scripts) faults() {
	read := map[string]engine.Script{}
	for _, script := range s.folder("faults", s.checkFault) {
		read[script.Name] = script
	}
	for i := range s.lab.Faults {
		f := &s.lab.Faults[i]
		if f.ID == "" {
			continue // told already
		}
		f.Break = s.faultScript(read, f.ID, "it breaks the solved lab")
		f.Repair = s.faultScript(read, f.ID+repairSuffix, fmt.Sprintf("it repairs what %s.sh breaks", f.ID))
	}
}

func (s *scripts) faultScript(read map[string]engine.Script, name, does string) engine.Script {
	script, ok := read[name]
	if !ok && !s.broken(name) {
		s.errorf(path.Join(s.dir, "faults", name+".sh"), 0, "the file is missing; %s", does)
	}
	return script
}

// broken reports whether a fault's script is there, but could not be read.
func (s *scripts) broken(name string) bool {
	file := s.shown(path.Join(s.dir, "faults", name+".sh"))
	return slices.ContainsFunc(s.problems, func(p Problem) bool { return p.File == file })
}

// checkFault looks up what a script in the folder is for.
func (s *scripts) checkFault(file string, script engine.Script) {
	if script.Fails != nil || script.Misconception != "" {
		s.errorf(file, 1, "# fails: and # misconception: are for mistakes; a fault's checks are in lab.yaml")
	}
	var known []string
	for i := range s.lab.Faults {
		known = append(known, s.lab.Faults[i].ID)
	}
	if id := strings.TrimSuffix(script.Name, repairSuffix); !slices.Contains(known, id) {
		s.errorf(file, 0, "belongs to no fault; faults in lab.yaml: %s%s", listed(known), meant(id, known))
	}
}
