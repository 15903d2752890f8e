// Package dns is CoreDNS with the plugins that the Corefile of a Kubernetes
// cluster names. It is the workload behind the image "coredns" and runs in a
// pod like any other. What it does not know: where the cluster is; its
// Corefile says so.
package dns

import (
	"fmt"
	"os"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"

	// The plugins register themselves.
	_ "github.com/coredns/coredns/plugin/autopath"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"
)

// Directives are the plugins, in the order in which they see a query.
var directives = []string{
	"reload", "ready", "health", "errors", "log", "loadbalance", "rewrite", "autopath",
	"cache", "template", "hosts", "kubernetes", "loop", "forward",
}

// Run serves DNS as the given Corefile says, until the process is told to end.
func Run(corefile string) error {
	contents, err := os.ReadFile(corefile)
	if err != nil {
		return fmt.Errorf("DNS: %w", err)
	}
	if err := dnsserver.Register(); err != nil {
		return fmt.Errorf("DNS: %w", err)
	}
	dnsserver.Directives = directives
	dnsserver.Quiet, caddy.Quiet = true, true
	caddy.TrapSignals()
	server, err := caddy.Start(caddy.CaddyfileInput{Contents: contents, Filepath: corefile, ServerTypeName: "dns"})
	if err != nil {
		return fmt.Errorf("DNS: %w", err)
	}
	server.Wait()
	return nil
}
