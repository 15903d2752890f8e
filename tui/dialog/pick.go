package dialog

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Item is one entry of a Pick.
type Item struct {
	Text   string
	Done   bool // it was done before; it can be chosen again
	Off    bool // it cannot be chosen any more
	Action Action
}

// Pick asks for one of several sentences, each as long as it likes. The arrows
// and enter choose, or a digit.
type Pick struct {
	Title string
	Text  string
	Items []Item
	Enter string // what enter does, in a word or two

	at     int
	begun  bool
	offset int // first row of the items that shows
}

// Update implements Dialog.
func (p *Pick) Update(msg tea.Msg) Action {
	p.begin()
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	switch s := k.String(); s {
	case "esc", "q", "ctrl+c":
		return Close{}
	case "up", "k", "shift+tab":
		p.move(-1)
	case "down", "j", "tab":
		p.move(1)
	case "enter":
		return p.pick(p.at)
	default:
		for i := range p.Items {
			if s == fmt.Sprint(i+1) {
				return p.pick(i)
			}
		}
	}
	return nil
}

// begin puts the choice on the first item that can be chosen.
func (p *Pick) begin() {
	if !p.begun && len(p.Items) > 0 {
		p.begun = true
		if p.Items[0].Off {
			p.move(1)
		}
	}
}

// move goes to the next item that can be chosen, round the end.
func (p *Pick) move(step int) {
	for i := 1; i <= len(p.Items); i++ {
		at := (p.at + i*step + len(p.Items)) % len(p.Items)
		if !p.Items[at].Off {
			p.at = at
			return
		}
	}
}

func (p *Pick) pick(i int) Action {
	if i >= len(p.Items) || p.Items[i].Off {
		return nil
	}
	p.at = i
	return p.Items[i].Action
}

// fewRows is how many rows of items must show before the text may.
const fewRows = 6

// Draw implements Dialog.
func (p *Pick) Draw(st *theme.Styles, w, h int) Box {
	p.begin()
	bw := width(68, w)
	in := bw - 2 - 2*padX
	head := append(paint.Each(paint.Wrap(st.Sym.Plain(p.Text), in), st.Text.Render), "")
	if h-frameRows-len(head) < fewRows {
		head = nil
	}
	var rows []string
	first, last := 0, 0
	for i := range p.Items {
		item := p.item(st, i, in)
		if i == p.at {
			first, last = len(rows), len(rows)+len(item)
		}
		rows = append(rows, item...)
	}
	room := max(1, h-frameRows-len(head))
	p.offset = min(max(p.offset, last-room), first)
	shown, offset := paint.Window(rows, p.offset, room)
	p.offset = offset
	keys := hint(st, st.Sym.Up+st.Sym.Down, "choose", "enter", p.Enter, "esc", "go back")
	return Box{Lines: frame(st, bw, st.Title.Render(st.Sym.Plain(p.Title)), append(head, shown...), keys)}
}

// item draws one entry, wrapped.
func (p *Pick) item(st *theme.Styles, i, w int) []string {
	it := &p.Items[i]
	style := st.Text
	mark := ""
	switch {
	case it.Off:
		style, mark = st.Muted, st.Sym.Broken
	case it.Done:
		mark = st.Sym.Done
	}
	lines := paint.Wrap(st.Sym.Plain(it.Text), w-6)
	for j, l := range lines {
		head, tail := "    ", ""
		if j == 0 {
			head, tail = fmt.Sprintf(" %d  ", i+1), mark+" "
		}
		if i == p.at {
			lines[j] = st.Chosen.Render(paint.Spread(head+l, tail, w, st.Sym.Ellipsis))
			continue
		}
		lines[j] = paint.Spread(st.Key.Render(head)+style.Render(l), st.Muted.Render(tail), w, st.Sym.Ellipsis)
	}
	return lines
}
