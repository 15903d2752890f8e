package cni

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"underlay/kube/bgp"
	"underlay/kube/internal/netns"
)

// speakerPause is how long a speaker that ended stays away.
const speakerPause = time.Second

// autonomousSystem is the private AS number in which Calico puts all nodes.
const autonomousSystem = 64512

// speak keeps a BGP speaker running in the node's namespace until ctx ends.
func (n *Network) speak(ctx context.Context, failed func(error)) {
	for ctx.Err() == nil {
		err := n.runSpeaker(ctx)
		if ctx.Err() != nil {
			return
		}
		failed(fmt.Errorf("BGP speaker: %w; starting it again", err))
		select {
		case <-time.After(speakerPause):
		case <-ctx.Done():
		}
	}
}

func (n *Network) runSpeaker(ctx context.Context) error {
	c := bgp.Config{
		AS: autonomousSystem, RouterID: n.config.Self.Address, Announce: n.config.Self.PodCIDR.Masked(),
	}
	for _, p := range n.config.Peers {
		c.Neighbors = append(c.Neighbors, p.Address)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, n.config.Speaker, "bgp")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	told, err := cmd.StdinPipe() // open as long as the speaker is to speak
	if err != nil {
		return err
	}
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := netns.Do(n.netns, cmd.Start); err != nil {
		return err
	}
	_, _ = told.Write(text) // if it takes no input, it says why
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return fmt.Errorf("it ended by itself: %s", strings.TrimSpace(said.String()))
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

const tailBytes = 1 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > tailBytes {
		t.b = append([]byte(nil), t.b[len(t.b)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }
