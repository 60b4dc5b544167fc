// The operator for the same job on controller-runtime: see ../README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

type options struct {
	workers         int
	qps             int
	bind            string
	syncPeriod      time.Duration
	prometheusPorts []string
}

func main() {
	given := readFlags()
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), given); err != nil {
		ctrl.Log.Error(err, "the operator ends")
		os.Exit(1)
	}
}

func readFlags() options {
	given := options{}
	flag.IntVar(&given.workers, "workers", 1, "concurrent reconciles of each controller")
	flag.IntVar(&given.qps, "qps", 0, "requests a second: 0 leaves the default, -1 is no limit")
	flag.StringVar(&given.bind, "bind", "127.0.0.1:8081", "where /readyz and /healthz answer")
	flag.DurationVar(&given.syncPeriod, "sync-period", 0, "of the caches: 0 leaves the default")
	ports := flag.String("prometheus-ports", "", "that Prometheus may reach, with commas; none: any")
	flag.Parse()
	if *ports != "" {
		given.prometheusPorts = strings.Split(*ports, ",")
	}
	return given
}

func run(ctx context.Context, given options) error {
	access, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	if given.qps != 0 {
		access.QPS = float32(given.qps)
		access.Burst = 2 * given.qps // as client-go's own 5 and 10; of no meaning without a limit
	}
	mgr, err := ctrl.NewManager(access, managerOptions(given))
	if err != nil {
		return err
	}
	pass := newFirstPass()
	if err := mgr.AddReadyzCheck("first-pass", pass.check); err != nil {
		return err
	}
	if err := mgr.Add(pass.begin(mgr.GetClient())); err != nil {
		return err
	}
	writer := writer{mgr.GetClient()}
	if err := addNamespaces(mgr, writer, pass); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	if err := addTargets(ctx, mgr, writer, pass); err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	if err := addBaselines(mgr, writer, pass, given.prometheusPorts); err != nil {
		return fmt.Errorf("baselines: %w", err)
	}
	return mgr.Start(ctx)
}

func managerOptions(given options) ctrl.Options {
	cached := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			newObject(kindCNP):  {Label: managed},
			newObject(kindCCNP): {Label: managed},
		},
	}
	if given.syncPeriod > 0 {
		cached.SyncPeriod = &given.syncPeriod
	}
	return ctrl.Options{
		Cache: cached,
		// Without it every read of a policy would be a request, as they are unstructured.
		Client:                 client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Controller:             config.Controller{MaxConcurrentReconciles: given.workers},
		HealthProbeBindAddress: given.bind,
		Metrics:                metricsserver.Options{BindAddress: "127.0.0.1:0"},
	}
}
