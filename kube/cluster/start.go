package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"underlay/engine/companion"
	"underlay/kube/control"
	"underlay/kube/kubelet"
	"underlay/kube/policy"
	"underlay/kube/proxy"
)

func (c *cluster) startServer(ctx context.Context) error {
	if err := c.server.Start(ctx, c.authority, c.fail); err != nil {
		return err
	}
	if err := control.Wait(ctx, c.admin, "/readyz"); err != nil {
		return err
	}
	c.progress.Ready(companion.StepServer)
	return nil
}

// As returns a client of the API server that acts as the given user.
func (c *cluster) as(user string, groups ...string) (kubernetes.Interface, error) {
	config, err := c.server.Client(c.authority, user, groups...)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// StartControllers starts what shares its watch of the API server:
// controllers and policies. The scheduler has a watch of its own.
func (c *cluster) startControllers(ctx context.Context) error {
	config, err := c.server.Client(c.authority, "system:kube-controller-manager")
	if err != nil {
		return err
	}
	controllers, err := control.NewControllers(ctx, config)
	if err != nil {
		return err
	}
	if err := c.startPolicies(ctx, controllers.Informers); err != nil {
		return err
	}
	if err := errors.Join(c.watchDNS(controllers.Informers), c.reportPods(controllers.Informers)); err != nil {
		return err
	}
	controllers.Start(ctx)
	if config, err = c.server.Client(c.authority, "system:kube-scheduler"); err != nil {
		return err
	}
	again := func(why string) {
		c.progress.Restarted(companion.StepControl, "the scheduler ended and was started again: "+why)
	}
	if err := control.StartScheduler(ctx, config, again); err != nil {
		return err
	}
	c.progress.Ready(companion.StepControl)
	if !c.config.Policy {
		return nil
	}
	if err := c.policies.Wait(ctx); err != nil {
		return err
	}
	c.progress.Ready(companion.StepPolicy)
	return nil
}

func (c *cluster) startPolicies(ctx context.Context, factory informers.SharedInformerFactory) (err error) {
	if !c.config.Policy {
		return nil
	}
	var nodes []string
	for _, node := range c.config.Nodes {
		nodes = append(nodes, node.Name)
	}
	failed := func(err error) { c.progress.Failed(companion.StepPolicy, err) }
	again := func(node string) { c.progress.Restarted(companion.StepPolicy, node+" keeps to them again") }
	if c.policies, err = policy.Start(ctx, factory, nodes, failed, again); err != nil {
		return err
	}
	close(c.policed)
	return nil
}

// Judged returns when policies apply to a pod of a node that has got its address,
// or when ctx ends.
func (c *cluster) judged(ctx context.Context, node string, pod types.NamespacedName, uid types.UID, address netip.Addr) error {
	select {
	case <-c.policed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.policies.Judged(ctx, node, pod, uid, address)
}

func (c *cluster) startProxies(ctx context.Context) error {
	if c.config.Proxy == "none" {
		return nil
	}
	client, err := c.as("system:kube-proxy")
	if err != nil {
		return err
	}
	var nodes []proxy.Node
	for _, node := range c.config.Nodes {
		nodes = append(nodes, proxy.Node(node))
	}
	failed := func(err error) { c.progress.Failed(companion.StepProxy, err) }
	if c.proxies, err = proxy.Start(ctx, client, c.config.Proxy, nodes, failed); err != nil {
		return err
	}
	close(c.proxied)
	c.progress.Ready(companion.StepProxy)
	return nil
}

// StartKubelets starts the nodes' kubelets, which register once there is an API
// server.
func (c *cluster) startKubelets(ctx context.Context) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("kubelets: %w", err)
	}
	for _, node := range c.config.Nodes {
		config, err := c.kubelet(node, binary)
		if err != nil {
			return fmt.Errorf("kubelet of %s: %w", node.Name, err)
		}
		c.kubelets.Go(func() { c.runKubelet(ctx, config) })
	}
	return nil
}

// KubeletPause is how long a kubelet that has ended stays away.
const kubeletPause = time.Second

// RunKubelet keeps a kubelet running until ctx ends. One that cannot even begin is
// a failure of the cluster's while that is being opened.
func (c *cluster) runKubelet(ctx context.Context, config kubelet.Config) {
	for ctx.Err() == nil {
		err := kubelet.Run(ctx, config)
		if ctx.Err() != nil {
			return
		}
		c.progress.Failed(companion.StepNodes, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(kubeletPause):
		}
		c.progress.Restarted(companion.StepNodes, fmt.Sprintf("the kubelet of %s ended and is started again", config.Node))
	}
}

// AwaitNodes returns when all nodes are ready.
func (c *cluster) awaitNodes(ctx context.Context) error {
	if err := c.waitForNodes(ctx); err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	c.progress.Ready(companion.StepNodes)
	return nil
}

func (c *cluster) kubelet(node companion.Node, binary string) (kubelet.Config, error) {
	dir := filepath.Join(c.config.Dir, node.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return kubelet.Config{}, err
	}
	client, err := c.as("system:node:"+node.Name, "system:nodes")
	if err != nil {
		return kubelet.Config{}, err
	}
	certificate, err := c.authority.Kubelet(node.Name, node.Address)
	if err != nil {
		return kubelet.Config{}, err
	}
	config := kubelet.Config{
		Node: node.Name, Address: node.Address, PodCIDR: node.PodCIDR,
		Client: client, Certificate: certificate, ClientCAs: c.authority.Pool(),
		CNI: c.config.CNI, Domain: c.config.Domain, Dir: dir,
		PodBinary: c.config.PodBinary, KubeBinary: binary,
	}
	if c.config.DNS {
		config.ClusterDNS = c.config.DNSService
	}
	if c.config.Policy {
		config.Judged = func(ctx context.Context, pod types.NamespacedName, uid types.UID, address netip.Addr) error {
			return c.judged(ctx, node.Name, pod, uid, address)
		}
	}
	for _, peer := range c.config.Nodes {
		if peer.Name != node.Name {
			config.Peers = append(config.Peers, kubelet.Peer(peer))
		}
	}
	return config, nil
}
