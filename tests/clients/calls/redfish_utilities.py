"""The commands of DMTF's redfish_utilities, and its public functions, which the commands call."""

import ast
import contextlib
import inspect
import json
import pathlib
import re
import runpy
import sys
import sysconfig
import tarfile
import tempfile

import redfish
import redfish_utilities

from checks import Fault
from commands import Call, expect, filled, outcome

SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))
PACKAGE = pathlib.Path(redfish_utilities.__file__).parent
# Options that say how to log in. Every command has them.
COMMON = {"--user", "--password", "--rhost", "--debug"}

_BIOS = "{S}/Bios/Settings#Attributes.{attribute}"
_IMAGE = "{V}/{cd}#Image"
_NOT_INSERTED = Fault(PACKAGE / "systems.py", 550, "if inserted:", "--notinserted is the value False, which is not sent", "#Inserted is True")
_WRITABLE = Fault(PACKAGE / "systems.py", 552, "if write_protected:", "--writable is the value False, which is not sent", "#WriteProtected is True")
_LOGGED_OUT = Fault(SCRIPTS / "rf_manager_config.py", 247, "redfish_utilities.logout(redfish_obj)", "the restart of the BMC has ended the session, and the log out fails", "Invalid session resource")

_starting = lambda bmc: bmc.starting_again()


_AT_MAKER = "2026-01-01T00:00:00Z"


def _shows(log, takes=lambda entries: entries, details=False):
    """Whether the client shows the entries of a log that it was asked for, in their order."""

    def check(bmc, output):
        wanted = takes(bmc.entries(filled(log, bmc.words())))
        lines = output.splitlines()
        shown = [line for line in lines if re.match(r"  (B\d+-)?\d+ +\| ", line)]
        assert shown == [f"  {one['Id']:5s} | {one['Created']:25s} | {one['Message']}" for one in wanted], (shown, wanted)
        severities = [line.rpartition(": ")[2] for line in lines if "| Severity: " in line]
        assert severities == ([one["Severity"] for one in wanted] if details else []), severities
        # A log without entries would prove nothing.
        assert wanted, f"the client shows no entries of {log}"

    return check


def _post_codes(bmc):
    """One whole start of the machine, whose POST codes are the only ones in their log."""
    log = filled("{S}/LogServices/PostCodes", bmc.words())
    bmc.power("Off")
    assert bmc.ask("POST", f"{log}/Actions/LogService.ClearLog", {})[0] in (200, 204)
    bmc.power("On")
    bmc.wait(f"{log}/Entries#Members", lambda entries: len(entries) == 14)


def _archive(folder, *parts):
    """Whether the archive in a folder opens, and has the documents of the machine or of the BMC as the service shows them."""

    def check(bmc):
        wanted = {filled(part, bmc.words()).removeprefix("/") + "/index.json" for part in parts}
        with tarfile.open(pathlib.Path(folder) / "attachment", "r:gz") as archive:
            names = archive.getnames()
            assert wanted <= set(names), (wanted, names)
            for name in names:
                document = json.load(archive.extractfile(name))
                assert document["@odata.id"] == "/" + name.removesuffix("/index.json"), (name, document)
            one = json.load(archive.extractfile(min(wanted)))
        now = bmc.get(one["@odata.id"])
        assert (one["@odata.type"], one.get("Id")) == (now["@odata.type"], now.get("Id")), (one, now)

    return check


def _test_event(bmc):
    """A test event that passes the filter of the new subscription, and one that does not."""
    for message in ("Update.1.3.UpdateSuccessful", "ResourceEvent.1.4.TestMessage"):
        action = "/redfish/v1/EventService/Actions/EventService.SubmitTestEvent"
        assert bmc.ask("POST", action, {"MessageId": message})[0] in (200, 204)
    event, document, headers = bmc.delivered("rf", "ResourceEvent.1.4.TestMessage")
    assert document["Context"] == "from-rf" and event["EventType"] == "Other", document
    assert (headers["X-Rf"], headers["Authorization"]) == ("one: two", "Basic YTpi"), headers
    assert len(bmc.all_delivered("rf")) == 1, bmc.all_delivered("rf")


def _subscription(bmc, output):
    """Whether the client shows the only subscription as the service does."""
    one, = bmc.subscriptions()
    for text in (f"  {one['Id']:36s} | Destination: {one['Destination']}", "State: Enabled", "Context: from-rf",
                 "Event Types: Other", "Registries: ResourceEvent", "Resource Types: EventService"):
        assert text in output, (text, output)


def _service(bmc, output):
    """Whether the client shows the service as it is."""
    one = bmc.get("/redfish/v1/EventService")
    for text in ("Status: Enabled", f"SSE URI: {one.get('ServerSentEventUri', 'Not supported')}", "3 attempts, 30 second intervals",
                 *(f"{name}: {', '.join(one[key])}\n" for name, key in (
                     ("Event Types", "EventTypesForSubscription"), ("Event Formats", "EventFormatTypes"),
                     ("Registries", "RegistryPrefixes"), ("Resource Types", "ResourceTypes"))), "No subscriptions"):
        assert text in output, (text, output)


_none = {"/redfish/v1/EventService/Subscriptions#Members": []}

CALLS = [
    Call(["rf_accounts.py"], r"admin +\| Administrator +\| False +\| True"),
    Call(["rf_accounts.py", "--add", "robin", "Secret-123456", "Operator"]),
    Call(["rf_accounts.py"], r"robin +\| Operator +\| False +\| True"),
    Call(["rf_accounts.py", "--disable", "robin"]),
    Call(["rf_accounts.py"], r"robin +\| Operator +\| False +\| False"),
    Call(["rf_accounts.py", "--enable", "robin"]),
    Call(["rf_accounts.py", "--setrole", "robin", "ReadOnly"]),
    Call(["rf_accounts.py", "--setpassword", "robin", "Other-123456"]),
    Call(["rf_accounts.py", "--unlock", "robin"]),
    Call(["rf_accounts.py", "--setname", "robin", "alex"]),
    Call(["rf_accounts.py"], r"alex +\| ReadOnly +\| False +\| True"),
    Call(["rf_accounts.py", "--delete", "alex"]),
    Call(["rf_accounts.py", "--add", "robin", "Secret-123456", "Nobody"], "Failed to add user|HTTP 400", code=1),

    Call(["rf_bios_settings.py"], r"{attribute} +\| Enabled +\| Enabled"),
    Call(["rf_bios_settings.py", "--system", "{system}", "--attribute", "{attribute}", "Disabled"], after={_BIOS: "Disabled"}),
    Call(["rf_bios_settings.py"], r"{attribute} +\| Enabled +\| Disabled"),
    Call(["rf_bios_settings.py", "--attribute", "{attribute}", "Disabled", "--workaround"], after={_BIOS: "Disabled"}),
    Call(["rf_bios_settings.py", "--attribute", "NoSuchSetting", "1"], "NoSuchSetting", code=1),
    Call(["rf_bios_settings.py", "--reset"], after={_BIOS: lambda found: found in ("Enabled", None)}),

    Call(["rf_boot_override.py", "--info"], r"(?s)Target: None.*Pxe.*Enabled: Disabled"),
    Call(["rf_boot_override.py", "--system", "{system}", "--target", "Pxe", "--mode", "UEFI"],
         after={"{S}#Boot.BootSourceOverrideTarget": "Pxe", "{S}#Boot.BootSourceOverrideEnabled": "Once"}),
    Call(["rf_boot_override.py", "--target", "None"], after={"{S}#Boot.BootSourceOverrideEnabled": "Disabled"}),
    Call(["rf_boot_override.py", "--target", "Pxe", "--workaround"], after={"{S}#Boot.BootSourceOverrideTarget": "Pxe"}),
    Call(["rf_boot_override.py", "--target", "None"], after={"{S}#Boot.BootSourceOverrideEnabled": "Disabled"}),
    Call(["rf_boot_override.py", "--target", "UefiTarget", "--uefi", "NoSuchPath"], "HTTP 400", code=1),
    Call(["rf_boot_override.py", "--target", "BiosSetup", "--reset"], "Resetting the system",
         before=lambda bmc: bmc.power("On"),
         after={"{S}#Boot.BootSourceOverrideEnabled": "Disabled", "{S}#PowerState": "On"}),

    Call(["rf_diagnostic_data.py", "--log", "{manager_log}", "--directory", "bmc"], "Saved diagnostic data to 'bmc/attachment'",
         then=_archive("bmc", "{M}", "{M}/LogServices/{manager_log}/Entries"), shape="shared"),
    Call(["rf_diagnostic_data.py", "--system", "{system}", "--log", "{log}", "--type", "PreOS", "--directory", "machine"], "Saved",
         then=_archive("machine", "{S}", "{C}"), shape="shared"),
    Call(["rf_diagnostic_data.py", "--system", "{system}", "--log", "{log}", "--type", "OEM", "--oemtype", "System", "--directory", "all"],
         "Saved", then=_archive("all", "{S}", "{C}", "{M}"), shape="shared"),
    Call(["rf_diagnostic_data.py", "--system", "{system}", "--log", "{log}", "--type", "OEM"], "OEMDiagnosticDataType(?s:.*)missing|HTTP 400",
         code=1, shape="shared"),
    Call(["rf_diagnostic_data.py", "--manager", "{manager}", "--log", "AuditLog"], "does not support collecting diagnostic data", code=1,
         shape="shared"),
    # iLO has its own way to collect such data.
    Call(["rf_diagnostic_data.py", "--manager", "{manager}", "--log", "{manager_log}"], "does not support collecting diagnostic data",
         code=1, shape="own"),
    Call(["rf_diagnostic_data.py", "--chassis", "{chassis}"], "does not contain a log services collection", code=1),

    Call(["rf_event_service.py"], _service),
    Call(["rf_event_service.py", "info"], _service),
    Call(["rf_event_service.py", "subscribe", "--destination", "{receiver}/rf", "--expand"], "HTTP 400", code=1, after=_none),
    Call(["rf_event_service.py", "subscribe", "--destination", "{receiver}/rf", "--context", "from-rf", "--format", "Event",
          "--resourcetypes", "EventService", "--registries", "ResourceEvent", "--eventtypes", "Other",
          "--httpheaders", "X-Rf: one: two", "Authorization: Basic a:b"],
         r"Created subscription '/redfish/v1/EventService/Subscriptions/\d+'", then=_test_event),
    Call(["rf_event_service.py", "info"], _subscription),
    Call(["rf_event_service.py", "unsubscribe", "--id", "9999"], "called 9999", code=1),
    Call(["rf_event_service.py", "unsubscribe", "--id", "{subscription}"], "Deleting", after=_none),

    Call(["rf_firmware_inventory.py"], r"\| .*\d\.\d"),
    Call(["rf_firmware_inventory.py", "--details", "--id"], r"Version: [\s\S]*SoftwareId: "),

    Call(["rf_logs.py", "--system", "{system}", "--log", "{log}"], _shows("{S}/LogServices/{log}")),
    Call(["rf_logs.py", "--system", "{system}", "--log", "PostCodes", "--details"], _shows("{S}/LogServices/PostCodes", details=True),
         before=_post_codes, shape="shared"),
    Call(["rf_logs.py", "--system", "{system}"], "needs to be specified: PostCodes, SEL|needs to be specified: SEL, PostCodes", code=1, shape="shared"),
    Call(["rf_logs.py", "--system", "{system}"], "needs to be specified: IML, SL", code=1, shape="own"),
    Call(["rf_logs.py", "--manager", "{manager}", "--log", "{manager_log}", "--details"],
         _shows("{M}/LogServices/{manager_log}", details=True)),
    Call(["rf_logs.py", "--system", "{system}", "--log", "{log}", "--first", "1", "--max", "2"],
         _shows("{S}/LogServices/{log}", lambda entries: entries[1:3])),
    Call(["rf_logs.py", "--system", "{system}", "--log", "{log}", "--starttime", _AT_MAKER],
         _shows("{S}/LogServices/{log}", lambda entries: [one for one in entries if one["Created"] >= _AT_MAKER])),
    Call(["rf_logs.py", "--system", "{system}", "--log", "{log}", "--endtime", _AT_MAKER],
         _shows("{S}/LogServices/{log}", lambda entries: [one for one in entries if one["Created"] <= _AT_MAKER])),
    Call(["rf_logs.py", "--chassis", "{chassis}"], "does not contain a log services collection", code=1),
    Call(["rf_logs.py", "--system", "{system}", "--log", "NoSuchLog"], "called 'NoSuchLog'; valid log services: .*{log}", code=1),
    Call(["rf_logs.py", "--manager", "{manager}", "--log", "{manager_log}", "--clear"], "Clearing",
         after={"{M}/LogServices/{manager_log}/Entries#Members": []}),

    Call(["rf_manager_config.py", "info"], r"(?s)Manager {manager} Info.*ManagerType: BMC.*FirmwareVersion: \S+"),
    Call(["rf_manager_config.py", "--manager", "{manager}", "reset", "--info"], "GracefulRestart, ForceRestart"),
    Call(["rf_manager_config.py", "reset", "--type", "ForceRestart"], "Resetting the manager", then=lambda bmc: bmc.restarted()),
    Call(["rf_manager_config.py", "getnet"], r"(?s)Ethernet Interface eth0 Info.*MACAddress: ..:..:.."),
    Call(["rf_manager_config.py", "getnet", "--id", "eth0"], r"HostName: \S+"),
    Call(["rf_manager_config.py", "resettodefaults", "--info"], "reset types: .*ResetAll"),
    Call(["rf_manager_config.py", "resettodefaults", "--type", "ResetAll"], then=lambda bmc: bmc.perhaps_restarted(),
         shape="shared"),
    Call(["rf_manager_config.py", "resettodefaults", "--type", "ResetAll"], then=lambda bmc: bmc.perhaps_restarted(),
         shape="own", fault=_LOGGED_OUT),
    Call(["rf_manager_config.py", "settime", "--datetime", "2031-01-01T00:00:00Z"],
         after={"{M}#DateTime": lambda found: found and found.startswith("2031-01-0")}),
    Call(["rf_manager_config.py", "settime", "--offset", "+02:00"], after={"{M}#DateTimeLocalOffset": "+02:00"}),
    Call(["rf_manager_config.py", "getprotocol"], r"HTTPS +\| True +\| \d+"),

    Call(["rf_power_reset.py", "--system", "{system}", "--info"],
         r"(?s)reset types: On, ForceOff.*power state: O"),
    Call(["rf_power_reset.py", "--type", "ForceOff"], before=lambda bmc: bmc.power("On"), after={"{S}#PowerState": "Off"}),
    Call(["rf_power_reset.py", "--type", "On"], after={"{S}#PowerState": "On"}),

    Call(["rf_raw_request.py", "--request", "{S}"], r'"@odata.id": "{S}"'),
    Call(["rf_raw_request.py", "--method", "HEAD", "--request", "{S}", "--verbose"], r"HTTP 200(?s:.*)etag: "),
    # The machine is off, so nothing changes the ETag between the two requests of this command.
    Call(["rf_raw_request.py", "--method", "PATCH", "--request", "{S}", "--body", '{"AssetTag": "raw"}'],
         before=lambda bmc: bmc.power("Off"), after={"{S}#AssetTag": "raw"}),
    Call(["rf_raw_request.py", "--method", "POST", "--request", "{S}/Actions/ComputerSystem.Reset", "--body",
          '{"ResetType": "ForceOff"}'], after={"{S}#PowerState": "Off"}),
    Call(["rf_raw_request.py", "--method", "DELETE", "--request", "{S}", "--verbose"], "HTTP 405", code=0),
    Call(["rf_raw_request.py", "--request", "/redfish/v1/NoSuchThing", "--verbose"], "HTTP 404(?s:.*)ResourceMissingAtURI"),

    # The log of HPE's machines is no system event log.
    Call(["rf_sel.py", "--details"], "No SEL found", shape="own"),
    Call(["rf_sel.py", "--details"], _shows("{S}/LogServices/SEL", details=True), shape="shared"),
    Call(["rf_sel.py", "--clear"], "Clearing", after={"{S}/LogServices/SEL/Entries#Members": []}, shape="shared"),

    Call(["rf_sensor_list.py"], r"(?s)Chassis .*Fan 1.*\d+ Cel"),
    Call(["rf_sensor_list.py", "--id"], r"Sensor TotalPower +\| \d+"),
    Call(["rf_sensor_list.py", "--name"], r"(?s)Chassis .*\d+ Cel"),

    Call(["rf_sys_inventory.py"], r"'{chassis}' Inventory(?s:.*)Processor: {processor}"),
    Call(["rf_sys_inventory.py", "--details", "--noabsent"], r"SerialNumber: "),
    Call(["rf_sys_inventory.py", "--workaround"], r"'{chassis}' Inventory"),
    Call(["rf_sys_inventory.py", "--write", "inventory"], "Inventory", then=lambda _: pathlib.Path("inventory.xlsx").stat()),

    Call(["rf_update.py", "--image", "{firmware}", "--target", "{software}"], "Task is Done!", around=_starting),
    # Without targets the service chooses: a BMC of its own has one machine.
    Call(["rf_update.py", "--image", "{firmware}"], "Task is Done!", around=_starting, shape="own"),
    Call(["rf_update.py", "--image", "{firmware}", "--target", "{software}", "--applytime", "OnReset"],
         "Task is Done!", around=_starting),

    Call(["rf_virtual_media.py", "info"], r"{cd} +\|"),
    Call(["rf_virtual_media.py", "--system", "{system}", "insert", "--image", "{image}"], "Inserting"),
    Call(["rf_virtual_media.py", "info"], r"Image: {image}"),
    Call(["rf_virtual_media.py", "eject", "--id", "{cd}"], "Ejecting", after={"{V}/{cd}#Image": None}),
    Call(["rf_virtual_media.py", "insert", "--image", "{image}", "--id", "{cd}", "--mediatypes", "CD", "DVD"],
         after={_IMAGE: "{image}", "{V}/{cd}#Inserted": True}),
    Call(["rf_virtual_media.py", "insert", "--image", "{image}", "--id", "{cd}"], "already in use", code=1),
    Call(["rf_virtual_media.py", "eject", "--id", "{cd}"], after={_IMAGE: None}),
    Call(["rf_virtual_media.py", "insert", "--image", "{image}", "--id", "{cd}", "--notinserted"],
         after={"{V}/{cd}#Inserted": False}, fault=_NOT_INSERTED),
    Call(["rf_virtual_media.py", "eject", "--id", "{cd}"], after={_IMAGE: None}),
    Call(["rf_virtual_media.py", "insert", "--image", "{image}", "--id", "{cd}", "--writable"],
         after={"{V}/{cd}#WriteProtected": False}, fault=_WRITABLE),
    Call(["rf_virtual_media.py", "eject", "--id", "{cd}"], after={_IMAGE: None}),
]


def _member(bmc):
    """A function that no command calls for a resource of these models. The certificate is verified."""
    client = redfish.redfish_client(bmc.url, bmc.user, bmc.password, cafile=bmc.ca)
    client.login()
    try:
        found = redfish_utilities.collections.get_collection_member(client, "/redfish/v1/Systems", bmc.system)
    finally:
        client.logout()
    assert found["Id"] == bmc.system, found


def _password_change(bmc):
    """An account whose password must be changed can do nothing else, and each command says so."""
    account = {"UserName": "robin", "Password": "Secret-123456", "RoleId": "Operator", "PasswordChangeRequired": True}
    assert bmc.ask("POST", "/redfish/v1/AccountService/Accounts", account)[0] == 201
    login = ["--rhost", bmc.url, "--user", "robin", "--password"]
    run = lambda *arguments: outcome(
        lambda: runpy.run_path(str(SCRIPTS / arguments[0]), run_name="__main__"), [arguments[0], *login, *arguments[1:]])
    code, output = run("rf_power_reset.py", "Secret-123456", "--info")
    assert "Password change required" in output, (code, output)
    assert run("rf_accounts.py", "Secret-123456", "--setpassword", "robin", "Other-123456")[0] == 0
    assert run("rf_power_reset.py", "Other-123456", "--info")[0] == 0


def _origins(bmc):
    """The filters that no command has: messages, and resources with those below them."""
    system, client = bmc.words()["S"], redfish.redfish_client(bmc.url, bmc.user, bmc.password, cafile=bmc.ca)
    client.login()
    try:
        response = redfish_utilities.create_event_subscription(
            client, f"{bmc.receiver}/origins", message_ids=["ResourceEvent.ResourceChanged"], origins=[{"@odata.id": system}],
            subordinate_resources=True)
        attributes = {"Attributes": {bmc.words()["attribute"]: "Disabled"}}
        assert bmc.ask("PATCH", f"{system}/Bios/Settings", attributes)[0] // 100 == 2
        assert bmc.ask("PATCH", bmc.words()["M"], {"DateTimeLocalOffset": "+05:00"})[0] // 100 == 2
        assert bmc.ask("PATCH", system, {"AssetTag": "an event"})[0] // 100 == 2
        found = [event["OriginOfCondition"]["@odata.id"] for event in bmc.all_delivered("origins", 2)]
        assert found == [f"{system}/Bios/Settings", system], found
        redfish_utilities.delete_event_subscription(client, response.getheader("Location").rpartition("/")[2])
    finally:
        client.logout()
    assert bmc.subscriptions() == []


FUNCTIONS = [
    ("event_service.create_event_subscription", _origins),
    ("collections.get_collection_member", _member),
    ("misc.print_password_change_required_and_logout", _password_change),
]


def known():
    """All commands, subcommands and options, from the source of each program; and all public functions."""
    names = set()
    for script in SCRIPTS.glob("rf_*.py"):
        names.add(script.name)
        parsers = {}
        for node in ast.walk(ast.parse(script.read_text())):
            call = node.value if isinstance(node, (ast.Assign, ast.Expr)) else None
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
            if call.func.attr == "add_parser":
                parsers[node.targets[0].id if isinstance(node, ast.Assign) else None] = texts[0]
                names.add(f"{script.name} {texts[0]}")
            elif call.func.attr == "add_argument" and texts and texts[0] not in COMMON:
                owner = parsers.get(call.func.value.id)
                names.add(" ".join(filter(None, [script.name, owner, texts[0]])))
    return names | set(_functions().values())


def _functions():
    """The names of the public functions, by their code."""
    return {
        function.__code__: f"{function.__module__.rpartition('.')[2]}.{name}"
        for module in vars(redfish_utilities).values() if inspect.ismodule(module)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def run(checks, bmc):
    functions = _functions()
    words = bmc.words()
    all_known = known()
    # One of the commands writes into the current directory.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for call in CALLS:
            if call.shape and call.shape != ("shared" if bmc.shared else "own"):
                continue
            script, *arguments = call.arguments
            seen = set()

            def one():
                if call.before:
                    call.before(bmc)
                facts = words
                if "{subscription}" in arguments:
                    facts = words | {"subscription": bmc.subscriptions()[-1]["Id"]}
                login = ["--rhost", bmc.url, "--user", bmc.user, "--password", bmc.password]

                def program():
                    sys.setprofile(lambda frame, event, _: event == "call" and seen.add(frame.f_code))
                    try:
                        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
                    finally:
                        sys.setprofile(None)

                with call.around(bmc) if call.around else contextlib.nullcontext():
                    code, output = outcome(program, [script, *login, *(filled(argument, facts) for argument in arguments)])
                expect(bmc, call, words, code, output)

            covered = [name for name in _names(call.arguments) if name in all_known]
            checks.check(bmc.shape, " ".join(call.arguments), one, covered, call.needs, call.fault)
            checks.called.update(functions[code] for code in seen if code in functions)
    for name, check in FUNCTIONS:
        checks.check(bmc.shape, name, lambda: check(bmc))


def _names(arguments):
    """The command, its subcommand and its options, as `known` spells them."""
    script, *rest = arguments
    yield script
    owner = script
    for argument in rest:
        if argument.startswith("--"):
            yield f"{owner} {argument}"
            yield f"{script} {argument}"
        elif argument.isalpha() and owner == script:
            owner = f"{script} {argument}"
            yield owner
