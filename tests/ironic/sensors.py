"""Sensor data that Ironic collects and notifies, compared with the documents of the BMC.

Ironic's notification driver `log` writes each notification into its log, so no message bus is needed.
"""

import datetime
import json
import threading
import time

import events

EVENT_TYPE = "hardware.redfish.metrics"
MARK = f" oslo.messaging.notification.{EVENT_TYPE} "
# How long a notification may take: several times `[sensor_data]interval` of ironic.conf.
NOTIFICATION_LIMIT_S = 120
# Readings change every 10 s of simulated time. Within this time each is seen, up to ten simulated seconds per second.
LOOK_EVERY_S = 0.5


class Notifications:
    """The notifications in the log of Ironic."""

    def __init__(self, log):
        self._log, self._end = log, 0
        self._lock = threading.Lock()
        self._found = []

    def of(self, uuid):
        """The notifications about a node, the oldest first."""
        with self._lock:
            self._read()
            return [found for found in self._found if found["node_uuid"] == uuid]

    def _read(self):
        with open(self._log, "rb") as log:
            log.seek(self._end)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._end += len(line)
                _, mark, rest = line.decode(errors="replace").partition(MARK)
                if mark:
                    self._found.append(json.loads(rest[rest.index("{"):])["payload"])


def wait(journey):
    """Waits for a notification whose collection has begun after this call. Stores it with the documents of the time until then."""
    began = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    end = time.monotonic() + NOTIFICATION_LIMIT_S
    journey.documents = []
    while True:
        documents = {name: journey.fleet.ask(journey.node, f"{journey.chassis}/{name}") for name in ("Thermal", "Power")}
        journey.documents.append(documents)
        for found in journey.notifications.of(journey.uuid):
            if datetime.datetime.fromisoformat(found["timestamp"]) > began:
                journey.notification = found
                return
        if time.monotonic() > end:
            raise TimeoutError(f"no notification {EVENT_TYPE} within {NOTIFICATION_LIMIT_S} s")
        time.sleep(LOOK_EVERY_S)


def wait_hot(journey):
    events.heat(journey)
    wait(journey)


def check(journey):
    """The readings are those of a healthy machine, as the BMC shows them."""
    _check_documents(journey)
    _check_health(journey, set())


def check_hot(journey):
    """The inlet is critical, and nothing else is."""
    _check_documents(journey)
    inlets = {key: sensor for key, sensor in journey.notification["payload"]["Temperature"].items()
              if sensor["physical_context"] == "Intake"}
    _check_health(journey, {("Temperature", key) for key in inlets})
    readings = [sensor["reading_celsius"] for sensor in inlets.values()]
    cold = [reading for reading in readings if abs(reading - journey.hot) > 1]
    journey.record("hot inlet", f"{readings}, expected {journey.hot}" if cold or not readings else "")
    events.check_received(journey)
    events.cool(journey)
    events.check_received(journey)


def _check_health(journey, critical):
    """These parts are critical, and all others are well."""
    payload = journey.notification["payload"]
    parts = [(kind, key, part) for kind in ("Temperature", "Fan", "Power", "Drive") for key, part in payload[kind].items()]
    wrong = [f"{kind} {key} is {part['state']}, {part['health']}" for kind, key, part in parts
             if (part["state"], part["health"]) != ("Enabled", "Critical" if (kind, key) in critical else "OK")]
    journey.record("health of sensors", "; ".join(wrong))


def _check_documents(journey):
    """Each kind of readings is that of a document that the BMC has shown, in every value."""
    payload, system = journey.notification["payload"], journey.fleet.ask(journey.node, journey.node["redfish_system_id"])
    chassis = journey.chassis.rpartition("/")[2]
    thermals = [document["Thermal"] for document in journey.documents]
    powers = [document["Power"] for document in journey.documents]
    kinds = {
        "Temperature": [{f"{each['MemberId']}@{chassis}": temperature(each) for each in document["Temperatures"]}
                        for document in thermals],
        "Fan": [{f"{each['MemberId']}@{chassis}": fan(each) for each in document["Fans"]} for document in thermals],
        "Power": [{f"{each['MemberId']}:Power@{chassis}": supply(each) for each in document["PowerSupplies"]}
                  for document in powers],
        "Drive": [drives(journey, system)],
        "Extra": [{"Manufacturer": system["Manufacturer"], "Model": system["Model"], "UUID": system["UUID"]}],
    }
    for kind, shown in kinds.items():
        found = payload.get(kind)
        problem = f"{found}, the BMC has shown {shown}" if found not in shown or not found else ""
        journey.record(f"sensor data, {kind.lower()}", problem)
    other = set(payload) - set(kinds)
    journey.record("sensor data, kinds", f"{other} are not compared" if other else "")


# What Ironic makes of a document (get_sensors_data in ironic/drivers/modules/redfish/management.py). sushy cuts some fractions off.

def temperature(document):
    return {"identity": document["MemberId"], "max_reading_range_temp": document.get("MaxReadingRangeTemp"),
            "min_reading_range_temp": document.get("MinReadingRangeTemp"), "reading_celsius": document["ReadingCelsius"],
            "physical_context": document["PhysicalContext"], "sensor_number": document.get("SensorNumber")} | _status(document)


def fan(document):
    return {"identity": document["MemberId"], "max_reading_range": document.get("MaxReadingRange"),
            "min_reading_range": document.get("MinReadingRange"), "reading": document["Reading"],
            "reading_units": document["ReadingUnits"], "serial_number": document.get("SerialNumber"),
            "physical_context": document.get("PhysicalContext")} | _status(document)


def supply(document):
    return {"power_capacity_watts": document["PowerCapacityWatts"],
            "line_input_voltage": int(document["LineInputVoltage"]),
            "last_power_output_watts": int(document["LastPowerOutputWatts"]),
            "serial_number": document["SerialNumber"]} | _status(document)


def drives(journey, system):
    """The drives of `SimpleStorage`, which Ironic prefers, else those of `Storage`."""
    found = {}
    for controller in _members(journey, system.get("SimpleStorage") or system["Storage"]):
        parts = controller.get("Devices")
        if parts is None:
            parts = [journey.fleet.ask(journey.node, link["@odata.id"]) for link in controller["Drives"]]
        for drive in parts:
            found[f"{drive['Name']}:{controller['Id']}@{system['Id']}"] = {
                "name": drive["Name"], "model": drive["Model"], "capacity_bytes": drive["CapacityBytes"]} | _status(drive)
    return found


def _members(journey, link):
    return journey.fleet.ask(journey.node, f"{link['@odata.id']}?$expand=.")["Members"]


def _status(document):
    return {"state": document["Status"]["State"], "health": document["Status"]["Health"]}
