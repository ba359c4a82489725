"""Subscriptions to the events of a node, made through Ironic by vendor passthru, and what their receiver gets."""

import re

import accounts
from api import RequestFailed

EVENT_SERVICE = "/redfish/v1/EventService"
EVENT_TYPES = ["Alert", "Other", "ResourceAdded", "ResourceRemoved", "ResourceUpdated", "StatusChange"]
# How long the receiver waits for expected events. They come within a second.
ARRIVAL_LIMIT_S = 60
# How far the hot air is above the critical threshold of the inlet, degrees Celsius. No other sensor reaches a threshold.
EXCESS = 2
# What Ironic shows when the BMC, or Ironic itself, refuses a request.
REFUSED_DESTINATION = r" 500 .*Failed to create subscription .*returned code 400\. .*PropertyValueFormatError: .*Destination"
# Ironic compares the words of a client with members of an enumeration of sushy, so it accepts no word, and only an empty list.
TYPES_BY_NAME = r" 400 EventTypes \['Alert'\] is not a valid value"
NO_DESTINATION = r" 400 Destination None is not a valid URI"
UNKNOWN = r" {0} .*failed for subscription {1} on node .*/Subscriptions/{1} not found"
# Events of a machine, from a change of its power or of its surroundings.
OFF = ["ResourceEvent.ResourcePoweringOff", "ResourceEvent.ResourcePoweredOff"]
ON = ["ResourceEvent.ResourcePoweringOn", "ResourceEvent.ResourcePoweredOn", "ResourceEvent.ResourceSelfTestCompleted",
      "ResourceEvent.ResourceStateChanged"]
HEATED = ["Environmental.TemperatureAboveUpperCriticalThreshold", "ResourceEvent.ResourceStatusChangedCritical"]
COOLED = ["Environmental.TemperatureNormal", "ResourceEvent.ResourceStatusChangedOK"]


class Subscription:
    """One subscription: what Ironic is asked for, and the events that must come."""

    def __init__(self, journey, name, **asked):
        self.path = f"/{journey.node['name']}/{name}"
        self.asked = {"Destination": journey.receiver.url + self.path, "Context": f"{name} of {journey.uuid}"} | asked
        self.expected = []
        self.id = None


def passthru(journey, http_method, method, **arguments):
    """Calls a method of the vendor interface."""
    path = f"/v1/nodes/{journey.uuid}/vendor_passthru?method={method}"
    return journey.ironic.request(http_method, path, arguments)


def record_refusal(journey, check, wanted, http_method, method, **arguments):
    """A call that must fail, with an error that matches the pattern `wanted`."""
    try:
        problem = f"{method} of {arguments} succeeded: {passthru(journey, http_method, method, **arguments)}"
    except RequestFailed as error:
        problem = "" if re.search(wanted, str(error), re.DOTALL) else f"the error is {error}, expected {wanted!r}"
    journey.record(check, problem)


# The stages. Each function gets the journey of the node.

def subscribe(journey):
    """One subscription with Ironic's defaults, which asks for alerts, and one to all events."""
    # The start after the deployment ends before, so that none of its events comes.
    journey.fleet.wait(journey.node, "os-running")
    journey.alerts = Subscription(journey, "alerts")
    journey.every = Subscription(journey, "every", EventTypes=[], HttpHeaders=[{"X-Lab": "rack 7"}])
    for subscription in (journey.alerts, journey.every):
        shown = passthru(journey, "POST", "create_subscription", **subscription.asked)
        subscription.id = shown["Id"]
        journey.record("new subscription", _difference(shown, subscription))


def check_subscriptions(journey):
    """Ironic shows the subscriptions, and refuses what the BMC refuses."""
    ids, own = _ids(journey), _own_destinations(journey)
    for subscription in (journey.alerts, journey.every):
        journey.record("subscription listed", "" if subscription.id in ids else f"{subscription.id} is not in {ids}")
        shown = passthru(journey, "GET", "get_subscription", id=subscription.id)
        journey.record("subscription shown", _difference(shown, subscription))
    record_refusal(journey, "no destination", NO_DESTINATION, "POST", "create_subscription", Context="x")
    record_refusal(journey, "types of events by name", TYPES_BY_NAME, "POST", "create_subscription",
                   Destination=_refused(journey, "http"), EventTypes=["Alert"])
    record_refusal(journey, "destination that the BMC refuses", REFUSED_DESTINATION, "POST", "create_subscription",
                   Destination=_refused(journey, "ftp"))
    record_refusal(journey, "unknown subscription shown", UNKNOWN.format(500, "999999"), "GET", "get_subscription", id="999999")
    record_refusal(journey, "unknown subscription deleted", UNKNOWN.format(404, "999999"), "DELETE", "delete_subscription",
                   id="999999")
    left = _own_destinations(journey)
    journey.record("refusals change nothing", f"{left}, before {own}" if left != own else "")


def check_roles(journey):
    """An Operator subscribes, and deletes its subscription. With the role ReadOnly, the same account is refused."""
    operator = Subscription(journey, "operator")
    operator.id = passthru(journey, "POST", "create_subscription", **operator.asked)["Id"]
    passthru(journey, "DELETE", "delete_subscription", id=operator.id)
    left = _own_destinations(journey)
    journey.record("subscription of an Operator deleted", f"{left} is left" if left else "")
    journey.fleet.ask(journey.node, journey.account, "PATCH", {"RoleId": "ReadOnly"})
    record_refusal(journey, "subscription with the role ReadOnly", accounts.refusal(accounts.SUBSCRIPTIONS),
                   "POST", "create_subscription", **operator.asked)
    journey.fleet.ask(journey.node, journey.account, "PATCH", {"RoleId": journey.login.role})
    left = _own_destinations(journey)
    journey.record("refusal of a role changes nothing", f"{left} is left" if left else "")


def power_off(journey):
    _set_power(journey, "power off")


def power_on(journey):
    _set_power(journey, "power on")


def _set_power(journey, target):
    journey.ironic.request("PUT", f"/v1/nodes/{journey.uuid}/states/power", {"target": target})


def check_off(journey):
    journey.every.expected += OFF
    check_received(journey)


def check_on(journey):
    journey.every.expected += ON
    check_received(journey)


def heat(journey):
    journey.fleet.node(journey.node, "heat", "--inlet", journey.hot)
    for subscription in (journey.alerts, journey.every):
        subscription.expected += HEATED


def cool(journey):
    journey.fleet.node(journey.node, "cool")
    for subscription in (journey.alerts, journey.every):
        subscription.expected += COOLED


def check_received(journey):
    """The events that have come are the expected ones, in order and once."""
    for subscription in (journey.alerts, journey.every):
        _check(journey, subscription)


def _check(journey, subscription):
    wanted = subscription.expected
    received = journey.receiver.wait(
        subscription.path, lambda received: len(_own(journey, received)) >= len(wanted), ARRIVAL_LIMIT_S)
    found = [each.key for each in _own(journey, received)]
    journey.record("events", f"{subscription.path} got {found}, expected {wanted}" if found != wanted else "")
    # At a service root that all nodes share, the numbers of other nodes' events are between those of this node.
    numbers = [int(each.event["EventId"]) for each in received]
    journey.record("numbers of events", "" if numbers == sorted(set(numbers)) else f"{subscription.path} got {numbers}")
    contexts = {each.context for each in received} - {subscription.asked["Context"]}
    journey.record("context of events", f"{contexts} in requests to {subscription.path}" if contexts else "")
    for header in subscription.asked.get("HttpHeaders", ()):
        lacking = sum(each.headers[name] != value for each in received for name, value in header.items())
        journey.record("headers of events", f"{lacking} events without {header}" if lacking else "")


def unsubscribe(journey):
    """Deletes the first subscription, and then the second. What happens in between comes to the second one only."""
    passthru(journey, "DELETE", "delete_subscription", id=journey.alerts.id)
    record_refusal(journey, "deleted subscription shown", UNKNOWN.format(500, journey.alerts.id), "GET", "get_subscription",
                   id=journey.alerts.id)
    before = journey.alerts.expected.copy()
    for change in (heat, cool):
        change(journey)
        # When the second one has its events, nothing is on its way to the first one.
        _check(journey, journey.every)
    journey.alerts.expected = before
    _check(journey, journey.alerts)
    passthru(journey, "DELETE", "delete_subscription", id=journey.every.id)
    left = {journey.alerts.id, journey.every.id} & set(_ids(journey))
    journey.record("no subscription left", f"{left} are listed" if left else "")


def check_nothing_more(journey):
    """Nothing has come after the deletion, although the machine has been switched off and has booted since."""
    check_received(journey)


def _refused(journey, scheme):
    return f"{scheme}://127.0.0.1/{journey.node['name']}/refused"


def _own_destinations(journey):
    """The destinations of this node's subscriptions, from the BMC itself. At a shared root, others come and go."""
    members = journey.fleet.ask(journey.node, f"{EVENT_SERVICE}/Subscriptions?$expand=.")["Members"]
    return [member["Destination"] for member in members if f"/{journey.node['name']}/" in member["Destination"]]


def _own(journey, received):
    """The events of this machine. At a service root that all nodes share, the others' come, too."""
    machine = journey.machine_uris
    return [each for each in received if any(f"{each.origin}/".startswith(f"{uri}/") for uri in machine)]


def _difference(shown, subscription):
    wanted = {"Id": subscription.id, "Protocol": "Redfish", "EventTypes": ["Alert"]} | subscription.asked
    # The BMC shows what the list means. It never shows the values of headers.
    wanted["EventTypes"] = wanted["EventTypes"] or EVENT_TYPES
    wanted.pop("HttpHeaders", None)
    return f"{shown}, expected {wanted}" if shown != wanted else ""


def _ids(journey):
    """The ids of all subscriptions that Ironic lists."""
    members = passthru(journey, "GET", "get_all_subscriptions")["Members"]
    return [member["@odata.id"].rpartition("/")[2] for member in members]
