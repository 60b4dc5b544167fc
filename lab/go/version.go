// What this binary is made of, read from the build itself so that go.mod is the only place that
// names a version.

package main

import (
	"encoding/json"
	"os"
	"runtime/debug"
)

// versionModules maps the name in the answer to the module whose version it gives.
var versionModules = map[string]string{
	"kubernetes": "k8s.io/kubernetes",
	"etcd":       "go.etcd.io/etcd/server/v3",
	"cilium":     "github.com/cilium/cilium",
	"istio":      "istio.io/api",
}

func versions() map[string]string {
	found := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	found["go"] = info.GoVersion
	for _, module := range info.Deps {
		for name, path := range versionModules {
			if module.Path == path {
				found[name] = module.Version
			}
		}
	}
	return found
}

func runVersion([]string) int {
	if err := json.NewEncoder(os.Stdout).Encode(versions()); err != nil {
		return fail("version: %v", err)
	}
	return 0
}
