package prose

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"underlay/tui/theme"
)

// A terminal has no use for HTML: its tags are taken away, and what is between them stays.
func TestHTMLIsShownAsItsText(t *testing.T) {
	for src, want := range map[string]string{
		"a <b class=\"x\">bold</b> word":  "a bold word",
		"a <!-- hidden --> word":          "a  word",
		"1 < 2 and 3 > 2":                 "1 < 2 and 3 > 2",
		"`<none>` &amp; &lt;none&gt;":     "<none> & <none>",
		"<div>\nkept &amp; shown\n</div>": "kept & shown",
		"<!-- a\nb > c -->":               "",
		"line<br>break <":                 "linebreak <",
	} {
		lines := Markdown(theme.New(theme.Options{NoColor: true}), src, 60)
		if got := strings.TrimSpace(ansi.Strip(strings.Join(lines, "\n"))); got != want {
			t.Errorf("%q is shown as %q, want %q", src, got, want)
		}
	}
}
