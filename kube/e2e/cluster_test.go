package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"underlay/engine/companion"
	"underlay/kube/internal/netns"
	"underlay/kube/internal/testcluster"
	"underlay/kube/internal/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m)) }

const openLimit = testcluster.Patience

type settings = testcluster.Settings

// cluster is a cluster that runs, with what the tests of this package ask of it.
type cluster struct{ *testcluster.Cluster }

func open(t testing.TB, s settings) *cluster {
	t.Helper()
	return &cluster{testcluster.Open(t, s)}
}

func (c *cluster) await(t testing.TB, step, state string) companion.Report {
	t.Helper()
	return c.Await(t, step, state)
}

func (c *cluster) kubectl(t testing.TB, manifest string, args ...string) (string, error) {
	t.Helper()
	return c.Kubectl(t, manifest, args...)
}

func (c *cluster) must(t testing.TB, manifest string, args ...string) string {
	t.Helper()
	return c.Must(t, manifest, args...)
}

func eventually(t testing.TB, what string, try func() error) time.Duration {
	t.Helper()
	return testcluster.Eventually(t, what, try)
}

// connect connects to an address from a network namespace, and returns what is
// said there until the other side has no more to say.
func connect(space, address string, timeout time.Duration) (string, error) {
	cmd := exec.Command("curl", "--silent", "--show-error", "--max-time", fmt.Sprintf("%.3f", timeout.Seconds()), "http://"+address+"/")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := netns.Do(netns.Path(space), cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return strings.TrimSpace(out.String()), err
}
