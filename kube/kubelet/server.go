package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"underlay/kube/internal/netns"
)

// Limits of the kubelet's API.
const (
	serverHeaderWait = 10 * time.Second
	dialWait         = 5 * time.Second
)

// serve serves the kubelet's API, by which the API server reaches into pods, in
// the node's namespace: logs, exec, attach and port-forward. Only clients whose
// certificates ClientCAs has signed are answered.
func (k *kubelet) serve() (failed <-chan error, stop func(), err error) {
	address := net.JoinHostPort(k.Address.String(), strconv.Itoa(kubeletPort))
	l, err := netns.Listen(k.netns, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler:           k.handler(),
		ReadHeaderTimeout: serverHeaderWait,
		ErrorLog:          log.New(io.Discard, "", 0), // clients without a certificate are no news
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{k.Certificate},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    k.ClientCAs,
			MinVersion:   tls.VersionTLS12,
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // streams upgrade HTTP/1.1
	}
	ch := make(chan error, 1)
	go func() {
		if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			ch <- err
		}
	}()
	return ch, func() { _ = server.Close() }, nil
}

func (k *kubelet) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	for _, uid := range []string{"", "/{uid}"} {
		mux.HandleFunc("/exec/{namespace}/{pod}"+uid+"/{container}", k.serveExec)
		mux.HandleFunc("/attach/{namespace}/{pod}"+uid+"/{container}", k.serveAttach)
		mux.HandleFunc("/portForward/{namespace}/{pod}"+uid, k.servePortForward)
	}
	return mux
}

// interactive returns what a request to exec or attach is about. Where that makes no
// sense it has answered already, and ok is false.
func (k *kubelet) interactive(w http.ResponseWriter, r *http.Request) (i *instance, options *remotecommand.Options, ok bool) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, nil, false
	}
	if i, err = k.findInstance(r); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return nil, nil, false
	}
	return i, options, true
}

func (k *kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	i, options, ok := k.interactive(w, r)
	if !ok {
		return
	}
	d := streaming.DefaultConfig
	remotecommand.ServeExec(w, r, streams{i: i}, r.PathValue("pod"), r.PathValue("uid"), r.PathValue("container"),
		r.URL.Query()["command"], options, d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedRemoteCommandProtocols)
}

func (k *kubelet) serveAttach(w http.ResponseWriter, r *http.Request) {
	i, options, ok := k.interactive(w, r)
	if !ok {
		return
	}
	d := streaming.DefaultConfig
	remotecommand.ServeAttach(w, r, streams{i: i}, r.PathValue("pod"), r.PathValue("uid"), r.PathValue("container"),
		options, d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedRemoteCommandProtocols)
}

func (k *kubelet) servePortForward(w http.ResponseWriter, r *http.Request) {
	worker, err := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d := streaming.DefaultConfig
	portforward.ServePortForward(w, r, forwarder{netns.Path(worker.netName)}, r.PathValue("pod"), r.PathValue("uid"),
		options, d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedPortForwardProtocols)
}

// findInstance returns what runs in the container that a request names.
func (k *kubelet) findInstance(r *http.Request) (*instance, error) {
	w, err := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		return nil, err
	}
	name := r.PathValue("container")
	type found struct {
		i     *instance
		there bool // the container
	}
	ch := make(chan found, 1)
	w.do(func() {
		for _, c := range w.containers {
			if c.name == name {
				ch <- found{c.instance, true}
				return
			}
		}
		ch <- found{}
	})
	select {
	case f := <-ch:
		switch {
		case !f.there:
			return nil, fmt.Errorf("container %s is not valid for pod %s", name, w.name)
		case f.i == nil:
			return nil, fmt.Errorf("unable to upgrade connection: container %s does not run in pod %s", name, w.name)
		}
		return f.i, nil
	case <-w.done:
		return nil, errNoPod
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// streams connects a client's streams with an instance.
type streams struct{ i *instance }

// ExecInContainer runs a command to its end.
func (s streams) ExecInContainer(ctx context.Context, _, _, _ string, argv []string, in io.Reader, out, errs io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	session := session{argv: argv, tty: tty, resize: resize, in: in, out: writer(out), err: writer(errs)}
	code, err := session.run(ctx, s.i)
	if err != nil {
		return err
	}
	if code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return nil
}

// AttachContainer shows what the container says, and lets it read.
func (s streams) AttachContainer(ctx context.Context, _, _, _ string, in io.Reader, out, errs io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	if in != nil && s.i.stdin == nil {
		return errors.New("the container reads no input (its stdin is not true)")
	}
	t := s.i.output.attach(writer(out), writer(errs))
	defer s.i.output.detach(t)
	if s.i.tty != nil {
		stop := followSize(ctx, s.i.tty, resize)
		defer stop()
	}
	if in != nil {
		var end io.Closer
		if s.i.once {
			end = s.i.stdin
		}
		go copyInput(s.i.stdin, in, end)
	}
	select {
	case <-s.i.done:
	case <-t.gone:
	case <-ctx.Done():
	}
	return nil
}

// writer is nil for a stream that was not asked for, so that it compares as such.
func writer(w io.WriteCloser) io.Writer {
	if w == nil {
		return nil
	}
	return w
}

// forwarder connects to ports of a pod's own loopback address.
type forwarder struct{ netns string }

// PortForward copies both ways until one side has ended.
func (f forwarder) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	dialing, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	conn, err := netns.Dial(dialing, f.netns, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		return fmt.Errorf("connect to port %d of the pod: %w", port, err)
	}
	defer conn.Close() //nolint:errcheck // both directions have ended
	toPod := make(chan struct{})
	go func() {
		defer close(toPod)
		_, _ = io.Copy(conn, stream)
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	}()
	_, _ = io.Copy(stream, conn)
	_ = stream.Close()
	<-toPod
	return nil
}
