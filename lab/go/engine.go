// The verdict engine: Cilium's own policy repository, fed with endpoints and policies, asked for
// flows. Nothing here decides about traffic. What is ours is bookkeeping: which identity has which
// number, which object is in force, and which computed policies are still good.

package main

import (
	"fmt"
	"log/slog"
	"math"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	ipcache "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// clusterName is Cilium's default; rules and identities must agree on it.
const clusterName = "default"

// recycleAfter is how many policies are computed before the repository is built anew: Cilium's
// selector cache keeps what a removed selector selected, about 2 kB for each computed policy.
const recycleAfter = 20_000

type engine struct {
	logger *slog.Logger
	repo   *policy.Repository

	// endpoints are what flows may name, as requests asked for them; objects are the policies last
	// sent, by resource.
	requests  map[string]identityRequest
	endpoints map[string]endpoint
	objects   map[ipcache.ResourceID]policyObject

	// policies are what Cilium made of the objects for one identity, kept until an object that
	// selects it changes; computed counts them over the life of the repository.
	policies map[identity.NumericIdentity]*policy.EndpointPolicy
	computed int
}

func newEngine(logger *slog.Logger) *engine {
	configureCilium()
	e := &engine{
		logger:    logger,
		endpoints: map[string]endpoint{},
		objects:   map[ipcache.ResourceID]policyObject{},
	}
	e.rebuild()
	return e
}

// rebuild makes a new repository of the endpoints and objects at hand. Identities never change
// within one: they are there before the first rule.
func (e *engine) rebuild() {
	peers, subjects := identity.IdentityMap{}, identity.IdentityMap{}
	// All reserved identities, as in an agent: the aggregates among them carry the entity rules.
	identity.IterateReservedIdentities(func(number identity.NumericIdentity, id *identity.Identity) {
		peers[number] = id.LabelArray
	})
	for _, endpoint := range e.endpoints {
		peers[endpoint.identity.ID] = endpoint.identity.LabelArray
		if endpoint.pod {
			subjects[endpoint.identity.ID] = endpoint.identity.LabelArray
		}
	}
	e.repo = policy.NewPolicyRepository(e.logger, peers, nil,
		envoypolicy.NewEnvoyL7RulesTranslator(e.logger, nil), nil, testpolicy.NewPolicyMetricsNoop())
	e.repo.GetSelectorCache().SetLocalIdentityNotifier(testidentity.NewDummyIdentityNotifier())
	e.repo.SetNamedPortsGetter(newPortsOfPeers(e.endpoints))
	e.repo.UpdateIdentities(subjects, nil)
	for resource, object := range e.objects {
		e.repo.ReplaceByResource(object.rules, resource)
	}
	e.policies = map[identity.NumericIdentity]*policy.EndpointPolicy{}
	e.computed = 0
}

// configureCilium sets the agent's defaults that matter to policy; option.Config starts out empty.
func configureCilium() {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = true
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableK8sNetworkPolicy = true
	option.Config.EnableNonDefaultDenyPolicies = true
	// What the agent makes of its "auto" under Kubernetes: the kubelet must reach its pods.
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	api.InitEntities(clusterName)
}

// verdict asks for both halves of a flow. Only a pod is subject to policy here: the other kinds
// of endpoint have no half of their own.
func (e *engine) verdict(flow flowRequest) (flowVerdict, error) {
	from, ok := e.endpoints[flow.From]
	if !ok {
		return flowVerdict{}, fmt.Errorf("unknown identity %q", flow.From)
	}
	to, ok := e.endpoints[flow.To]
	if !ok {
		return flowVerdict{}, fmt.Errorf("unknown identity %q", flow.To)
	}
	protocol, err := u8proto.ParseProtocol(flow.Protocol)
	if err != nil {
		return flowVerdict{}, err
	}
	if protocol == u8proto.ANY || flow.Port == 0 {
		// Zero is a wildcard in Cilium's keys, and no packet carries a wildcard.
		return flowVerdict{}, fmt.Errorf("a flow needs a protocol and a port other than 0 (ICMP: its type)")
	}

	result := flowVerdict{Egress: halfNone, Ingress: halfNone}
	if from.pod {
		key := policy.EgressKey().WithIdentity(to.identity.ID).WithPortProto(protocol, flow.Port)
		if result.Egress, result.EgressProxy, err = e.half(from, key); err != nil {
			return flowVerdict{}, fmt.Errorf("egress policy of %q: %w", flow.From, err)
		}
	}
	if to.pod {
		key := policy.IngressKey().WithIdentity(from.identity.ID).WithPortProto(protocol, flow.Port)
		if result.Ingress, result.IngressProxy, err = e.half(to, key); err != nil {
			return flowVerdict{}, fmt.Errorf("ingress policy of %q: %w", flow.To, err)
		}
	}
	result.Allowed = result.Egress != halfDenied && result.Ingress != halfDenied
	return result, nil
}

// half gives the outcome of one half, and the proxy that sees its traffic.
func (e *engine) half(subject endpoint, key policy.Key) (outcome, proxy string, err error) {
	resolved, err := e.policyOf(subject)
	if err != nil {
		return "", "", err
	}
	entry, _, _ := resolved.Lookup(key)
	if entry.IsDeny() {
		return halfDenied, "", nil
	}
	return halfAllowed, proxyKind(entry), nil
}

// proxyKind says which of Cilium's proxies the traffic is redirected to; empty if to none. The
// entry of a policy map does not name it, but each kind has a range of priorities of its own: what
// lies below those of HTTP was chosen by the policy, for a listener that it names.
func proxyKind(entry policy.MapStateEntry) string {
	if entry.ProxyPort == 0 {
		return ""
	}
	switch priority := entry.Precedence.ListenerPriority(); {
	case priority >= policy.ListenerPriorityCRD || priority < policy.ListenerPriorityHTTP:
		return "listener"
	case priority >= policy.ListenerPriorityDNS:
		return string(policy.ParserTypeDNS)
	case priority >= policy.ListenerPriorityTLS:
		return string(policy.ParserTypeTLS)
	default:
		return string(policy.ParserTypeHTTP)
	}
}

// policyOf resolves the rules for one pod, in the same steps as policy.LookupFlow, which
// takes them anew for every flow: keeping the outcome is what makes a flow a map lookup.
func (e *engine) policyOf(subject endpoint) (*policy.EndpointPolicy, error) {
	id := subject.identity
	if known, ok := e.policies[id.ID]; ok {
		return known, nil
	}
	selected, _, err := e.repo.ComputeSelectorPolicy(id)
	if err != nil {
		return nil, err
	}
	// No proxy runs here: any port will do for rules that would redirect to one.
	redirects := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
	resolved := selected.DistillPolicy(e.logger, policyOwner{uint64(id.ID), subject.ports}, redirects)
	if err := resolved.Ready(); err != nil {
		return nil, err
	}
	// A snapshot is enough: whatever would change it makes it be dropped.
	resolved.Detach(e.logger)
	selected.Supersede()
	e.policies[id.ID] = resolved
	e.computed++
	return resolved, nil
}

// policyOwner is what Cilium wants to know of the endpoint that a policy is computed for. It has
// nothing to regenerate.
type policyOwner struct {
	id    uint64
	ports types.NamedPortMap
}

func (o policyOwner) GetID() uint64                    { return o.id }
func (policyOwner) PolicyDebug(string, ...any)         {}
func (policyOwner) IsHost() bool                       { return false }
func (policyOwner) PreviousMapState() *policy.MapState { return nil }
func (policyOwner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}
