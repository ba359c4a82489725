"""How clients log in to Ironic: without a login, with HTTP Basic, or with Keystone, which runs on loopback then."""

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

import child
from errors import RunError
from ports import free_port

START_LIMIT_S = 120
CALL_LIMIT_S = 60
USER, PASSWORD = "admin", "load-run"
CLOUDS = ("system", "project", "credential")
REGION = "RegionOne"
# Keystone is a WSGI application, and cheroot is the server of Ironic's own API. Keystone would read the arguments of the command line.
SERVER = """
import sys
from cheroot.wsgi import Server
port = int(sys.argv.pop())
from keystone.wsgi.api import application
Server(("127.0.0.1", port), application, numthreads=4).start()
"""
# A token ends during a run, so that the run needs another one.
TOKEN_S = 4


class NoLogin:
    """Ironic asks for no login."""

    strategy = "noauth"

    def start(self, stack, started):
        """Starts what the login needs, before Ironic."""

    def settings(self):
        """More sections of Ironic's configuration."""
        return ""

    def headers(self):
        """The headers of a request to Ironic."""
        return {}


class HttpBasic(NoLogin):
    """Ironic has one user, in a file as `htpasswd -B` writes it."""

    strategy = "http_basic"

    def start(self, stack, started):
        hash_password = "import bcrypt, sys; print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())"
        hashed = subprocess.run([stack.venv / "bin/python", "-c", hash_password, PASSWORD],
                                capture_output=True, text=True, check=True, timeout=START_LIMIT_S).stdout
        self.users = stack.run / "htpasswd"
        self.users.write_text(f"{USER}:{hashed}")

    def settings(self):
        return f"[DEFAULT]\nhttp_basic_auth_user_file = {self.users}"

    def headers(self):
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {login}"}


class Keystone(NoLogin):
    """A Keystone of this run alone, with SQLite, and Ironic in its catalogue."""

    strategy = "keystone"

    def start(self, stack, started):
        folder, log = stack.run / "keystone", stack.logs / "keystone.log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/v3"
        for name in ("fernet", "credential"):
            (folder / name).mkdir(parents=True, mode=0o700)
        config = folder / "keystone.conf"
        config.write_text(f"""[database]
connection = sqlite:///{folder}/keystone.sqlite
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[token]
expiration = {TOKEN_S}
[identity]
password_hash_rounds = 4
""")
        manage = [stack.venv / "bin/keystone-manage", "--config-file", config]
        for command in (["db_sync"],
                        ["fernet_setup", "--keystone-user", folder.owner(), "--keystone-group", folder.group()],
                        ["bootstrap", "--bootstrap-username", USER, "--bootstrap-password", PASSWORD,
                         "--bootstrap-region-id", REGION, "--bootstrap-public-url", self.url,
                         "--bootstrap-internal-url", self.url]):
            child.run(f"keystone-manage {command[0]}", manage + command, log, START_LIMIT_S, stack.env)
        env = stack.env | {"OS_KEYSTONE_CONFIG_FILES": str(config)}
        server = stack.program(started, "Keystone", [stack.venv / "bin/python", "-c", SERVER, str(port)], log, env)
        self._wait_until_ready(server, log)
        self._fill(stack.url)

    def settings(self):
        return f"""[keystone_authtoken]
auth_type = password
auth_url = {self.url}
www_authenticate_uri = {self.url}
username = ironic
password = {PASSWORD}
user_domain_name = Default
project_name = service
project_domain_name = Default
region_name = {REGION}"""

    def headers(self):
        return {"X-Auth-Token": self._token({"system": {"all": True}})[0]}

    def clouds(self):
        """The text of a clouds.yaml, which is JSON here, with a cloud for each kind of login."""
        password = {"auth_url": self.url, "username": USER, "password": PASSWORD,
                    "user_domain_name": "Default", "project_domain_name": "Default"}
        return json.dumps({"clouds": {
            "system": {"auth": password | {"system_scope": "all"}},
            "project": {"auth": password | {"project_name": "admin"}, "region_name": REGION},
            "credential": {"auth_type": "v3applicationcredential", "auth": {
                "auth_url": self.url, "application_credential_id": self.credential,
                "application_credential_secret": PASSWORD}},
            "wrong": {"auth": password | {"system_scope": "all", "password": "wrong"}},
        }})

    def _wait_until_ready(self, server, log):
        end = time.monotonic() + START_LIMIT_S
        while True:
            server.check()
            try:
                self._call("GET", "")
                return
            except OSError:
                pass
            if time.monotonic() > end:
                raise RunError(f"Keystone was not ready within {START_LIMIT_S} s", log)
            time.sleep(0.2)

    def _fill(self, ironic):
        """Makes the user of Ironic, its entry in the catalogue, and an application credential."""
        system = {"X-Auth-Token": self._token({"system": {"all": True}})[0]}

        def make(path, **values):
            (name, value), = values.items()
            return self._call("POST", path, {name: value}, system)[1][name]["id"]

        project = make("/projects", project={"name": "service", "domain_id": "default"})
        user = make("/users", user={"name": "ironic", "password": PASSWORD, "domain_id": "default"})
        roles = self._call("GET", "/roles?name=service", None, system)[1]["roles"]
        self._call("PUT", f"/projects/{project}/users/{user}/roles/{roles[0]['id']}", None, system)
        service = make("/services", service={"type": "baremetal", "name": "ironic"})
        make("/endpoints", endpoint={"service_id": service, "interface": "public", "region_id": REGION, "url": ironic})
        token, document = self._token({"project": {"name": "admin", "domain": {"id": "default"}}})
        own = f"/users/{document['token']['user']['id']}/application_credentials"
        _, made = self._call("POST", own, {"application_credential": {"name": "run", "secret": PASSWORD}},
                             {"X-Auth-Token": token})
        self.credential = made["application_credential"]["id"]

    def _token(self, scope):
        user = {"name": USER, "password": PASSWORD, "domain": {"id": "default"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        headers, document = self._call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        return headers["X-Subject-Token"], document

    def _call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, method=method, headers=headers or {},
                                         data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=CALL_LIMIT_S) as answer:
                text = answer.read()
                return answer.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise RunError(f"Keystone: {method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
