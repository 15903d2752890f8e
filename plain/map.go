package plain

import (
	"fmt"
	"strings"

	"underlay/topology"
)

// mapRows is how high a drawing may be; what is printed can be scrolled back to.
const mapRows = 60

// showMap says what the nodes hold now: in words, because a screen reader reads
// a drawing as noise, and as a drawing for those who ask for one.
func (v *visit) showMap(how string) {
	p, err := v.session.Picture(v.ctx)
	if err != nil {
		v.sayError(fmt.Errorf("the lab cannot be read now: %w", err))
		return
	}
	o := topology.Options{ASCII: v.ASCII}
	switch how {
	case "":
		v.blank()
		v.printLines(topology.Words(p, v.width, o))
	case "drawn":
		d := topology.Layout(p, v.width, mapRows, o, nil)
		if d.Words {
			v.sayf("There is no room to draw it in %d columns. :map says it in words.", v.width)
			return
		}
		v.blank()
		v.printLines(d.Lines)
	default:
		v.say(":map says the map in words, :map drawn draws it.")
	}
}

// printLines prints a drawing, with one empty line where it has several.
func (v *visit) printLines(lines []topology.Line) {
	var out []string
	for _, l := range lines {
		text := strings.TrimRight(l.String(), " ")
		if text == "" && len(out) > 0 && out[len(out)-1] == "" {
			continue
		}
		out = append(out, text)
	}
	v.println(append(out, "")...)
}
