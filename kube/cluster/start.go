package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"underlay/kube/control"
	"underlay/kube/kubelet"
	"underlay/kube/policy"
	"underlay/kube/proxy"
)

// Admin is the file with which kubectl reaches a cluster, in its directory.
const admin = "admin.conf"

func (c *cluster) startServer(ctx context.Context) error {
	if err := c.server.Start(ctx, c.authority, c.fail); err != nil {
		return err
	}
	if err := control.Wait(ctx, c.admin, "/readyz"); err != nil {
		return err
	}
	c.progress.Ready(StepServer)
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
	enforced, err := c.startPolicies(ctx, controllers.Informers)
	if err != nil {
		return err
	}
	if err := errors.Join(c.watchDNS(controllers.Informers), c.reportPods(controllers.Informers)); err != nil {
		return err
	}
	controllers.Start(ctx)
	if config, err = c.server.Client(c.authority, "system:kube-scheduler"); err != nil {
		return err
	}
	if err := control.StartScheduler(ctx, config); err != nil {
		return err
	}
	c.progress.Ready(StepControl)
	if !c.config.Policy {
		return nil
	}
	if err := enforced(); err != nil {
		return err
	}
	c.progress.Ready(StepPolicy)
	return nil
}

func (c *cluster) startPolicies(ctx context.Context, factory informers.SharedInformerFactory) (enforced func() error, err error) {
	if !c.config.Policy {
		return nil, nil
	}
	var nodes []string
	for _, node := range c.config.Nodes {
		nodes = append(nodes, node.Name)
	}
	return policy.Start(ctx, factory, nodes, func(err error) { c.progress.Failed(StepPolicy, err) })
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
	failed := func(err error) { c.progress.Failed(StepProxy, err) }
	if c.proxies, err = proxy.Start(ctx, client, c.config.Proxy, nodes, failed); err != nil {
		return err
	}
	close(c.proxied)
	c.progress.Ready(StepProxy)
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
		c.kubelets.Go(func() {
			err := kubelet.Run(ctx, config)
			if ctx.Err() == nil {
				c.progress.Failed(StepNodes, fmt.Errorf("kubelet of %s: %w", node.Name, err))
			}
		})
	}
	return nil
}

// AwaitNodes returns when all nodes are ready.
func (c *cluster) awaitNodes(ctx context.Context) error {
	if err := c.waitForNodes(ctx); err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	c.progress.Ready(StepNodes)
	return nil
}

func (c *cluster) kubelet(node Node, binary string) (kubelet.Config, error) {
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
	for _, peer := range c.config.Nodes {
		if peer.Name != node.Name {
			config.Peers = append(config.Peers, kubelet.Peer(peer))
		}
	}
	return config, nil
}
