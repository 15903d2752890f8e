package undo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// Writer changes nodes.
type Writer interface {
	// Write sends requests to rtnetlink in turn and returns what the kernel said
	// to each. The second error is for what makes all of it impossible.
	Write(node string, msgs []Message) ([]error, error)
	// WriteFirewall sends requests to nf_tables as one transaction.
	WriteFirewall(node string, msgs []Message) error
	// Set writes a setting, by its path below /proc/sys.
	Set(node, path, value string) error
	// Namespaces returns a descriptor of each node's network namespace.
	Namespaces() map[string]int
}

// attempts is how often one layer is looked at again: each time fewer
// operations are left, or it is given up.
const attempts = 6

// Restore leads a lab to a state, layer by layer, and looks after each step at
// what the kernel has made of it. take reads the state as it is. What could not
// be put back is in left, and what was said to the attempt in why, as sentences;
// the error is for what makes all of it impossible.
func Restore(ctx context.Context, want *State, take func(context.Context) (*State, error), w Writer, t Tools) (left []engine.Change, why []string, err error) {
	r := restorer{want: want, take: take, w: w, tools: t}
	if r.have, err = take(ctx); err != nil {
		return nil, nil, err
	}
	for l := layerLinks; l < layers; l++ {
		if err := r.layer(ctx, l); err != nil {
			return nil, nil, err
		}
	}
	if r.moved {
		for i := range r.have.nodes {
			r.apply(ctx, forget(&r.have.nodes[i])) // what has gone meanwhile need not be forgotten
		}
	}
	return Compare(want, r.have), r.why, nil
}

type restorer struct {
	want, have *State
	take       func(context.Context) (*State, error)
	w          Writer
	tools      Tools
	moved      bool // something was done
	why        []string
}

// layer does what a layer needs until it needs nothing more or does not get on.
func (r *restorer) layer(ctx context.Context, l layer) error {
	var before []op
	var said []string
	for range attempts {
		p := plan{have: r.have, want: r.want, ns: r.w.Namespaces()}
		ops := p.ops(l)
		if len(ops) == 0 {
			return nil
		}
		if sameOps(before, ops) {
			break
		}
		said = r.apply(ctx, ops)
		r.moved = true
		var err error
		if r.have, err = r.take(ctx); err != nil {
			return err
		}
		before = ops
	}
	r.why = append(r.why, said...)
	return ctx.Err()
}

func sameOps(a, b []op) bool {
	return slices.EqualFunc(a, b, func(x, y op) bool {
		return x.node == y.node && x.what == y.what && x.value == y.value && x.stdin == y.stdin && (x.link == nil) == (y.link == nil) &&
			(x.link == nil || x.link.Type == y.link.Type && string(x.link.Body) == string(y.link.Body))
	})
}

// apply does operations in order and says of those that failed why. Requests to
// rtnetlink of one node go out together.
func (r *restorer) apply(ctx context.Context, ops []op) []string {
	var said []string
	for len(ops) > 0 {
		n := 1
		for n < len(ops) && ops[0].link != nil && ops[n].link != nil && ops[n].node == ops[0].node {
			n++
		}
		for i, err := range r.run(ctx, ops[:n]) {
			if err != nil && (ops[i].link == nil || !overtaken(err)) {
				said = append(said, fmt.Sprintf("%s: the %s could not be put back: %v.", ops[i].node, ops[i].what, err))
			}
		}
		ops = ops[n:]
	}
	return said
}

// overtaken reports whether an operation has failed because an earlier one has
// done its work: what was to go has gone, what was to come is there.
func overtaken(err error) bool {
	for _, e := range []error{unix.ENODEV, unix.ENOENT, unix.ESRCH, unix.EADDRNOTAVAIL, unix.EEXIST} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// run does one operation, or several requests to rtnetlink of one node.
func (r *restorer) run(ctx context.Context, ops []op) []error {
	o := ops[0]
	switch {
	case o.link != nil:
		msgs := make([]Message, len(ops))
		for i := range ops {
			msgs[i] = *ops[i].link
		}
		errs, err := r.w.Write(o.node, msgs)
		if err != nil {
			return []error{err}
		}
		return errs
	case o.batch != nil:
		return []error{r.w.WriteFirewall(o.node, o.batch)}
	case o.setting != "":
		return []error{r.w.Set(o.node, o.setting, o.value)}
	}
	out, code, err := r.tools.Run(ctx, o.node, o.stdin, o.argv...)
	if err == nil && code != 0 {
		err = errors.New(strings.TrimSpace(out))
	}
	return []error{err}
}
