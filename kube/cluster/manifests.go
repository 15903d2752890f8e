package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	"underlay/kube/kubectl"
)

// ApplyManifests applies the files that the config names. A file that is
// refused is reported; the cluster is there without it.
func (c *cluster) applyManifests(context.Context) error {
	if len(c.config.Manifests) == 0 {
		return nil
	}
	if err := kubectl.Apply(filepath.Join(c.config.Dir, admin), c.config.Manifests); err != nil {
		c.progress.Failed(StepManifests, fmt.Errorf("apply manifests: %w", err))
		return nil
	}
	c.progress.Ready(StepManifests)
	return nil
}
