// CustomResourceDefinitions as those who own them ship them, Cilium's, Istio's, and that of
// ClusterNetworkPolicy: the API server of the demo and the tests validates with the same schemas as a
// real cluster's.

package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	crdfiles "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	// Only to have the module in go.mod, so in the build info too: its CRDs are in no package.
	_ "istio.io/api/label"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// policyCRDs are the kinds that the operator writes: what a control plane needs as a minimum.
var policyCRDs = []string{"ciliumnetworkpolicies.yaml", "ciliumclusterwidenetworkpolicies.yaml"}

// istioFile is kubernetes/customresourcedefinitions.gen.yaml of the module istio.io/api. An embed
// cannot reach into another module, so whoever builds puts it here: see README.md.
//
//go:embed istio_crds.yaml
var istioFile []byte

// networkPolicyAPIFile is config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml of
// the module sigs.k8s.io/network-policy-api; likewise.
//
//go:embed network_policy_api_crds.yaml
var networkPolicyAPIFile []byte

// istioCRDs are the kinds of Istio that say who may talk to whom, by the names of their CRDs.
var istioCRDs = []string{"authorizationpolicies.security.istio.io", "peerauthentications.security.istio.io"}

// runCRDs prints a JSON array of CRD objects: Cilium's two policy kinds, all that Cilium ships with
// --all, with --istio the two kinds of Istio, or with --network-policy-api ClusterNetworkPolicy.
func runCRDs(args []string) int {
	objects, err := crds(args)
	if err != nil {
		return fail("crds: %v", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(objects); err != nil {
		return fail("crds: %v", err)
	}
	return 0
}

func crds(args []string) ([]json.RawMessage, error) {
	switch {
	case len(args) == 0:
		return readCiliumCRDs(policyCRDs)
	case len(args) == 1 && args[0] == "--all":
		files, err := fs.Glob(crdfiles.EmbedFS, "*.yaml")
		if err != nil {
			return nil, err
		}
		return readCiliumCRDs(files)
	case len(args) == 1 && args[0] == "--istio":
		return readIstioCRDs()
	case len(args) == 1 && args[0] == "--network-policy-api":
		object, err := yaml.YAMLToJSON(networkPolicyAPIFile)
		return []json.RawMessage{object}, err
	default:
		return nil, errors.New("usage: netpol-lab crds [--all|--istio|--network-policy-api]")
	}
}

func readCiliumCRDs(files []string) ([]json.RawMessage, error) {
	objects := make([]json.RawMessage, 0, len(files))
	for _, name := range files {
		text, err := crdfiles.EmbedFS.ReadFile(name)
		if err != nil {
			return nil, err
		}
		object, err := yaml.YAMLToJSON(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// readIstioCRDs picks the wanted documents out of Istio's one file.
func readIstioCRDs() ([]json.RawMessage, error) {
	objects := make([]json.RawMessage, 0, len(istioCRDs))
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(istioFile)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		// By the text: to parse all of them would take most of a second.
		if !slices.ContainsFunc(istioCRDs, func(name string) bool {
			return bytes.Contains(document, []byte("\n  name: "+name+"\n"))
		}) {
			continue
		}
		object, err := yaml.YAMLToJSON(document)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	if len(objects) != len(istioCRDs) {
		return nil, fmt.Errorf("istio_crds.yaml has %d of %v", len(objects), istioCRDs)
	}
	return objects, nil
}
