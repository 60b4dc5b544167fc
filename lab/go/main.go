// Command netpol-lab is a Kubernetes control plane and Cilium's policy engine in one binary, for
// the demo and the tests: etcd, kube-apiserver, kube-controller-manager, Cilium's own CRDs and its
// own verdicts, without a container. It knows nothing of the operator. README.md has the usage.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// commands maps a subcommand to what runs it; the result is the exit status of the process.
var commands = map[string]func(args []string) int{
	"etcd": runEtcd,
	"kube-apiserver": func(args []string) int {
		return runComponent(apiserver.NewAPIServerCommand(), args)
	},
	"kube-controller-manager": func(args []string) int {
		return runComponent(controllermanager.NewControllerManagerCommand(), args)
	},
	"crds":      runCRDs,
	"engine":    runEngine,
	"validator": runValidator,
	"version":   runVersion,
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := commands[os.Args[1]]; ok {
			os.Exit(run(os.Args[2:]))
		}
	}
	os.Exit(fail("usage: netpol-lab %s [flags]", strings.Join(commandNames(), "|")))
}

// runComponent runs a Kubernetes component as its own main function would.
func runComponent(command *cobra.Command, args []string) int {
	command.SetArgs(args)
	return cli.Run(command)
}

func commandNames() []string {
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// fail says what went wrong on stderr and gives the exit status for it.
func fail(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, "netpol-lab: "+format+"\n", args...)
	return 1
}
