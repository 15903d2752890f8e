package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	"underlay/engine/companion"
	"underlay/kube/kubectl"
)

// ApplyManifests applies the files that the config names, and waits for what
// they ask for. A file that is refused is reported; the cluster is there without it.
func (c *cluster) applyManifests(ctx context.Context) error {
	if len(c.config.Manifests) == 0 || c.resumed {
		return nil
	}
	if err := kubectl.Apply(filepath.Join(c.config.Dir, companion.AdminConf), c.config.Manifests); err != nil {
		c.progress.Failed(companion.StepManifests, fmt.Errorf("apply manifests: %w", err))
		return nil
	}
	if _, err := c.settle(ctx); err != nil { // what is late comes by itself, or does not
		return err
	}
	c.progress.Ready(companion.StepManifests)
	return nil
}
