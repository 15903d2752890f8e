package conformance

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/kube/internal/netns"
)

// A question is one attempt to talk to a server: does it answer?
type question struct {
	from   string // network namespace
	to     netip.AddrPort
	udp    bool
	server string // what the server calls itself
	want   bool

	got    bool
	failed error // of what neither answers nor is silent
	fd     int
}

const (
	// answerLimit is how long an answer that is wanted may take.
	answerLimit = 5 * time.Second
	// silenceLimit is how long to listen at least for answers that are not
	// wanted. It grows with the time that those took that are.
	silenceLimit = 250 * time.Millisecond
	// poll is how long to wait for sockets before looking at the clock.
	poll = 20 * time.Millisecond
)

// Ask asks all questions side by side, and fills in what came of them. All are
// on their way before the first answer is looked for, so those that are not
// wanted had as much time as those that are, and twice that.
func ask(t *testing.T, questions []*question) {
	t.Helper()
	bySpace := map[string][]*question{}
	for _, q := range questions {
		q.got, q.failed, q.fd = false, nil, -1
		bySpace[q.from] = append(bySpace[q.from], q)
	}
	defer func() {
		for _, q := range questions {
			q.close()
		}
	}()
	begin := time.Now()
	errs := make(chan error, len(bySpace))
	for space, list := range bySpace {
		netns.Go(netns.Path(space), func() error {
			for _, q := range list {
				if err := q.open(); err != nil {
					return err
				}
			}
			return nil
		}, func(err error) { errs <- err })
	}
	for range bySpace {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	sent := time.Now()
	slowest := sent.Sub(begin)
	for {
		wanted := 0
		var waiting []*question
		for _, q := range questions {
			if q.fd >= 0 {
				waiting = append(waiting, q)
				if q.want {
					wanted++
				}
			}
		}
		passed := time.Since(sent)
		if len(waiting) == 0 || passed > answerLimit || wanted == 0 && passed > max(silenceLimit, 2*slowest) {
			return
		}
		if receive(t, waiting) && wanted > 0 {
			slowest = time.Since(begin)
		}
	}
}

// Open begins to ask. It is called in the network namespace of the question.
func (q *question) open() (err error) {
	kind := unix.SOCK_STREAM
	if q.udp {
		kind = unix.SOCK_DGRAM
	}
	if q.fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	err = unix.Connect(q.fd, &unix.SockaddrInet4{Port: int(q.to.Port()), Addr: q.to.Addr().As4()})
	if errors.Is(err, unix.EINPROGRESS) {
		return nil
	}
	if err == nil && q.udp {
		_, err = unix.Write(q.fd, []byte("?"))
	}
	if err != nil {
		q.end(false, err)
	}
	return nil
}

func (q *question) end(got bool, err error) {
	q.got, q.failed = got, err
	q.close()
}

func (q *question) close() {
	if q.fd >= 0 {
		_ = unix.Close(q.fd) // nothing more is sent on it
		q.fd = -1
	}
}

// Receive takes what has come for questions, and says whether anything had.
func receive(t *testing.T, waiting []*question) bool {
	t.Helper()
	fds := make([]unix.PollFd, len(waiting))
	for i, q := range waiting {
		fds[i] = unix.PollFd{Fd: int32(q.fd), Events: unix.POLLIN}
	}
	n, err := unix.Poll(fds, int(poll.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		t.Fatal(err)
	}
	for i, q := range waiting {
		if fds[i].Revents != 0 {
			q.read()
		}
	}
	return n > 0
}

// Read takes the greeting of a server, "NAME sees ADDRESS".
func (q *question) read() {
	buf := make([]byte, 256)
	n, err := unix.Read(q.fd, buf)
	switch name, _, _ := strings.Cut(string(buf[:max(n, 0)]), " "); {
	case errors.Is(err, unix.EAGAIN):
		return
	case err != nil:
		q.end(false, err)
	case name != q.server:
		q.end(false, errors.New("answered by "+name+" instead of "+q.server))
	default:
		q.end(true, nil)
	}
}
