"""What schemathesis needs to know to make good requests: texts of the grammars that the document names by `format`."""

import json

import schemathesis
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9_.]{0,8}[a-z0-9])?", fullmatch=True)
WORDS = {
    "power": ["off", "powering-on", "on", "powering-off"],
    "state": ["off", "post", "os-running", "agent-*", "no-boot-devic?"],
    "agent": ["none", "serving", "c*"],
    "profile": ["generic", "hpe-*"],
    "name": ["generic-1", "*-3", "nobody"],
}
INDEXES = st.integers(0, 60).map(str) | st.tuples(st.integers(0, 30), st.integers(30, 60)).map(lambda ends: "{}..{}".format(*ends))
LABELS = NAMES.map("label.{}".format)


def requirements(keys, values):
    """Each form of a requirement with one of the keys."""
    one = st.tuples(keys, st.sampled_from(["=", "==", "!=", " = "]), values).map("".join)
    lists = st.lists(values, min_size=1, max_size=3).map(",".join)
    many = st.tuples(keys, st.sampled_from(["in", "notin"]), lists).map(lambda parts: "{} {} ({})".format(*parts))
    return one | many | keys | keys.map("!{}".format)


FIELDS = st.sampled_from(sorted(WORDS)).flatmap(lambda field: requirements(st.just(field), st.sampled_from(WORDS[field])))
NUMBERS = requirements(st.just("index"), INDEXES) | st.tuples(st.sampled_from(["index>", "index<"]), st.integers(0, 60).map(str)).map("".join)
SAMPLES = st.tuples(st.integers(0, 100), st.just("") | NAMES.map(":{}".format)).map(lambda parts: "sample={}%{}".format(*parts))
SELECTIONS = st.lists(FIELDS | NUMBERS | SAMPLES | requirements(LABELS, NAMES), min_size=1, max_size=3).map(",".join)

# No server listens on port 1, so that nothing is downloaded.
URLS = st.tuples(
    st.sampled_from(["http://127.0.0.1:1/", "https://[::1]:1/", "http://user:secret@127.0.0.1:1/"]), NAMES
).map("".join)

schemathesis.openapi.format("selection", SELECTIONS)
schemathesis.openapi.format("http-url", URLS)
schemathesis.openapi.format("model", st.sampled_from(["generic", "hpe-dl380-gen11"]))
schemathesis.openapi.format("system-uuid", st.uuids().filter(lambda uuid: uuid.int).map(str))
schemathesis.openapi.format("system-name", st.from_regex(r"[A-Za-z][A-Za-z0-9._~-]{0,20}", fullmatch=True))
schemathesis.openapi.format("mac", st.from_regex(r"02(:[0-9a-f]{2}){5}", fullmatch=True))


@schemathesis.hook
def before_call(context, case, kwargs):
    """What no schema can say: a label that is set and removed at once is refused, and more interfaces than a model has."""
    body = case.body
    for system in body.get("systems", []) if isinstance(body, dict) and isinstance(body.get("systems"), list) else []:
        if isinstance(system, dict) and isinstance(system.get("macs"), list):
            system["macs"] = system["macs"][:2]
    if isinstance(body, dict) and isinstance(body.get("set"), dict) and isinstance(body.get("remove"), list):
        body["remove"] = [key for key in body["remove"] if not isinstance(key, str) or key not in body["set"]]


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    """The first node of a list of lines; each line must be JSON."""
    nodes = [json.loads(line) for line in response.content.splitlines()]
    return nodes[0] if nodes else {}
