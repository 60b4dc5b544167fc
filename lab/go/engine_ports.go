// The named ports of pods. A policy may say `http` for a port; what number that is, each pod says for
// itself, so at egress it depends on the target.

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// namedPorts reads the ports of a pod: by their names, as `8080/TCP`.
func (r identityRequest) namedPorts() (types.NamedPortMap, error) {
	if len(r.Ports) > 0 && r.Labels == nil {
		return nil, errors.New("only a pod, which has labels, has named ports")
	}
	ports := make(types.NamedPortMap, len(r.Ports))
	for name, text := range r.Ports {
		digits, protocol, found := strings.Cut(text, "/")
		number, err := strconv.Atoi(digits)
		if err != nil || !found || protocol == "" {
			return nil, fmt.Errorf("port %q: %q is not like 8080/TCP", name, text)
		}
		if err := ports.AddPort(name, number, protocol); err != nil {
			return nil, fmt.Errorf("port %q: %w", name, err)
		}
	}
	return ports, nil
}

// portsOfPeers tells Cilium the named ports of all pods, for rules of egress.
type portsOfPeers struct{ ports types.NamedPortMultiMap }

func (p portsOfPeers) GetNamedPorts() types.NamedPortMultiMap { return p.ports }

func newPortsOfPeers(endpoints map[string]endpoint) portsOfPeers {
	ports := types.NewNamedPortMultiMap()
	added := map[identity.NumericIdentity]bool{}
	for _, endpoint := range endpoints {
		if !added[endpoint.identity.ID] { // several names may stand for one pod
			ports.Update(endpoint.identity.ID, nil, endpoint.ports)
			added[endpoint.identity.ID] = true
		}
	}
	return portsOfPeers{ports}
}

// GetIngressNamedPort is the number of a port of the pod that the policy is for; 0 if it has none of
// that name.
func (o policyOwner) GetIngressNamedPort(name string, protocol u8proto.U8proto) uint16 {
	port, err := o.ports.GetNamedPort(name, protocol)
	if err != nil {
		return 0
	}
	return port
}
