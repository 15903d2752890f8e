// Package cluster joins the parts of a Kubernetes in one process: control
// plane, proxies, policies, and a kubelet for each node. What it does not
// know: how nodes are wired, and what the cluster is for.
package cluster

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"underlay/engine/companion"
	"underlay/kube/control"
	"underlay/kube/policy"
	"underlay/kube/proxy"
)

// A cluster is a cluster that is being opened or runs.
type cluster struct {
	config    companion.Config
	progress  *Progress
	authority *control.Authority
	server    control.Server
	admin     *rest.Config
	client    kubernetes.Interface
	kubelets  sync.WaitGroup
	fail      context.CancelCauseFunc
	proxies   *proxy.Proxies // once proxied is closed
	proxied   chan struct{}
	policies  *policy.Policies // once policed is closed; nil if there are none
	policed   chan struct{}
	resumed   bool // an earlier process has opened it
}

// Run opens the cluster, reports its progress, calls opened, and keeps the
// cluster until ctx is done; then it ends all pods and returns nil. It returns
// an error if the cluster could not be opened or cannot go on. The process has
// to be in the network namespace of the control node.
//
// If a cluster had been opened in the config's directory, by a process that has ended,
// it goes on with that: its store and its keys are there, objects are not
// made anew, and pods that ran are started again as after a reboot of their node.
//
// Standby, if not nil, returns the config to go on with; the first one then only
// says where the API server is, which starts at once. So somebody who will need
// a cluster can have the slow half of it before it is known which.
func Run(ctx context.Context, config companion.Config, progress *Progress, standby func(context.Context) (companion.Config, error), opened func()) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c := &cluster{config: config, progress: progress, fail: fail, proxied: make(chan struct{}), policed: make(chan struct{})}
	err := c.open(ctx, standby)
	if err == nil {
		err = c.leaveOpened()
	}
	if err != nil {
		fail(err)
	} else {
		progress.Ready(companion.StepCluster)
		opened()
	}
	<-ctx.Done()
	c.kubelets.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// OpenedFile is in a cluster's directory once the cluster has been opened.
const openedFile = "opened"

func (c *cluster) leaveOpened() error {
	return os.WriteFile(filepath.Join(c.config.Dir, openedFile), nil, 0o644)
}

// Open returns when the cluster is ready.
func (c *cluster) open(ctx context.Context, standby func(context.Context) (companion.Config, error)) error {
	if err := c.prepare(); err != nil {
		return err
	}
	serving := make(chan error, 1)
	go func() { serving <- c.startServer(ctx) }()
	if standby != nil {
		c.progress.Ready(companion.StepStandby)
		config, err := standby(ctx)
		if err != nil {
			return err
		}
		if config.Dir != c.config.Dir || config.Control != c.config.Control || config.ServiceCIDR != c.config.ServiceCIDR || config.Domain != c.config.Domain {
			return errors.New("the API server cannot move: dir, control, serviceCIDR and domain must stay as it started")
		}
		c.config = config
	}
	// Kubelets prepare their nodes' networks meanwhile: BGP takes two seconds.
	if err := c.startKubelets(ctx); err != nil {
		return err
	}
	if err := <-serving; err != nil {
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
	_, statErr := os.Stat(filepath.Join(c.config.Dir, openedFile))
	c.resumed = statErr == nil
	c.server = control.Server{
		Dir: c.config.Dir, Address: c.config.Control.Address, ServiceCIDR: c.config.ServiceCIDR, Domain: c.config.Domain,
		Compaction: time.Duration(c.config.Compaction),
		Handlers:   map[string]http.Handler{companion.SettledPath: http.HandlerFunc(c.serveSettled)},
	}
	if c.authority, err = control.LoadAuthority(c.server.PKI()); err != nil {
		return err
	}
	if !c.resumed { // somebody may have changed it
		if err := c.server.WriteKubeconfig(filepath.Join(c.config.Dir, companion.AdminConf), c.authority, "kubernetes-admin", "system:masters"); err != nil {
			return err
		}
	}
	if c.admin, err = c.server.Client(c.authority, "kubernetes-admin", "system:masters"); err != nil {
		return err
	}
	c.client, err = kubernetes.NewForConfig(c.admin)
	return err
}
