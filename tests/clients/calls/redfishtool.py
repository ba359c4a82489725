"""The commands of DMTF's redfishtool."""

import ast
import json
import pathlib

import redfishtoollib

from commands import Call, expect, filled, outcome

FOLDER = pathlib.Path(redfishtoollib.__file__).parent
# The option that takes the only member of a collection.
ONE = ["-1"]

_tag = lambda value: {"{S}#AssetTag": value}


def _shows(path):
    """Whether the client shows a document as the service has it."""

    def check(bmc, output):
        # A machine or a BMC that shows its time shows another one each time.
        found, wanted = ({**one, "DateTime": None} for one in (json.loads(output), bmc.get(filled(path, bmc.words()))))
        assert found == wanted, (found, wanted)

    return check


def _shows_entries(log):
    """Whether the client shows the entries of a log, which has some."""

    def check(bmc, output):
        _shows(f"{log}/Entries")(bmc, output)
        assert json.loads(output)["Members"], f"{log} has no entries"

    return check


CALLS = [
    Call(["about"], r"Version: 1\.1\.8"),
    Call(["help"], "Subcommands:"),
    Call(["hello"], "Hello World"),
    Call(["versions"], '"v1": "/redfish/v1/"'),
    Call(["root"], '"RedfishVersion": '),
    Call(["serviceRoot"], '"RedfishVersion": '),
    Call(["odata"], '"@odata.context": '),
    Call(["metadata"], "<edmx:Edmx"),

    Call(["Systems", "collection"], '"Members@odata.count": 1'),
    Call(["Systems", "list"], '"@odata.id": "{S}"'),
    Call(["Systems", "-I", "{system}", "get"], '"Id": "{system}"'),
    Call(["Systems", "-F", "-P", "PowerState"], '"PowerState": "O'),
    Call(["Systems", "-L", "{S}"], '"Id": "{system}"'),
    Call(["Systems", "-a"], '"@odata.id": "{S}"'),
    Call(["Systems", *ONE, "patch", '{"AssetTag": "patched"}'], '"AssetTag": "patched"', after=_tag("patched")),
    Call(["Systems", *ONE, "setAssetTag", "set"], '"AssetTag": "set"', after=_tag("set")),
    Call(["Systems", "-M", "AssetTag:set"], '"Id": "{system}"'),
    Call(["Systems", *ONE, "reset", "On"], after={"{S}#PowerState": "On"}),
    Call(["Systems", *ONE, "reset", "ForceOff"], after={"{S}#PowerState": "Off"}),
    Call(["Systems", *ONE, "reset", "NoSuchReset"], code=8),
    Call(["Systems", *ONE, "setIndicatorLed", "Lit"], after={"{S}#IndicatorLED": "Lit"}, shape="shared"),
    Call(["Systems", *ONE, "setBootOverride", "Once", "Pxe"], '"BootSourceOverrideTarget": "Pxe"',
         after={"{S}#Boot.BootSourceOverrideTarget": "Pxe"}),
    Call(["Systems", *ONE, "setBootOverride", "Disabled"], after={"{S}#Boot.BootSourceOverrideEnabled": "Disabled"}),
    Call(["Systems", *ONE, "Processors"], '"Members@odata.count": 2'),
    Call(["Systems", *ONE, "Processors", "list"], '"Id": "{processor}"'),
    Call(["Systems", *ONE, "Processors", "-i", "{processor}"], '"ProcessorType": "CPU"'),
    Call(["Systems", *ONE, "Processors", "-a"], '"ProcessorType": "CPU"'),
    Call(["Systems", *ONE, "Inventory"], r"{processor} +\| Enabled +\| OK"),
    Call(["Systems", *ONE, "EthernetInterfaces"], '"Members@odata.count": '),
    Call(["Systems", *ONE, "EthernetInterfaces", "-a"], '"MACAddress": '),
    Call(["Systems", *ONE, "SimpleStorage"], '"Members@odata.count": '),
    Call(["Systems", *ONE, "SimpleStorage", "-a"], '"CapacityBytes": '),
    Call(["Systems", *ONE, "Logs"], _shows("{S}/LogServices")),
    Call(["Systems", *ONE, "Logs", "list"], '"Id": "{log}"'),
    Call(["Systems", *ONE, "Logs", "-i", "{log}"], _shows("{S}/LogServices/{log}")),
    Call(["-E", "Systems", *ONE, "Logs", "-i", "{log}"], _shows_entries("{S}/LogServices/{log}")),
    Call(["Systems", *ONE, "Logs", "-i", "NoSuchLog"], code=1),
    Call(["Systems", "examples"], "shows the systems collection"),
    Call(["Systems", "hello"], "hello world from Systems"),

    Call(["Chassis", "collection"], '"Members@odata.count": 1'),
    Call(["Chassis", "list"], '"@odata.id": "{C}"'),
    Call(["Chassis", *ONE, "get"], '"ChassisType": "RackMount"'),
    Call(["Chassis", *ONE, "patch", '{"LocationIndicatorActive": true}'], '"LocationIndicatorActive": true',
         after={"{C}#LocationIndicatorActive": True}),
    Call(["Chassis", *ONE, "setIndicatorLed", "Off"], after={"{C}#IndicatorLED": "Off"}, shape="shared"),
    Call(["Chassis", *ONE, "Power"], '"PowerControl": '),
    Call(["Chassis", *ONE, "Thermal"], '"Temperatures": '),
    Call(["Chassis", *ONE, "Sensors"], r"(?s)Sensor +Reading.*\d"),
    Call(["Chassis", *ONE, "getPowerReading"], '"PowerConsumedWatts": '),
    Call(["Chassis", *ONE, "getPowerReading", "consumed"], r'\{\s*"PowerConsumedWatts": \d+\s*\}'),
    Call(["Chassis", *ONE, "setPowerLimit", "400", "LogEventOnly", "1000"],
         after={"{C}/Power#PowerControl.0.PowerLimit.LimitInWatts": 400,
                "{C}/Power#PowerControl.0.PowerLimit.LimitException": "LogEventOnly"}),
    Call(["Chassis", *ONE, "setPowerLimit", "null"], after={"{C}/Power#PowerControl.0.PowerLimit.LimitInWatts": None}),
    Call(["Chassis", *ONE, "Logs"], "does not have a LogServices link", code=6),
    Call(["Chassis", "examples"], "shows the Chassis collection"),
    Call(["Chassis", "hello"], "hello world from Chassis"),

    Call(["Managers", "collection"], '"Members@odata.count": 1'),
    Call(["Managers", "list"], '"@odata.id": "{M}"'),
    Call(["Managers", *ONE, "get"], '"ManagerType": "BMC"'),
    Call(["Managers", *ONE, "patch", '{"DateTimeLocalOffset": "+03:00"}'], '"DateTimeLocalOffset": "[+]03:00"',
         after={"{M}#DateTimeLocalOffset": "+03:00"}),
    Call(["Managers", *ONE, "setDateTime", "2032-02-03T04:05:06-00:00"], '"DateTime": "2032-02-03',
         after={"{M}#DateTime": lambda found: found.startswith("2032-02-0")}),
    Call(["Managers", *ONE, "setTimeOffset", "offset=+01:00"], '"DateTimeLocalOffset": "[+]01:00"',
         after={"{M}#DateTimeLocalOffset": "+01:00"}),
    Call(["Managers", *ONE, "NetworkProtocol"], '"HTTPS": '),
    Call(["Managers", *ONE, "EthernetInterfaces"], '"Members@odata.count": 1'),
    Call(["Managers", *ONE, "EthernetInterfaces", "list"], '"Id": "eth0"'),
    Call(["Managers", *ONE, "EthernetInterfaces", "-i", "eth0"], '"MACAddress": '),
    Call(["Managers", *ONE, "Logs"], _shows("{M}/LogServices")),
    Call(["Managers", *ONE, "Logs", "list"], '"Id": "{manager_log}"'),
    Call(["Managers", *ONE, "Logs", "-i", "{manager_log}"], _shows("{M}/LogServices/{manager_log}")),
    Call(["-E", "Managers", *ONE, "Logs", "-m", "Id:{manager_log}"], _shows_entries("{M}/LogServices/{manager_log}")),
    Call(["Managers", "examples"], "shows the Managers collection"),
    Call(["Managers", "hello"], "hello world from Managers"),
    Call(["Managers", *ONE, "reset", "GracefulRestart"], then=lambda bmc: bmc.restarted()),

    Call(["AccountService", "get"], '"LocalAccountAuth": '),
    Call(["AccountService", "patch", '{"AccountLockoutThreshold": 4}'], '"AccountLockoutThreshold": 4'),
    Call(["AccountService", "Accounts"], '"Members@odata.count": '),
    Call(["AccountService", "Accounts", "list"], '"UserName": "admin"'),
    Call(["AccountService", "Accounts", "-m", "UserName:admin"], '"RoleId": "Administrator"'),
    Call(["AccountService", "Roles"], '"Members@odata.count": '),
    Call(["AccountService", "Roles", "list"], '"Id": "Operator"'),
    Call(["AccountService", "Roles", "-i", "Operator"], '"AssignedPrivileges": '),
    Call(["AccountService", "adduser", "robin", "Secret-123456", "Operator"]),
    Call(["AccountService", "Accounts", "-m", "UserName:robin"], '"RoleId": "Operator"'),
    Call(["AccountService", "setpassword", "robin", "Other-123456"]),
    Call(["AccountService", "useradmin", "robin", "disable"], '"Enabled": false'),
    Call(["AccountService", "useradmin", "robin", "enable"], '"Enabled": true'),
    Call(["AccountService", "useradmin", "robin", "unlock"], '"Locked": false'),
    Call(["AccountService", "useradmin", "robin", "setRoleId", "ReadOnly"], '"RoleId": "ReadOnly"'),
    Call(["AccountService", "setusername", "{robin}", "alex"], '"UserName": "alex"'),
    Call(["AccountService", "deleteuser", "alex"]),
    Call(["AccountService", "examples"], "adduser"),
    Call(["AccountService", "hello"], "hello world from AccountService"),

    Call(["SessionService", "get"], '"SessionTimeout": '),
    Call(["SessionService", "patch", '{"SessionTimeout": 700}'], '"SessionTimeout": 700'),
    Call(["SessionService", "setSessionTimeout", "600"], '"SessionTimeout": 600',
         after={"/redfish/v1/SessionService#SessionTimeout": 600}),
    Call(["SessionService", "Sessions"], '"Members@odata.count": '),
    Call(["SessionService", "examples"], "sets the session timeout"),
    Call(["SessionService", "hello"], "hello world from SessionService"),

    Call(["raw", "GET", "/redfish/v1/"], '"RedfishVersion": '),
    Call(["raw", "HEAD", "/redfish/v1/"]),
    Call(["raw", "PATCH", "{S}", "-d", '{"AssetTag": "raw"}'], '"AssetTag": "raw"', after=_tag("raw")),
    Call(["raw", "POST", "{S}/Actions/ComputerSystem.Reset", "-d", '{"ResetType": "On"}'], after={"{S}#PowerState": "On"}),
    Call(["raw", "PUT", "{S}", "-d", "{}"], "405", code=5),
    Call(["raw", "DELETE", "{S}"], "405", code=5),
    Call(["raw", "examples"], "GET"),
    Call(["raw", "hello"], "[Hh]ello"),
    Call(["-A", "Session", "-C", "-R", "Latest", "Systems", "list"], '"@odata.id": "{S}"'),
]


def known():
    """The keys of the tables of commands in the sources."""
    names = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and isinstance(node.targets[0], ast.Name):
                keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
                if node.targets[0].id == "subCmdTable":
                    names.update(keys)
                elif node.targets[0].id == "operationTable":
                    names.update(f"{file.stem} {key}" for key in keys)
    return names


def _tool(bmc, arguments):
    login = ["-r", bmc.host, "-u", bmc.user, "-p", bmc.password, "-S", "Always"]
    return outcome(lambda: redfishtoollib.main(["redfishtool", *login, *arguments]), ["redfishtool"])


def _sessions(bmc):
    code, output = _tool(bmc, ["SessionService", "login"])
    assert code == 0, output
    made = json.loads(output)
    assert bmc.ask("GET", made["SessionLocation"])[0] == 200
    code, output = _tool(bmc, ["SessionService", "Sessions", "-i", made["SessionId"]])
    assert code == 0 and '"UserName": "admin"' in output, output
    code, output = _tool(bmc, ["SessionService", "logout", "-i", made["SessionId"]])
    assert code == 0 and bmc.ask("GET", made["SessionLocation"])[0] == 404, output


def run(checks, bmc):
    words, all_known = bmc.words(), known()
    for call in CALLS:
        if call.shape and call.shape != ("shared" if bmc.shared else "own"):
            continue

        def one():
            accounts = [bmc.get(one["@odata.id"]) for one in bmc.get("/redfish/v1/AccountService/Accounts")["Members"]]
            robin = next((account["Id"] for account in accounts if account["UserName"] == "robin"), "none")
            code, output = _tool(bmc, [filled(argument, words | {"robin": robin}) for argument in call.arguments])
            expect(bmc, call, words, code, output)

        covered = [word for word in call.arguments if word in all_known]
        covered += [f"{first} {second}" for first in call.arguments for second in call.arguments if f"{first} {second}" in all_known]
        checks.check(bmc.shape, " ".join(call.arguments), one, covered, call.needs, call.fault)
    checks.check(bmc.shape, "SessionService login and logout", lambda: _sessions(bmc),
                 ["SessionService login", "SessionService logout", "SessionService Sessions"])
