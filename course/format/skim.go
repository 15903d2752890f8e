package format

import (
	"fmt"
	"io/fs"
	"path"
	"sync"

	"underlay/course/head"
	"underlay/engine"
)

// skim adds the labs of fsys, which are its folders MODULE/ID, with what lists say of
// them alone. A lab is read whole, and validated, when it is asked for; so is at once one
// whose lab.yaml says more than can be read from its head. The error is what is wrong with such a lab.
func (c *Catalogue) skim(fsys fs.FS, shown func(string) string) Problems {
	folders, err := fs.Glob(fsys, "*/*")
	if err != nil {
		return Problems{{File: shown("."), What: fmt.Sprintf("cannot be read: %v", err)}}
	}
	for _, dir := range folders {
		src := source{fsys, dir, shown}
		e := entry{source: src, whole: sync.OnceValues(func() (*engine.Lab, error) {
			lab, problems := src.load(c.seed)
			return lab, problems.err()
		})}
		info, ok := src.readHead()
		if !ok {
			lab, problems := src.load(c.seed)
			if len(problems) > 0 {
				return problems
			}
			info, e.whole = lab.Info(), func() (*engine.Lab, error) { return lab, nil }
		}
		e.info = info
		c.used.Add(src.file(), info.ID, info.Formerly)
		c.entries = append(c.entries, e)
	}
	return nil
}

// readHead reads what lists say of a lab without parsing its lab.yaml. ok is false for
// what is not written plainly enough: on one line each, without parameters.
func (s source) readHead() (info *engine.LabInfo, ok bool) {
	text, err := fs.ReadFile(s.fsys, path.Join(s.dir, labFile))
	if err != nil {
		return nil, false
	}
	fields, ok := head.Split(string(text))
	if !ok {
		return nil, false
	}
	info = &engine.LabInfo{}
	for name, to := range map[string]*string{"id": &info.ID, "title": &info.Title, "module": &info.Module, "summary": &info.Summary} {
		*to, ok = fields[name].Text()
		if !ok {
			return nil, false
		}
	}
	if info.Minutes, ok = fields["minutes"].Number(); !ok {
		return nil, false
	}
	if order, given := fields["order"]; given {
		if info.Order, ok = order.Number(); !ok {
			return nil, false
		}
	}
	if formerly, given := fields["formerly"]; given {
		if info.Formerly, ok = formerly.Words(); !ok {
			return nil, false
		}
	}
	tasks, ok := fields["tasks"].Each("id")
	info.Tasks = len(tasks)
	if !ok || !headFormerly(&info.OldTasks, fields["tasks"], tasks) {
		return nil, false
	}
	if faults, given := fields["faults"]; given {
		info.Faults, ok = faults.Each("id")
		ok = ok && headFormerly(&info.OldFaults, faults, info.Faults)
	}
	return info, ok && headRequires(info, fields)
}

// headFormerly reads the ids that tasks or faults had. They have these now.
func headFormerly(olds *map[string]string, list head.Field, ids []string) (ok bool) {
	all, ok := list.EachWords("formerly")
	for i, formerly := range all {
		*olds = engine.Renamed(*olds, ids[i], formerly)
	}
	return ok
}

// headRequires reads what a lab requires, with what its cluster does.
func headRequires(info *engine.LabInfo, fields head.Fields) (ok bool) {
	if requires, given := fields["requires"]; given {
		if info.Requires, ok = requires.Words(); !ok {
			return false
		}
	}
	cluster, given := fields["cluster"]
	if !given {
		return true
	}
	inner, ok := cluster.Inner()
	if !ok {
		return false
	}
	var cni string
	if field, given := inner["cni"]; given {
		if cni, ok = field.Text(); !ok {
			return false
		}
	}
	info.Requires = withCluster(info.Requires, cni)
	return true
}
