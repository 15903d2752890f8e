package server

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of one HTTP connection. A learner's curl is done in milliseconds.
const (
	headerWait   = 10 * time.Second
	idleWait     = 30 * time.Second
	headerBytes  = 16 << 10
	jsonType     = "application/json"
	whoamiPath   = "/whoami"
	maxPadding   = 1 << 20
	textTypeUTF8 = "text/plain; charset=utf-8"
)

// padding is what answers are filled up with.
var padding = strings.Repeat(" ", 2<<10)

type httpServer struct {
	ln  net.Listener
	srv *http.Server
}

// ListenHTTP listens on addr, which is [ADDR]:PORT, for requests that h answers.
func ListenHTTP(addr string, h http.Handler) (Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &httpServer{ln: ln, srv: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are no news
	}}, nil
}

// ListenHTTPS is ListenHTTP over TLS. Each of files holds, in PEM, a key, its certificate
// and those of authorities that are sent with it. Who asks for a name gets the first
// certificate that is for it, and everybody else the very first.
func ListenHTTPS(addr string, h http.Handler, files []string) (Server, error) {
	if len(files) == 0 {
		return nil, errors.New("no certificate")
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	for _, file := range files {
		cert, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			return nil, err
		}
		c.Certificates = append(c.Certificates, cert)
	}
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for i := range c.Certificates {
			if hello.ServerName != "" && c.Certificates[i].Leaf.VerifyHostname(hello.ServerName) == nil {
				return &c.Certificates[i], nil
			}
		}
		return &c.Certificates[0], nil
	}
	s, err := ListenHTTP(addr, h)
	if err != nil {
		return nil, err
	}
	plain := s.(*httpServer) //nolint:forcetypeassert // what ListenHTTP makes
	plain.ln = tls.NewListener(plain.ln, c)
	return plain, nil
}

func (s *httpServer) Serve() error {
	if err := s.srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close closes the listener as well: the server knows it only once it serves.
func (s *httpServer) Close() error {
	return errors.Join(s.srv.Close(), UnlessClosed(s.ln.Close()))
}

// Whoami is what the http server says about a request, in JSON. Text is the
// answer that a client gets that does not ask for JSON.
type Whoami struct {
	Served string `json:"served"`
	Local  string `json:"local"`
	Peer   string `json:"peer"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Host   string `json:"host"`
	Text   string `json:"text"`

	// Headers are those of the request but for Host, by their canonical names; several
	// values of one name are joined with ", ".
	Headers map[string]string `json:"headers"`

	TLS string `json:"tls,omitempty"` // version, over TLS
	SNI string `json:"sni,omitempty"` // the name that the client asked for, over TLS
}

// Answer answers every request with who serves, which is name, and who asks: in
// text, or in JSON for the path /whoami and for clients that accept
// application/json. As many bytes as the request's body has, up to 1 MiB, follow in
// spaces, so that large packets go both ways.
func Answer(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxPadding))
		if err != nil {
			return // the client has gone
		}
		me := describe(name, r)
		body, kind := []byte(me.Text), textTypeUTF8
		if r.URL.Path == whoamiPath || strings.Contains(r.Header.Get("Accept"), jsonType) {
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
		w.Header().Set("Content-Length", strconv.FormatInt(int64(len(body))+sent, 10))
		_, err = w.Write(body)
		for sent > 0 && err == nil { // an error means that the client has gone, which is its right
			n := min(sent, int64(len(padding)))
			_, err = io.WriteString(w, padding[:n])
			sent -= n
		}
	})
}

func describe(name string, r *http.Request) Whoami {
	me := Whoami{
		Served: name,
		Peer:   Plain(r.RemoteAddr),
		Method: r.Method,
		Path:   r.URL.RequestURI(),
		Host:   r.Host,

		Headers: map[string]string{},
	}
	if r.TLS != nil {
		me.TLS, me.SNI = tls.VersionName(r.TLS.Version), r.TLS.ServerName
	}
	for name, values := range r.Header {
		me.Headers[name] = strings.Join(values, ", ")
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		me.Local = Plain(local.String())
	}
	me.Text = fmt.Sprintf("%s here (%s)\nyou are %s\n%s %s %s, Host: %s\n",
		name, me.Local, me.Peer, me.Method, me.Path, r.Proto, me.Host)
	if r.TLS != nil {
		me.Text += fmt.Sprintf("%s, SNI: %s\n", me.TLS, cmp.Or(me.SNI, "none"))
	}
	return me
}
