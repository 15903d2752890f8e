package control

import (
	"os"
	"runtime"
	"strings"
	"sync"

	"k8s.io/klog/v2"
)

// Parts of Kubernetes end their process where they can't go on, and let somebody
// start it again. Here they share theirs with the API server and all nodes. So
// what asks for the end of the process is looked up on its stack: if it belongs to a
// part that can be started again by itself, only its goroutine ends.

var (
	exitsMu sync.Mutex
	exits   = map[string]chan string{} // by the import path of the part
	hook    sync.Once
)

// onExit returns a channel that gets a reason when the part of Kubernetes whose import
// path this is asks for the end of the process.
func onExit(path string) <-chan string {
	hook.Do(func() { klog.OsExit = exit })
	exitsMu.Lock()
	defer exitsMu.Unlock()
	asked := make(chan string, 1)
	exits[path] = asked
	return asked
}

// exit stands in for os.Exit.
func exit(code int) {
	asked, why := asker()
	if asked == nil {
		os.Exit(code) //nolint:forbidigo // whoever called meant it
	}
	select {
	case asked <- why:
	default: // it has asked before
	}
	runtime.Goexit() // releases what the goroutine holds, as far as that was deferred
}

// asker finds the part that the calling goroutine belongs to, and the function
// that asked.
func asker() (asked chan string, function string) {
	exitsMu.Lock()
	defer exitsMu.Unlock()
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		for path, asked := range exits {
			if strings.HasPrefix(frame.Function, path) {
				return asked, frame.Function[strings.LastIndex(frame.Function, "/")+1:] + " asked for it"
			}
		}
		if !more {
			return nil, ""
		}
	}
}
