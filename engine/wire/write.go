package wire

import (
	"errors"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// Message is a netlink request: its type, its flags beyond REQUEST and ACK, and
// its body, which is the fixed part of that type and attributes.
type Message struct {
	Type, Flags uint16
	Body        []byte
}

func (m Message) request() nl.Message { return nl.Message{Type: m.Type, Flags: m.Flags, Body: m.Body} }

// Write sends rtnetlink requests to a network namespace in turn and returns what
// the kernel said to each, nil where it did it. One that fails does not keep the
// next from being sent. The second error is for what makes all of it impossible.
func Write(ns int, msgs []Message) ([]error, error) {
	c, err := nl.Dial(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if errs[i], err = c.Do(m.request()); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return errs, c.Close()
}

// WriteFirewall sends nf_tables requests as one transaction, which is done as a
// whole or, when one of them cannot be done, not at all.
func WriteFirewall(ns int, msgs []Message) error {
	if len(msgs) == 0 {
		return nil
	}
	c, err := nl.Dial(ns, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	requests := make([]nl.Message, len(msgs))
	for i, m := range msgs {
		requests[i] = m.request()
	}
	said, err := c.Commit(requests)
	return errors.Join(said, err, c.Close())
}
