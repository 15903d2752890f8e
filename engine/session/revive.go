package session

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

var errEnding = errors.New("it keeps ending")

// attendCluster follows the instance's cluster, and starts its process again where it
// ends. What the cluster held is in files of the world, so that nothing is lost but
// what ran in pods.
func (s *Session) attendCluster(p *instance, lines *bufio.Reader) {
	c := p.cluster
	for revivals := 0; ; {
		began := time.Now()
		c.listen(lines, s)
		if c.isClosed() {
			return
		}
		if time.Since(began) > steady {
			revivals = 0
		}
		err := errEnding
		if revivals++; revivals <= mostRevivals {
			c.say("Kubernetes has ended. It is being started again.")
			s.signal()
			lines, err = s.revive(p)
		}
		if c.isClosed() {
			return
		}
		if err != nil {
			c.say(fmt.Sprintf("Kubernetes has ended and could not be started again: %v. Reset rebuilds it.", err))
			s.signal()
			return
		}
		told := "Kubernetes ended and was started again at " + time.Now().Format("15:04:05") + ". Its objects are as they were; containers were restarted."
		c.say(told)
		time.AfterFunc(tellRevival, func() {
			c.withdraw(told)
			s.signal()
		})
		s.trigger(trigger{hard: true})
		s.signal()
	}
}

// revive starts the process of the instance's cluster and returns when it is ready.
func (s *Session) revive(p *instance) (*bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clusterWait)
	defer cancel()
	_, told, err := p.world.Start(ctx, engine.ClusterControl, companion.ClusterProgram, "cluster", "--config", clusterFile)
	if err != nil {
		return nil, err
	}
	if !p.cluster.follow(told) {
		return nil, errClosed
	}
	lines := bufio.NewReader(told)
	return lines, p.cluster.await(lines, companion.StepCluster, func(string) {})
}

// follow makes told what the cluster is heard through; false if nobody listens any more.
func (c *cluster) follow(told *os.File) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = told.Close()
		return false
	}
	_ = c.told.Close() // its writer has ended
	c.told, c.pods, c.steps = told, map[string]companion.PodReport{}, nil
	return true
}

func (c *cluster) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}
