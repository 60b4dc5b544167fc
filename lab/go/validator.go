// The part of Cilium's operator that says whether a policy is in force: its own validator, which
// watches both policy kinds and writes status.conditions[type=Valid]. What is ours is the list of
// parts that it needs when it runs without the rest of that operator.

package main

import (
	"flag"
	"log/slog"
	"os"

	"github.com/cilium/cilium/operator/pkg/networkpolicy"
	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/cilium/pkg/k8s"
	"github.com/cilium/cilium/pkg/k8s/client"
	"github.com/cilium/cilium/pkg/metrics"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/hive/cell"
)

// Tests write thousands of policies at once; the defaults suit a cluster that lasts.
const (
	validatorQPS   = 500
	validatorBurst = 1000
)

func runValidator(args []string) int {
	flags := flag.NewFlagSet("validator", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server, which must serve the CRDs (required)")
	_ = flags.Parse(args) // ExitOnError: never returns an error
	if *kubeconfig == "" {
		return fail("validator: --kubeconfig is required")
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := newValidator(*kubeconfig).Run(logger); err != nil {
		return fail("validator: %v", err)
	}
	return 0
}

// newValidator puts Cilium's cell together with what it asks for. Its neighbours in the cell, the
// external groups and the copying of TLS secrets, stay idle: nothing here enables them.
func newValidator(kubeconfig string) *hive.Hive {
	configureCilium()
	option.Config.EnableCiliumNetworkPolicy = true
	option.Config.EnableCiliumClusterwideNetworkPolicy = true
	validator := hive.New(
		client.Cell,
		metrics.Cell,
		cell.Provide(
			func() *option.DaemonConfig { return option.Config },
			k8s.CiliumNetworkPolicyResource,
			k8s.CiliumClusterwideNetworkPolicyResource,
			k8s.CiliumCIDRGroupResource,
		),
		networkpolicy.Cell,
	)
	hive.AddConfigOverride(validator, func(config *client.SharedConfig) {
		config.K8sKubeConfigPath = kubeconfig
	})
	hive.AddConfigOverride(validator, func(config *client.ClientParams) {
		config.K8sClientQPS, config.K8sClientBurst = validatorQPS, validatorBurst
	})
	return validator
}
