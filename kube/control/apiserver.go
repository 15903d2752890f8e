package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// Port is where the API server listens.
const Port = 6443

// Served are the groups of the API that the cluster has. Each costs time at
// the start and memory, so those are left out that nothing here looks at. The
// API server itself watches those of admission, and the scheduler those of
// resources.
var served = []string{
	"v1", "apps/v1", "batch/v1", "discovery.k8s.io/v1", "events.k8s.io/v1", "networking.k8s.io/v1",
	"authentication.k8s.io/v1", "authorization.k8s.io/v1", "coordination.k8s.io/v1",
	"policy/v1", "scheduling.k8s.io/v1", "storage.k8s.io/v1",
	"apiextensions.k8s.io/v1", "apiregistration.k8s.io/v1", "admissionregistration.k8s.io/v1", "resource.k8s.io/v1",
}

// Unused are the plugins of admission that concern groups which are not
// served, or what nobody does here: no controller takes the taint of a new node
// away when it is ready.
var unused = []string{
	"NodeRestriction", "TaintNodesByCondition", "RuntimeClass", "StorageObjectInUseProtection", "DefaultStorageClass",
	"PersistentVolumeClaimResize", "PodGroupProtection", "CertificateApproval", "CertificateSigning",
	"CertificateSubjectRestriction", "ClusterTrustBundleAttest", "PodSecurity", "PodTopologyLabels",
	"MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ValidatingAdmissionPolicy", "ValidatingAdmissionWebhook",
}

// A Server says how the API server runs.
type Server struct {
	// Dir is for its files; it is made.
	Dir string
	// Address is where it listens, in the network namespace of the calling
	// process and no other.
	Address netip.Addr
	// ServiceCIDR is the range of ClusterIPs, the first of which is the API
	// server's own. Domain is the cluster's, for the issuer of tokens.
	ServiceCIDR netip.Prefix
	Domain      string
	// Handlers serve paths that are no part of Kubernetes. They may be nil.
	Handlers map[string]http.Handler
	// Compaction is how often the store forgets what was there before; 0 is the
	// default of Kubernetes, five minutes.
	Compaction time.Duration
}

// PKI is the directory of the cluster's keys and certificates.
func (s Server) PKI() string { return filepath.Join(s.Dir, "pki") }

// URL is where clients find the server.
func (s Server) URL() string {
	return fmt.Sprintf("https://%s", netip.AddrPortFrom(s.Address, Port))
}

// Start starts the store and the API server. It returns at once; failed gets
// the reason if the server ends before ctx does. Only one can be started in a
// process, because Kubernetes keeps its options in package variables.
func (s Server) Start(ctx context.Context, authority *Authority, failed func(error)) error {
	if err := s.writePKI(authority, s.PKI()); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	socket := filepath.Join(s.Dir, "store.sock")
	if err := startStore(filepath.Join(s.Dir, "etcd"), socket, failed); err != nil {
		return err
	}
	completed, err := s.options(ctx, s.arguments(socket))
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	go func() {
		err := s.serve(ctx, completed)
		if ctx.Err() == nil {
			failed(fmt.Errorf("API server ended: %w", err))
		}
	}()
	return nil
}

// Serve does what app.Run does, and serves the Handlers as well.
func (s Server) serve(ctx context.Context, completed options.CompletedOptions) (err error) {
	if completed.InformerName, err = cache.NewInformerName("kube-apiserver"); err != nil {
		return err
	}
	config, err := app.NewConfig(completed)
	if err != nil {
		return err
	}
	complete, err := config.Complete()
	if err != nil {
		return err
	}
	chain, err := app.CreateServerChain(complete)
	if err != nil {
		return err
	}
	for path, handler := range s.Handlers {
		chain.GenericAPIServer.Handler.NonGoRestfulMux.Handle(path, handler)
	}
	prepared, err := chain.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}

func (s Server) writePKI(authority *Authority, dir string) error {
	first := s.ServiceCIDR.Masked().Addr().Next()
	cert, key, err := authority.Server("kube-apiserver",
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + s.Domain},
		s.Address, first, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err != nil {
		return err
	}
	clientCert, clientKey, err := authority.Client("kube-apiserver-kubelet-client", "system:masters")
	if err != nil {
		return err
	}
	return authority.writePKI(dir, pair{cert, key}, pair{clientCert, clientKey})
}

func (s Server) arguments(socket string) []string {
	file := func(name string) string { return filepath.Join(s.PKI(), name) }
	arguments := []string{
		"--bind-address=" + s.Address.String(),
		"--advertise-address=" + s.Address.String(),
		fmt.Sprintf("--secure-port=%d", Port),
		"--etcd-servers=unix://" + socket,
		"--service-cluster-ip-range=" + s.ServiceCIDR.String(),
		"--runtime-config=api/all=false," + strings.Join(served, "=true,") + "=true",
		"--disable-admission-plugins=" + strings.Join(unused, ","),
		"--client-ca-file=" + file(authorityCert),
		"--tls-cert-file=" + file("apiserver.crt"),
		"--tls-private-key-file=" + file("apiserver.key"),
		"--kubelet-certificate-authority=" + file(authorityCert),
		"--kubelet-client-certificate=" + file("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + file("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc." + s.Domain,
		"--service-account-key-file=" + file(tokensKey),
		"--service-account-signing-key-file=" + file(tokensKey),
		"--authorization-mode=AlwaysAllow",
		"--anonymous-auth=false",
		"--allow-privileged=true",
		"--enable-priority-and-fairness=false",
		"--watch-cache=false",
		"--profiling=false",
		// Both are for several API servers.
		"--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
	}
	if s.Compaction > 0 {
		arguments = append(arguments, "--etcd-compaction-interval="+s.Compaction.String())
	}
	return arguments
}

func (s Server) options(ctx context.Context, arguments []string) (options.CompletedOptions, error) {
	var none options.CompletedOptions
	o := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range o.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(arguments); err != nil {
		return none, err
	}
	if err := o.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return none, err
	}
	completed, err := o.Complete(ctx)
	if err != nil {
		return none, err
	}
	return completed, utilerrors.NewAggregate(completed.Validate())
}

// readyPoll is how often the server is asked whether it is ready. It has no
// other way to say so.
const readyPoll = 10 * time.Millisecond

// Wait returns when the server at the config's host answers on the given path,
// such as /readyz, that all is well, or when ctx is done.
func Wait(ctx context.Context, config *rest.Config, path string) error {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	last := errors.New("it was not asked")
	err = wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path, nil)
		if err != nil {
			return false, err
		}
		response, err := client.Do(request)
		if err != nil {
			last = err
			return false, nil //nolint:nilerr // it is asked again
		}
		last = fmt.Errorf("%s: %s", path, response.Status)
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
	if err != nil {
		return fmt.Errorf("API server is not ready: %w", errors.Join(err, last))
	}
	return nil
}

// WriteKubeconfig writes the file with which kubectl reaches the server as the
// given user. Only its owner can read it.
func (s Server) WriteKubeconfig(path string, authority *Authority, user string, groups ...string) error {
	cert, key, err := authority.Client(user, groups...)
	if err != nil {
		return err
	}
	data, err := kubeconfig(s.URL(), authority.PEM(), cert, key, user)
	if err != nil {
		return fmt.Errorf("kubeconfig of %s: %w", user, err)
	}
	return os.WriteFile(path, data, 0o600)
}

// Client returns how a component in this process reaches the server as the
// given user, without limits on how often it asks.
func (s Server) Client(authority *Authority, user string, groups ...string) (*rest.Config, error) {
	cert, key, err := authority.Client(user, groups...)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host:      s.URL(),
		UserAgent: strings.ReplaceAll(user, ":", "-"),
		QPS:       -1,
		ContentConfig: rest.ContentConfig{
			ContentType:        "application/vnd.kubernetes.protobuf",
			AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json",
		},
		TLSClientConfig: rest.TLSClientConfig{CAData: authority.PEM(), CertData: cert, KeyData: key},
	}, nil
}
