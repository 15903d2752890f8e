package prove

import (
	"strings"
	"testing"
)

const script = `# A comment.
ip link add a type bridge; ip link set a up
for n in 1 2; do # optional: in a loop
  ip link add v$n type dummy
  # optional: inside, where it means nothing
done
# node: c1
nft -f - <<NFT && echo done # optional: shown
table ip x { }
NFT
cat <<-'E O F' <<B
	one
	E O F
two
B
# optional
# and more
first &&
  second
third

# Optionally, something else.
fourth # optional:   spaces
`

func TestWithout(t *testing.T) {
	src, err := parse(script)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ gone, reason string }{
		{"ip link add a type bridge;", "-"},
		{"ip link set a up", "-"},
		{"for n in 1 2; do # optional: in a loop\n  ip link add v$n type dummy\n  # optional: inside, where it means nothing\ndone", "in a loop"},
		{"nft -f - <<NFT && echo done|table ip x { }\nNFT\n", "shown"},
		{"cat <<-'E O F' <<B|\tone\n\tE O F\ntwo\nB\n", "-"},
		{"first &&\n  second", ""},
		{"third", "-"},
		{"fourth", "spaces"},
	}
	if len(src.commands) != len(want) {
		t.Fatalf("%d commands: %+v", len(src.commands), src.commands)
	}
	for i, w := range want {
		rest := script
		for gone := range strings.SplitSeq(w.gone, "|") {
			rest = strings.Replace(rest, gone, "", 1)
		}
		if got := src.without(i); got != rest {
			t.Errorf("without command %d:\n%s\nwant\n%s", i, got, rest)
		}
		reason := "-"
		if m := src.commands[i].optional; m != nil {
			reason = m.reason
		}
		if reason != w.reason {
			t.Errorf("command %d is optional for %q, want %q", i, reason, w.reason)
		}
	}
	if len(src.stray) != 1 || src.stray[0].line != 5 {
		t.Errorf("stray marks: %+v, want the one inside the loop", src.stray)
	}
}

func TestParseSaysWhatIsNoShell(t *testing.T) {
	for text, want := range map[string]string{
		"echo 'a\n":          "1:6: ",
		"true\nfi\n":         "2:1: ",
		"true\nif x; then\n": "2:",
	} {
		if _, err := parse(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
