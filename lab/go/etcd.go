// The store of the control plane: one etcd member on loopback, tuned for a cluster that lives for
// minutes. Nothing is synced to disk, so a machine crash may lose the data; a restart does not.

package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	etcdStartTimeout = 30 * time.Second
	etcdQuotaBytes   = 4 << 30
)

func runEtcd(args []string) int {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dataDir := flags.String("data-dir", "", "directory of the data (required)")
	clientPort := flags.Int("client-port", 2379, "loopback port for the API server")
	peerPort := flags.Int("peer-port", 2380, "loopback port for peers; none ever come, but etcd opens it")
	logLevel := flags.String("log-level", "error", "debug, info, warn or error")
	_ = flags.Parse(args) // ExitOnError: never returns an error
	if *dataDir == "" {
		return fail("etcd: --data-dir is required")
	}

	// Registered before the start, so that a signal during it still ends in a clean stop.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)

	config := etcdConfig(*dataDir, loopback(*clientPort), loopback(*peerPort), *logLevel)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return fail("etcd: %v", err)
	}

	select {
	case <-etcd.Server.ReadyNotify():
		fmt.Fprintf(os.Stderr, "etcd: serving on %s\n", config.ListenClientUrls[0].Host)
	case err := <-etcd.Err():
		return fail("etcd: %v", err)
	case <-stop:
		return 0
	case <-time.After(etcdStartTimeout):
		return fail("etcd: not ready after %s", etcdStartTimeout)
	}

	select {
	case err := <-etcd.Err():
		return fail("etcd: %v", err)
	case <-stop:
		// Not Close: it waits for clients to end their watches, which takes seconds. This one ends
		// once the log and the database are closed.
		etcd.Server.HardStop()
		return 0
	}
}

func etcdConfig(dataDir string, client, peer url.URL, logLevel string) *embed.Config {
	config := embed.NewConfig()
	config.Name = "lab"
	config.Dir = dataDir
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = []url.URL{peer}
	config.AdvertisePeerUrls = []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true
	config.QuotaBackendBytes = etcdQuotaBytes
	// The API server compacts every five minutes by itself; snapshots and their files only cost time here.
	config.SnapshotCount = 100_000
	config.MaxSnapFiles = 1
	config.MaxWalFiles = 1
	// A single member has nobody to lose an election to: short ticks only shorten the start.
	config.TickMs = 10
	config.ElectionMs = 100
	config.LogLevel = logLevel
	config.LogOutputs = []string{"stderr"}
	config.Logger = "zap"
	return config
}

func loopback(port int) url.URL {
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
}
