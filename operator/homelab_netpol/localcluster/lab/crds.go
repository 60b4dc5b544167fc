// Cilium's own CustomResourceDefinitions, as the Cilium module ships them: the API server of the
// demo and the tests validates with the same schemas as a real cluster's.

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	crdfiles "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"sigs.k8s.io/yaml"
)

// policyCRDs are the kinds that the operator writes: what a control plane needs as a minimum.
var policyCRDs = []string{"ciliumnetworkpolicies.yaml", "ciliumclusterwidenetworkpolicies.yaml"}

// runCRDs prints a JSON array of CRD objects: the two policy kinds, or all of them with --all.
func runCRDs(args []string) int {
	files := policyCRDs
	switch {
	case len(args) == 0:
	case len(args) == 1 && args[0] == "--all":
		all, err := fs.Glob(crdfiles.EmbedFS, "*.yaml")
		if err != nil {
			return fail("crds: %v", err)
		}
		files = all
	default:
		return fail("usage: netpol-lab crds [--all]")
	}

	objects := make([]json.RawMessage, 0, len(files))
	for _, name := range files {
		object, err := readCRD(name)
		if err != nil {
			return fail("crds: %v", err)
		}
		objects = append(objects, object)
	}
	if err := json.NewEncoder(os.Stdout).Encode(objects); err != nil {
		return fail("crds: %v", err)
	}
	return 0
}

func readCRD(name string) (json.RawMessage, error) {
	text, err := crdfiles.EmbedFS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	object, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return object, nil
}
