package fauxmetaltest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

type system struct {
	PowerState string
}

func powerState(t *testing.T, fleet *Fleet, url string) string {
	t.Helper()
	var found system
	if err := fleet.Redfish(http.MethodGet, url, nil, &found); err != nil {
		t.Fatal(err)
	}
	return found.PowerState
}

// One daemon serves all parts, and each begins with servers that are as good
// as new.
func TestServers(t *testing.T) {
	fleet := Start(t, "--nodes", "4", "--boot-time", "1s")
	for name, run := range map[string]func(*testing.T, *Fleet){
		"a client switches a server on": switchesOn,
		"labels select servers":         selectsByLabel,
		"a refusal says why":            refuses,
		"a BMC is busy twice":           meetsABusyBMC,
		"an hour passes at once":        stepsTheClock,
	} {
		t.Run(name, func(t *testing.T) {
			// No rule of faults is left, and time runs.
			if err := fleet.Control(http.MethodPost, "/faults/clear", map[string]any{"all": true}, nil); err != nil {
				t.Fatal(err)
			}
			if err := fleet.Control(http.MethodPost, "/clock/run", map[string]any{}, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := fleet.Change("reset", nil); err != nil {
				t.Fatal(err)
			}
			run(t, fleet)
		})
	}
}

func switchesOn(t *testing.T, fleet *Fleet) {
	node, err := fleet.Node("generic-0")
	if err != nil {
		t.Fatal(err)
	}
	if found := powerState(t, fleet, node.BMC.URL); found != "Off" {
		t.Fatalf("the new server is %s", found)
	}
	reset := map[string]string{"ResetType": "On"}
	if err := fleet.Redfish(http.MethodPost, node.BMC.URL+"/Actions/ComputerSystem.Reset", reset, nil); err != nil {
		t.Fatal(err)
	}
	// Its disks are empty, so it finds nothing to boot.
	_, err = fleet.WaitFor("generic-0", 30*time.Second, func(node Node) bool { return node.State == "no-boot-device" })
	if err != nil {
		t.Fatal(err)
	}
	if found := powerState(t, fleet, node.BMC.URL); found != "On" {
		t.Fatalf("the server is %s", found)
	}
}

func selectsByLabel(t *testing.T, fleet *Fleet) {
	done, err := fleet.Change("label", map[string]any{"set": map[string]string{"rack": "r7"}}, "generic-2", "generic-3")
	if err != nil || done.Accepted != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	body := map[string]any{"nodes": map[string]string{"selector": "rack=r7,index>2"}, "action": "on"}
	if err := fleet.Control(http.MethodPost, "/power", body, &done); err != nil || done.Selected != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	_, err = fleet.WaitFor("generic-3", 30*time.Second, func(node Node) bool { return node.Power == "on" })
	if err != nil {
		t.Fatal(err)
	}
	other, err := fleet.Node("generic-2")
	if err != nil || other.Power != "off" {
		t.Fatalf("%+v, %v", other, err)
	}
}

func refuses(t *testing.T, fleet *Fleet) {
	_, err := fleet.Change("crash", nil, "generic-0")
	var problem *Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusConflict {
		t.Fatalf("a server that is off has an agent that crashes: %v", err)
	}
}

func meetsABusyBMC(t *testing.T, fleet *Fleet) {
	rule := map[string]any{
		"name": "busy",
		"who":  map[string]any{"names": []string{"generic-0"}},
		"when": map[string]any{"first": 2},
		"what": map[string]any{"status": map[string]any{"code": 503}},
	}
	if err := fleet.Control(http.MethodPost, "/faults", map[string]any{"rules": []any{rule}}, nil); err != nil {
		t.Fatal(err)
	}
	node, err := fleet.Node("generic-0")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := fleet.Redfish(http.MethodGet, node.BMC.URL, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "503 Service Unavailable") {
			t.Fatalf("the BMC is not busy: %v", err)
		}
	}
	if found := powerState(t, fleet, node.BMC.URL); found != "Off" {
		t.Fatalf("the server is %s", found)
	}
}

func stepsTheClock(t *testing.T, fleet *Fleet) {
	if err := fleet.Control(http.MethodPost, "/clock/hold", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := fleet.Change("power", map[string]any{"action": "on"}, "generic-0"); err != nil {
		t.Fatal(err)
	}
	if err := fleet.Control(http.MethodPost, "/clock/step", map[string]any{"seconds": 3600}, nil); err != nil {
		t.Fatal(err)
	}
	node, err := fleet.Node("generic-0")
	if err != nil || node.State != "no-boot-device" {
		t.Fatalf("after an hour: %+v, %v", node, err)
	}
}

func TestOutputWithoutReady(t *testing.T) {
	if _, err := readReady(strings.NewReader("fauxmetal serves 4 nodes\n")); err == nil {
		t.Fatal("no error, and no line READY")
	}
}
