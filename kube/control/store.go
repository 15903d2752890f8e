package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/memory"
	"github.com/k3s-io/kine/pkg/server"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

const (
	// EtcdVersion is the version of etcd whose protocol the store speaks.
	etcdVersion = "3.6.4"
	// MaxMessage is the size of the largest object in bytes, with room for
	// what is sent with it: etcd's own default.
	maxMessage = 2 << 20
	// ProgressInterval is how often watchers hear that nothing happened.
	progressInterval = 5 * time.Second
	// PingInterval is how often clients may ask whether the store is there.
	pingInterval = 5 * time.Second
)

// StartStore serves the protocol of etcd on a unix socket, from memory. It
// ends with the process, after all who still have something to write, and
// what it holds is lost then: a cluster lives as long as its lab.
func startStore(socket string) error {
	ctx := context.Background()
	logrus.SetOutput(io.Discard)
	_, backend, err := memory.New(ctx, new(sync.WaitGroup), &drivers.Config{})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := backend.Start(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	etcd := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(1<<30),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true}))
	server.New(consistent{backend}, "unix", progressInterval, etcdVersion).Register(etcd)
	go func() { _ = etcd.Serve(listener) }() // does not end
	return nil
}

// Consistent is a store whose lists are of one moment. Those of kine's store in
// memory are made without its lock: one that begins while an object is written can
// bear the object's revision without having the object, and who watches from there
// never hears of it. (Seen with kine 0.17.5: one cluster in a hundred had a
// kube-proxy that did not know the DNS Service.)
type consistent struct{ server.Backend }

// CurrentRevision is the revision of the last object that can be read.
func (c consistent) CurrentRevision(ctx context.Context) (int64, error) {
	revision, _, err := c.Get(ctx, server.HealthKey, 0, true) // takes the lock
	return revision, err
}

// ListStream lists as List does, which takes the lock.
func (c consistent) ListStream(ctx context.Context, key, end string, limit, revision int64, keysOnly bool) server.ListResult {
	now, all, err := c.List(ctx, key, end, limit, revision, keysOnly)
	values, failed := make(chan *server.KeyValue, len(all)), make(chan error, 1)
	for _, value := range all {
		values <- value
	}
	close(values)
	if err != nil {
		failed <- err
	}
	close(failed)
	return server.ListResult{KVc: values, Errorc: failed, CurrentRevision: now}
}
