package kernel

import (
	"slices"
	"strings"
	"testing"
)

const dep = `kernel/net/bridge/bridge.ko: kernel/net/802/stp.ko kernel/net/llc/llc.ko
kernel/net/802/stp.ko: kernel/net/llc/llc.ko
kernel/net/llc/llc.ko:
kernel/drivers/net/veth.ko:
kernel/drivers/net/wireguard/wireguard.ko.xz: kernel/lib/crypto/libchacha.ko.xz
kernel/lib/crypto/libchacha.ko.xz:
kernel/lib/crypto/libdes.ko:
kernel/drivers/net/ethernet/intel/e1000.ko:
kernel/sound/soundcore.ko:
`

func TestClosureTakesWhatIsNeededAndNoMore(t *testing.T) {
	deps, err := ParseDependencies(strings.NewReader(dep))
	if err != nil {
		t.Fatal(err)
	}
	got, err := deps.Closure(Networking)
	want := []string{
		"kernel/drivers/net/veth.ko",
		"kernel/drivers/net/wireguard/wireguard.ko.xz",
		"kernel/lib/crypto/libchacha.ko.xz",
		"kernel/net/802/stp.ko",
		"kernel/net/bridge/bridge.ko",
		"kernel/net/llc/llc.ko",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
}

func TestClosureGoesRound(t *testing.T) {
	deps := Dependencies{"a": {"b"}, "b": {"a"}}
	got, err := deps.Closure(func(m string) bool { return m == "b" })
	if err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBadDependencies(t *testing.T) {
	if _, err := ParseDependencies(strings.NewReader("kernel/net/a.ko kernel/net/b.ko\n")); err == nil || !strings.Contains(err.Error(), "without a colon") {
		t.Errorf("a line without a colon: %v", err)
	}
	deps := Dependencies{"a": {"gone"}}
	if _, err := deps.Closure(func(string) bool { return true }); err == nil || !strings.Contains(err.Error(), "gone is needed") {
		t.Errorf("a module that is not listed: %v", err)
	}
}

func TestWhatAptSays(t *testing.T) {
	const about = "Package: linux-image-cloud-amd64\nVersion: 6.1.192-2\nDepends: linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2)\nProvides: linux-latest-image-x\n"
	if m := dependency.FindStringSubmatch(about); m == nil || m[1] != "linux-image-6.1.0-56-cloud-amd64" {
		t.Errorf("depends on %v", m)
	}
	if m := versioned.FindStringSubmatch(about); m == nil || m[1] != "6.1.192-2" {
		t.Errorf("version %v", m)
	}
}
