// Package cluster joins the parts of a Kubernetes in one process: control
// plane, proxies, policies, and a kubelet for each node. What it does not
// know: how nodes are wired, and what the cluster is for.
package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"underlay/kube/control"
	"underlay/kube/proxy"
)

// The steps that are reported, in the order in which they usually end.
const (
	StepServer    = "API server"
	StepControl   = "controllers"
	StepProxy     = "kube-proxy"
	StepPolicy    = "network policies"
	StepNodes     = "nodes"
	StepDNS       = "DNS"
	StepManifests = "manifests"
	StepCluster   = "cluster"
	StepPod       = "pod" // of each pod, at any time
)

// A cluster is a cluster that is being opened or runs.
type cluster struct {
	config    Config
	progress  *Progress
	authority *control.Authority
	server    control.Server
	admin     *rest.Config
	client    kubernetes.Interface
	kubelets  sync.WaitGroup
	fail      context.CancelCauseFunc
	proxies   *proxy.Proxies // once proxied is closed
	proxied   chan struct{}
}

// Run opens the cluster, reports its progress, calls opened, and keeps the
// cluster until ctx is done; then it ends all pods and returns nil. It returns
// an error if the cluster could not be opened or cannot go on. The process has
// to be in the network namespace of the control node.
func Run(ctx context.Context, config Config, progress *Progress, opened func()) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c := &cluster{config: config, progress: progress, fail: fail, proxied: make(chan struct{})}
	if err := c.open(ctx); err != nil {
		fail(err)
	} else {
		progress.Ready(StepCluster)
		opened()
	}
	<-ctx.Done()
	c.kubelets.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Open returns when the cluster is ready.
func (c *cluster) open(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}
	// Kubelets prepare their nodes' networks meanwhile: BGP takes two seconds.
	if err := c.startKubelets(ctx); err != nil {
		return err
	}
	if err := c.startServer(ctx); err != nil {
		return err
	}
	var group errgroup.Group
	for _, start := range []func(context.Context) error{
		c.startControllers, c.startProxies, c.awaitNodes, c.startDNS, c.applyManifests,
	} {
		group.Go(func() error {
			err := start(ctx)
			if err != nil {
				c.fail(err) // ends what the others wait for
			}
			return err
		})
	}
	return group.Wait()
}

func (c *cluster) prepare() (err error) {
	if err := os.MkdirAll(c.config.Dir, 0o755); err != nil {
		return err
	}
	if c.authority, err = control.NewAuthority(); err != nil {
		return err
	}
	c.server = control.Server{
		Dir: c.config.Dir, Address: c.config.Control.Address, ServiceCIDR: c.config.ServiceCIDR, Domain: c.config.Domain,
	}
	if err := c.server.WriteKubeconfig(filepath.Join(c.config.Dir, admin), c.authority, "kubernetes-admin", "system:masters"); err != nil {
		return err
	}
	if c.admin, err = c.server.Client(c.authority, "kubernetes-admin", "system:masters"); err != nil {
		return err
	}
	c.client, err = kubernetes.NewForConfig(c.admin)
	return err
}
