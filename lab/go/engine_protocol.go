// The verdict engine as a server on stdin and stdout: one JSON request a line, one JSON answer a
// line, in order, until stdin ends. README.md describes the messages.

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"
)

// The three outcomes for one half of a flow; a half that is not subject to policy has none.
const (
	halfAllowed = "allowed"
	halfDenied  = "denied"
	halfNone    = "none"
)

type request struct {
	Op         string                     `json:"op"`
	Identities map[string]identityRequest `json:"identities"`
	Objects    []json.RawMessage          `json:"objects"`
	Flows      []flowRequest              `json:"flows"`
	Prefixes   []string                   `json:"prefixes"`
	Keys       []string                   `json:"keys"`
	Sizes      []string                   `json:"sizes"`
}

// identityRequest has exactly one of its fields, but ports go with labels, an address may go with its
// name, and an address or an entity with what else an agent labels it.
type identityRequest struct {
	Labels map[string]string `json:"labels"`
	Entity string            `json:"entity"`
	CIDR   string            `json:"cidr"`
	Name   string            `json:"name"`
	Also   []string          `json:"also"`
	Ports  map[string]string `json:"ports"`
}

type flowRequest struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
}

type flowVerdict struct {
	Allowed      bool   `json:"allowed"`
	Egress       string `json:"egress"`
	Ingress      string `json:"ingress"`
	EgressProxy  string `json:"egress_proxy"`
	IngressProxy string `json:"ingress_proxy"`
}

type rejection struct {
	Index     int    `json:"index"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Error     string `json:"error"`
}

// answer holds a pointer to what may be empty but must not be left out.
type answer struct {
	OK       bool              `json:"ok"`
	Error    string            `json:"error,omitempty"`
	Rejected *[]rejection      `json:"rejected,omitempty"`
	Verdicts *[]flowVerdict    `json:"verdicts,omitempty"`
	Kept     *[]bool           `json:"kept,omitempty"`
	Sizes    *[]int            `json:"sizes,omitempty"`
	Versions map[string]string `json:"versions,omitempty"`
}

func runEngine(args []string) int {
	if len(args) > 0 {
		return fail("usage: netpol-lab engine")
	}
	out, err := claimStdout()
	if err != nil {
		return fail("engine: %v", err)
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := serve(newEngine(logger), os.Stdin, out); err != nil {
		return fail("engine: %v", err)
	}
	return 0
}

// claimStdout keeps stdout for the answers alone: whatever a library prints there goes to stderr.
func claimStdout() (*os.File, error) {
	copied, err := unix.Dup(unix.Stdout)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup2(unix.Stderr, unix.Stdout); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(copied), "answers"), nil
}

func serve(e *engine, in io.Reader, out io.Writer) error {
	// A whole policy set is one line, so there is no limit on its length.
	lines := bufio.NewReaderSize(in, 1<<20)
	answers := json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := answers.Encode(e.handle(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (e *engine) handle(line []byte) answer {
	result, err := e.dispatch(line)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result.OK = true
	return result
}

func (e *engine) dispatch(line []byte) (answer, error) {
	var r request
	decoder := json.NewDecoder(bytes.NewReader(line))
	// A misspelt field would silently ask something else.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return answer{}, fmt.Errorf("malformed request: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return answer{}, errors.New("malformed request: more than one JSON value on the line")
	}
	switch r.Op {
	case "identities":
		return answer{}, e.replaceEndpoints(r.Identities)
	case "policies":
		rejected := e.replacePolicies(r.Objects)
		return answer{Rejected: &rejected}, nil
	case "flows":
		verdicts, err := e.verdicts(r.Flows)
		return answer{Verdicts: &verdicts}, err
	case "labels":
		kept, err := keptLabels(r.Prefixes, r.Keys)
		return answer{Kept: &kept}, err
	case "sizes":
		sizes, err := e.sizes(r.Sizes)
		return answer{Sizes: &sizes}, err
	case "version":
		return answer{Versions: versions()}, nil
	default:
		return answer{}, fmt.Errorf("unknown op %q", r.Op)
	}
}

// sizes says how many entries the policy map of each pod would have.
func (e *engine) sizes(names []string) ([]int, error) {
	sizes := make([]int, len(names))
	for index, name := range names {
		subject, ok := e.endpoints[name]
		if !ok || !subject.pod {
			return nil, fmt.Errorf("no pod %q", name)
		}
		resolved, err := e.policyOf(subject)
		if err != nil {
			return nil, fmt.Errorf("policy of %q: %w", name, err)
		}
		sizes[index] = resolved.Len()
	}
	return sizes, nil
}

func (e *engine) verdicts(flows []flowRequest) ([]flowVerdict, error) {
	verdicts := make([]flowVerdict, len(flows))
	for index, flow := range flows {
		verdict, err := e.verdict(flow)
		if err != nil {
			return nil, fmt.Errorf("flow %d: %w", index, err)
		}
		verdicts[index] = verdict
	}
	return verdicts, nil
}
