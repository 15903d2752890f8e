package workload

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"underlay/engine/workload/server"
)

// httpHandler answers every request with who serves and who asks, and prints it.
// /hostname is the name alone; /healthz and /readyz are for probes.
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
	answer := server.Answer(o.name)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer.ServeHTTP(w, r)
		fmt.Printf("%s %s from %s\n", r.Method, r.URL.RequestURI(), server.Plain(r.RemoteAddr))
	})
	return mux
}

// say sends a line. An error means that the client has gone, which is its right.
func say(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text+"\n") }
