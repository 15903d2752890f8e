package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Limits of one HTTP connection.
const (
	headerWait  = 10 * time.Second
	idleWait    = 30 * time.Second
	headerBytes = 16 << 10
	jsonType    = "application/json"
	textType    = "text/plain; charset=utf-8"
)

type httpServer struct {
	ln  net.Listener
	srv *http.Server
}

func listenHTTP(o options, addr string) (server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &httpServer{ln: ln, srv: &http.Server{
		Handler:           httpHandler(o, time.Now()),
		ReadHeaderTimeout: headerWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are no news
	}}, nil
}

func (s *httpServer) serve() error {
	if err := s.srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close closes the listener as well: the server knows it only once it serves.
func (s *httpServer) close() error { return errors.Join(s.srv.Close(), closed(s.ln)) }

// whoami is what the http workload says about a request, in JSON. Text is the
// answer that a client gets that does not ask for JSON.
type whoami struct {
	Served string `json:"served"`
	Local  string `json:"local"`
	Peer   string `json:"peer"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Host   string `json:"host"`
	Text   string `json:"text"`
}

// httpHandler answers every request with who serves and who asks: in text, or in
// JSON for the path /whoami and for clients that accept it. /hostname is the
// name alone; /healthz and /readyz are for probes.
func httpHandler(o options, started time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if o.healthyFor > 0 && time.Since(started) > o.healthyFor {
			http.Error(w, "ill", http.StatusInternalServerError)
			return
		}
		say(w, "ok")
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(started) < o.readyAfter {
			http.Error(w, "not ready yet", http.StatusServiceUnavailable)
			return
		}
		say(w, "ok")
	})
	mux.HandleFunc("/hostname", func(w http.ResponseWriter, _ *http.Request) { say(w, o.name) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(o.name, w, r) })
	return mux
}

// say sends a line. An error means that the client has gone, which is its right.
func say(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text+"\n") }

func answer(name string, w http.ResponseWriter, r *http.Request) {
	me := describe(name, r)
	body, kind := []byte(me.Text), textType
	if r.URL.Path == "/whoami" || strings.Contains(r.Header.Get("Accept"), jsonType) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(me); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body, kind = b.Bytes(), jsonType
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Server", "underlay/"+name)
	_, _ = w.Write(body) // an error means that the client has gone, which is its right
	fmt.Printf("%s %s from %s\n", me.Method, me.Path, me.Peer)
}

func describe(name string, r *http.Request) whoami {
	me := whoami{
		Served: name,
		Peer:   plainText(r.RemoteAddr),
		Method: r.Method,
		Path:   r.URL.RequestURI(),
		Host:   r.Host,
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		me.Local = plainText(local.String())
	}
	me.Text = fmt.Sprintf("%s here (%s)\nyou are %s\n%s %s %s, Host: %s\n",
		name, me.Local, me.Peer, me.Method, me.Path, r.Proto, me.Host)
	return me
}

// plainText is plain for an address in text; what is no address stays as it is.
func plainText(s string) string {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return s
	}
	return plain(ap).String()
}
