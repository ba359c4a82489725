// Package fauxmetaltest starts fauxmetal for tests, and talks to it.
//
// Copy this file into your module. The program is that of the environment
// variable FAUXMETAL, or fauxmetal in PATH.
package fauxmetaltest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startMax = 30 * time.Second
	stopMax  = 30 * time.Second
)

// Fleet is a running fauxmetal.
type Fleet struct {
	// Ready has the addresses of the daemon.
	Ready Ready
	// HTTP trusts the certificates of the BMCs.
	HTTP *http.Client
}

// Ready is what fauxmetal prints when clients can connect.
type Ready struct {
	Redfish []string `json:"redfish"`
	Agent   string   `json:"agent"`
	Admin   string   `json:"admin"`
	CA      string   `json:"ca"`
	User    string   `json:"user"`
}

// Node is what the control API tells about a node; it has more members.
type Node struct {
	Name   string            `json:"name"`
	Power  string            `json:"power"`
	State  string            `json:"state"`
	Labels map[string]string `json:"labels"`
	BMC    struct {
		URL string `json:"url"`
	} `json:"bmc"`
}

// Done is the result of a change.
type Done struct {
	Selected int `json:"selected"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
}

// Problem is an error of the control API (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%d: %s", p.Status, p.Detail)
}

// Start runs `fauxmetal serve` with these arguments, on free ports of loopback
// and with certificates of its own. The daemon stops at the end of the test.
func Start(t testing.TB, arguments ...string) *Fleet {
	t.Helper()
	program := os.Getenv("FAUXMETAL")
	if program == "" {
		program = "fauxmetal"
	}
	command := exec.Command(program, append([]string{"serve"}, arguments...)...)
	// Arguments take precedence over these settings.
	command.Env = append(os.Environ(),
		"FAUXMETAL_LISTEN=https://127.0.0.1:0",
		"FAUXMETAL_AGENT_LISTEN=https://127.0.0.1:0",
		"FAUXMETAL_ADMIN_LISTEN=http://127.0.0.1:0",
		"FAUXMETAL_CERTS="+filepath.Join(t.TempDir(), "certs"))
	var log bytes.Buffer
	command.Stderr = &log
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(startMax, func() { _ = command.Process.Kill() })
	ready, err := readReady(stdout)
	kill.Stop()
	t.Cleanup(func() {
		kill := time.AfterFunc(stopMax, func() { _ = command.Process.Kill() })
		defer kill.Stop()
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("fauxmetal has ended with %v: %s", err, log.String())
		}
	})
	if err != nil {
		t.Fatalf("fauxmetal has not started: %v", err)
	}
	ca, err := os.ReadFile(ready.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	// Requests stay on this machine, so no proxy of the environment is used.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &Fleet{Ready: ready, HTTP: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// readReady reads the line READY, which is followed by JSON.
func readReady(stdout io.Reader) (Ready, error) {
	var ready Ready
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "READY "); found {
			return ready, json.Unmarshal([]byte(text), &ready)
		}
	}
	return ready, errors.Join(lines.Err(), errors.New("it has printed no line READY"))
}

// Control asks the control API, such as GET /nodes, and reads the answer.
func (f *Fleet) Control(method, path string, body, answer any) error {
	request, err := newRequest(method, f.Ready.Admin+"/fauxmetal/v1"+path, body)
	if err != nil {
		return err
	}
	return f.do(request, answer)
}

// Redfish asks a BMC, as its clients do.
func (f *Fleet) Redfish(method, url string, body, answer any) error {
	request, err := newRequest(method, url, body)
	if err != nil {
		return err
	}
	request.SetBasicAuth(f.Ready.User, "password")
	return f.do(request, answer)
}

// Change changes nodes with a verb, such as "power" and {"action": "on"}.
// Without names it changes all nodes.
func (f *Fleet) Change(verb string, members map[string]any, names ...string) (Done, error) {
	nodes := map[string]any{"all": true}
	if len(names) > 0 {
		nodes = map[string]any{"names": names}
	}
	body := map[string]any{"nodes": nodes}
	for name, value := range members {
		body[name] = value
	}
	var done Done
	err := f.Control(http.MethodPost, "/"+verb, body, &done)
	return done, err
}

// Node shows a node.
func (f *Fleet) Node(name string) (Node, error) {
	var node Node
	err := f.Control(http.MethodGet, "/nodes/"+name, nil, &node)
	return node, err
}

// WaitFor waits until a node meets a condition.
func (f *Fleet) WaitFor(name string, timeout time.Duration, met func(Node) bool) (Node, error) {
	for end := time.Now().Add(timeout); ; time.Sleep(100 * time.Millisecond) {
		node, err := f.Node(name)
		if err != nil || met(node) {
			return node, err
		}
		if time.Now().After(end) {
			return node, fmt.Errorf("%s does not meet the condition after %v: %+v", name, timeout, node)
		}
	}
}

func newRequest(method, url string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, url, content)
	if err == nil && body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, err
}

// do sends a request and reads the JSON of the answer. An error of the control
// API is a *Problem.
func (f *Fleet) do(request *http.Request, answer any) error {
	response, err := f.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		problem := &Problem{}
		if json.Unmarshal(text, problem) == nil && problem.Status != 0 {
			return problem
		}
		return fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, response.Status, text)
	}
	if answer == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, answer)
}
