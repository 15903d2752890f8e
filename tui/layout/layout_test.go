package layout

import "testing"

func states() []State {
	var out []State
	for _, sc := range []Screen{Home, Reader, Opening, Lab} {
		for _, zoom := range []bool{false, true} {
			for _, panel := range []bool{false, true} {
				for _, shown := range []Shown{ByRoom, Always, Never} {
					for _, path := range []bool{false, true} {
						out = append(out, State{Screen: sc, Zoom: zoom, Panel: panel, Map: shown, Path: path})
					}
				}
			}
		}
	}
	return out
}

// Every cell of the terminal belongs to exactly one rectangle, at every size.
func TestRectanglesTileTheTerminal(t *testing.T) {
	for _, s := range states() {
		for w := 60; w <= 250; w++ {
			for h := 16; h <= 70; h++ {
				checkTiling(t, w, h, s)
				if t.Failed() {
					return
				}
			}
		}
	}
}

func checkTiling(t *testing.T, w, h int, s State) {
	t.Helper()
	r := Compute(w, h, s)
	all := r.All()
	area := 0
	for i, a := range all {
		if a.X < 0 || a.Y < 0 || a.W < 1 || a.H < 1 || a.X+a.W > w || a.Y+a.H > h {
			t.Fatalf("%d×%d %+v: %+v is out of bounds", w, h, s, a)
		}
		area += a.W * a.H
		for _, b := range all[i+1:] {
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Fatalf("%d×%d %+v: %+v and %+v overlap", w, h, s, a, b)
			}
		}
	}
	if area != w*h {
		t.Fatalf("%d×%d %+v: %d of %d cells covered: %+v", w, h, s, area, w*h, r)
	}
	if s.Screen == Lab && r.Split && (!r.Shell.Empty() && r.Shell.W < 60 || r.Shell.Empty() && r.Path.W < 60 || r.Header.W < 30) {
		t.Fatalf("%d×%d: shell %d and panel %d columns are too narrow", w, h, r.Shell.W, r.Header.W)
	}
	if s.Screen == Lab && s.Path && !s.Zoom && !r.TooSmall && (r.Path.Empty() || r.Path.H < 13) {
		t.Fatalf("%d×%d %+v: the packet's way is %+v", w, h, s, r.Path)
	}
	covers := s.Path && !r.Split
	if s.Screen == Lab && !s.Zoom && !r.TooSmall && !covers && (s.Map == Always) != !r.Map.Empty() && s.Map != ByRoom {
		t.Fatalf("%d×%d %+v: the map is %+v", w, h, s, r.Map)
	}
}

func TestBelowTheMinimumOnlyTheBodyIsLeft(t *testing.T) {
	for _, size := range [][2]int{{59, 24}, {80, 15}, {0, 0}, {-1, 3}, {1, 1}} {
		r := Compute(size[0], size[1], State{Screen: Lab})
		if !r.TooSmall || len(r.All()) > 1 || r.Body.W < 0 || r.Body.H < 0 {
			t.Errorf("%v: %+v", size, r)
		}
	}
}

func TestOnePaneAtATimeAt80x24(t *testing.T) {
	shell := Compute(80, 24, State{Screen: Lab})
	if shell.Shell != (Rect{0, 1, 80, 21}) || !shell.Body.Empty() || shell.Strip.Empty() {
		t.Errorf("shell: %+v", shell)
	}
	panel := Compute(80, 24, State{Screen: Lab, Panel: true})
	if panel.Body != (Rect{0, 1, 80, 21}) || !panel.Shell.Empty() || panel.Strip.Empty() {
		t.Errorf("panel: %+v", panel)
	}
}

func TestTheMapSharesThePanelOnLargeScreens(t *testing.T) {
	large := Compute(200, 60, State{Screen: Lab})
	if large.Map.Empty() || large.Body.H < large.Map.H || large.MapTop.Empty() || large.Map.X != 0 {
		t.Errorf("by itself: %+v", large)
	}
	if off := Compute(200, 60, State{Screen: Lab, Map: Never}); !off.Map.Empty() || off.Body.H != 56 {
		t.Errorf("switched off: %+v", off)
	}
	small := Compute(100, 30, State{Screen: Lab})
	if !small.Map.Empty() {
		t.Errorf("it shows by itself: %+v", small)
	}
	asked := Compute(100, 30, State{Screen: Lab, Map: Always})
	if asked.Map != small.Body || !asked.Body.Empty() || asked.Shell != small.Shell {
		t.Errorf("asked for: %+v", asked)
	}
}

func TestThePacketsWayHasItsPlace(t *testing.T) {
	for _, c := range []struct {
		w, h               int
		shown              Shown
		path               Rect
		shell, tasks, mapp bool // are seen beside it
	}{
		{80, 24, ByRoom, Rect{0, 1, 80, 21}, false, false, false},
		{80, 24, Always, Rect{0, 1, 80, 21}, false, false, false},
		{100, 30, ByRoom, Rect{38, 2, 62, 26}, false, true, false},
		{100, 30, Always, Rect{38, 2, 62, 26}, false, false, true},
		{200, 60, ByRoom, Rect{0, 2, 64, 28}, true, false, true},
		{200, 60, Never, Rect{0, 31, 64, 27}, true, true, false},
	} {
		r := Compute(c.w, c.h, State{Screen: Lab, Map: c.shown, Path: true})
		if r.Path != c.path || r.Shell.Empty() == c.shell || r.Body.Empty() == c.tasks || r.Map.Empty() == c.mapp {
			t.Errorf("%d×%d, map %v: %+v", c.w, c.h, c.shown, r)
		}
	}
}

func TestContains(t *testing.T) {
	r := Rect{2, 3, 4, 5}
	for _, c := range []struct {
		x, y int
		want bool
	}{{2, 3, true}, {5, 7, true}, {6, 7, false}, {5, 8, false}, {1, 3, false}} {
		if r.Contains(c.x, c.y) != c.want {
			t.Errorf("%d,%d: want %v", c.x, c.y, c.want)
		}
	}
}
