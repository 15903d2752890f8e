package control

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/config"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"go.etcd.io/etcd/server/v3/features"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"k8s.io/klog/v2"
)

// What etcd is told that differs from its defaults, which are made for three members
// on disks of their own.
const (
	// tick is etcd's unit of time, in milliseconds. The only member elects itself
	// after less than electionTicks of them, at random.
	tick, electionTicks = 100, 2
	// walSegment is how much room a file of the log takes before anything is
	// written to it, in bytes. There are two or three of them, in memory.
	walSegment = 4 << 20
	// snapshotCount is after how many entries the log begins anew. Until then all
	// are in memory as well; snapshotKept are kept beyond.
	snapshotCount, snapshotKept = 1000, 10
	// mappedBytes is the address space that the database begins with.
	mappedBytes = 256 << 20
	// quotaBytes is how large the database may grow: a hundred times what a lab's
	// cluster has.
	quotaBytes = 512 << 20
	// maxRequest is the size of the largest object in bytes, maxOperations what
	// one transaction may have: etcd's own defaults.
	maxRequest, maxOperations = 1536 << 10, 128
	// progressInterval is how often watchers hear that nothing happened.
	progressInterval = 5 * time.Second
	// pingInterval is how often clients may ask whether the store is there.
	pingInterval = 5 * time.Second
	// slow is from when on etcd logs that something took long.
	slow = time.Second
)

// startStore has an etcd of one member serve on a unix socket and nowhere else, with
// what is in dir, and nothing at first. It returns once clients can connect, who
// wait until the etcd takes requests; failed gets the reason if it never does.
//
// The etcd is in this process, but its files outlive that: what a client was told
// is written by then, so that the next process goes on with it, however this one
// ended. That holds for the end of a process, not of the machine: nothing is forced
// to a disk, and the files of a lab are in memory anyway.
func startStore(dir, socket string, failed func(error)) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a process that was killed
		return fmt.Errorf("store: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	go func() {
		if err := serveStore(dir, listener); err != nil {
			failed(fmt.Errorf("store: %w", err))
		}
	}()
	return nil
}

// serveStore ends with the process, after all who still have something to write.
func serveStore(dir string, listener net.Listener) error {
	wal.SegmentSizeBytes = walSegment
	backend.InitialMmapSize = mappedBytes
	etcd, err := etcdserver.NewServer(storeConfig(dir))
	if err != nil {
		return err
	}
	etcd.Start()
	select {
	case <-etcd.ReadyNotify():
	case <-etcd.StopNotify():
		return errors.New("it ended while it started")
	}
	return v3rpc.Server(etcd, nil, nil,
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true})).Serve(listener)
}

// storeConfig is how etcd is to run on the files in dir.
func storeConfig(dir string) config.ServerConfig {
	const name = "default"
	// A member needs an address for others like it, of which there are none.
	self := types.URLs{url.URL{Scheme: "unix", Host: filepath.Base(dir)}}
	c := config.ServerConfig{
		Name: name, DataDir: dir, PeerURLs: self, ClientURLs: self, Logger: storeLogger(),
		NewCluster:         true, // unless there are files, which are looked for first
		InitialPeerURLsMap: types.URLsMap{name: self}, InitialClusterToken: name,
		TickMs: tick, ElectionTicks: electionTicks, InitialElectionTickAdvance: true,
		SnapshotCount: snapshotCount, SnapshotCatchUpEntries: snapshotKept, MaxSnapFiles: 1, MaxWALFiles: 1,
		QuotaBackendBytes: quotaBytes, MaxRequestBytes: maxRequest, MaxTxnOps: maxOperations, MaxConcurrentStreams: math.MaxUint32,
		WarningApplyDuration: slow, WarningUnaryRequestDuration: slow,
		WatchProgressNotifyInterval: progressInterval,
		UnsafeNoFsync:               true,
		BcryptCost:                  uint(bcrypt.DefaultCost), Metrics: "basic", V2Deprecation: config.V2DeprDefault,
	}
	c.ServerFeatureGate = features.NewDefaultServerFeatureGate(name, c.Logger)
	return c
}

// storeLogger adds what etcd warns of to the log of Kubernetes.
func storeLogger() *zap.Logger {
	format := zapcore.EncoderConfig{MessageKey: "M", EncodeDuration: zapcore.StringDurationEncoder}
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(format), zapcore.AddSync(klogWriter{}), zap.WarnLevel))
}

type klogWriter struct{}

func (klogWriter) Write(line []byte) (int, error) {
	klog.Warningf("etcd: %s", strings.TrimSpace(string(line)))
	return len(line), nil
}
