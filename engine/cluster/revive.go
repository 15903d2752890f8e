package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"underlay/engine"
	"underlay/engine/companion"
)

const (
	// steady is how long a cluster's process must have run for its earlier ends to
	// be forgotten.
	steady = time.Minute
	// mostRevivals is how often in a row it is started again.
	mostRevivals = 3
	// tellRevival is for how long it is said that it was.
	tellRevival = 2 * time.Minute
)

var (
	errEnding = errors.New("it keeps ending")
	errEnded  = errors.New("the lab is closed")
)

// attend listens to the cluster's process, and starts it again where it ends. What the
// cluster held is in files of the world, so that nothing is lost but what ran in pods.
func (c *Cluster) attend(lines *bufio.Reader) {
	for revivals := 0; ; {
		began := time.Now()
		c.listen(lines)
		if c.isClosed() {
			return
		}
		if time.Since(began) > steady {
			revivals = 0
		}
		err := errEnding
		if revivals++; revivals <= mostRevivals {
			c.say("Kubernetes has ended. It is being started again.")
			c.listener.Health()
			lines, err = c.revive()
		}
		if c.isClosed() {
			return
		}
		if err != nil {
			c.say(fmt.Sprintf("Kubernetes has ended and could not be started again: %v. Reset rebuilds it.", err))
			c.listener.Health()
			return
		}
		told := "Kubernetes ended and was started again at " + time.Now().Format("15:04:05") + ". Its objects are as they were; containers were restarted."
		c.say(told)
		time.AfterFunc(tellRevival, func() {
			c.withdraw(told)
			c.listener.Health()
		})
		c.listener.Changed()
		c.listener.Health()
	}
}

// revive starts the cluster's process and returns when it is ready.
func (c *Cluster) revive() (*bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clusterWait)
	defer cancel()
	_, told, err := c.plane.World.Start(ctx, engine.ClusterControl, companion.ClusterProgram, "cluster", "--config", clusterFile)
	if err != nil {
		return nil, err
	}
	if !c.hear(told) {
		return nil, errEnded
	}
	lines := bufio.NewReader(told)
	return lines, c.await(lines, companion.StepCluster, func(string) {})
}

// hear makes told what the cluster is heard through; false if nobody listens any more.
func (c *Cluster) hear(told *os.File) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = told.Close()
		return false
	}
	_ = c.plane.told.Close() // its writer has ended
	c.plane.told, c.pods, c.steps = told, map[string]companion.PodReport{}, nil
	return true
}

func (c *Cluster) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
