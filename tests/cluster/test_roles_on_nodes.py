"""Each role against each verb on a node that turns strangers away: what its own verbs need, and nothing more."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from integration.detection.loading import load_rules
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import InputError
from integration.install.objects import Connections
from integration.install.plan import State
from integration.install.privileges import Work
from integration.install.role_bodies import INGESTER, INSTALLER, READER, RUNNER
from integration.install.roles import role_objects
from integration.names import PIPELINE, RISK_TEMPLATE, Namespace
from tests.support.builders import RULE
from tests.support.cli import Result, detect
from tests.support.installing import install_objects, install_shared, state_of
from tests.support.secured import SecureNode

ROLES = (INSTALLER, INGESTER, RUNNER, READER)
NAMESPACE = Namespace("roles")
SPAN = ("--from", "2026-11-24", "--to", "2026-11-25")
LINES = [f'time=2026-11-24T0{hour}:00:00Z level=ERROR source=server.go:1 msg="llama runner" err="exit status 2"' for hour in (8, 9)]


@dataclass(frozen=True)
class Cluster:
    """The secured node, its administrator, and a password of each role's user."""

    url: str
    ca_certs: str
    admin: Engine
    passwords: dict[str, str]

    def detect(self, role: str, *arguments: str) -> Result:
        """Run a verb as the role's user; the password comes from the environment."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DETECT_PASSWORD", self.passwords[role])
            options = ("--url", self.url, "--ca-certs", self.ca_certs, "--username", role, "--namespace", NAMESPACE.name)
            return detect(*arguments, *options)

    def install(self) -> None:
        """Bring everything to its desired state, as the administrator."""
        rules = load_rules()
        install_shared(self.admin, rules)

    def connect(self, role: str) -> Engine:
        """Connect as the role's user."""
        return connect(Connection(self.url, username=role, password=self.passwords[role], ca_certs=self.ca_certs))


def make_user(admin: Engine, role: str) -> str:
    """Make a user named as the role that it has; gives the password."""
    password = f"Zq7-{secrets.token_urlsafe(18)}"
    if admin.name == "opensearch":
        body = {"password": password, "opendistro_security_roles": [role]}
        admin.request("PUT", f"/_plugins/_security/api/internalusers/{role}", body)
    else:
        admin.request("PUT", f"/_security/user/{role}", {"password": password, "roles": [role]})
    return password


@pytest.fixture(scope="module")
def admin(secured: SecureNode) -> Iterator[Engine]:
    connection = Connection(secured.node.url, username=secured.username, password=secured.password, ca_certs=secured.ca_certs)
    with connect(connection) as engine:
        yield engine


@pytest.fixture(scope="module")
def cluster(secured: SecureNode, admin: Engine, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    if admin.name == "opensearch":  # its example files let every user do more than a role of ours
        admin.request("DELETE", "/_plugins/_security/api/rolesmapping/own_index")
    install_objects(admin, role_objects(admin.name, [RULE]))
    made = Cluster(secured.node.url, secured.ca_certs, admin, {role: make_user(admin, role) for role in ROLES})
    made.install()
    return made


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roles") / "server.log"
    path.write_text("\n".join(LINES))
    return path


def _damage(cluster: Cluster) -> None:
    """Make something for `install` to do."""
    ours = cluster.admin.get_pipeline(PIPELINE) or {}
    cluster.admin.put_pipeline(PIPELINE, {"description": ours["description"], "processors": []})
    for index in cluster.admin.backing_indices(NAMESPACE.events):
        cluster.admin.request("PUT", f"/{index}/_settings", {"index.default_pipeline": "_none"})
    cluster.admin.request("DELETE", f"/_index_template/{RISK_TEMPLATE}")


def _roll_over(cluster: Cluster) -> None:
    """Let `ingest` look into older indices too, where the node can: it reads for that."""
    if cluster.admin.name == "opensearch" and cluster.admin.exists(NAMESPACE.events):
        cluster.admin.request("POST", f"/{NAMESPACE.events}/_rollover")


def _nothing(_: Cluster) -> None:
    pass


@dataclass(frozen=True)
class Verb:
    arguments: tuple[str, ...]
    allowed: tuple[str, ...]
    before: Callable[[Cluster], None] = _nothing

    @property
    def name(self) -> str:
        return " ".join(argument for argument in self.arguments if argument not in SPAN)


# Where a role reads events for a verb of its own, the engine lets it read them for others too.
VERBS = [
    Verb(("ingest", "LOG", "--patience", "5"), (INGESTER,)),
    Verb(("ingest", "LOG", "--patience", "5", "--host", "again"), (INGESTER,), _roll_over),
    Verb(("ingest", "LOG", "--undo", "--yes"), ()),
    Verb(("run", *SPAN), (RUNNER, READER, INSTALLER, INGESTER)),
    Verb(("run", *SPAN, "--write"), (RUNNER,)),
    Verb(("watch", "--once"), (RUNNER,)),
    Verb(("findings", "--severity", "high"), (RUNNER, READER, INSTALLER)),
    Verb(("validate", *SPAN), (RUNNER, READER)),
    Verb(("status",), (INSTALLER, READER)),
    Verb(("diff",), (INSTALLER, READER)),
    Verb(("install",), (INSTALLER,), _damage),
    Verb(("install", "--dry-run"), (INSTALLER, READER)),
    Verb(("uninstall",), (INSTALLER,)),
]
# Elasticsearch's privileges are wider: `read` holds the scroll too, and an ingester's `view_index_metadata` all of an index.
WIDER = {
    "elasticsearch": {("validate", INSTALLER), ("validate", INGESTER), ("diff", INGESTER), ("install --dry-run", INGESTER)},
}
REFUSALS = ("lacks the privilege", "no permissions for", "is unauthorized")
"""The words of a refused request, and of a refused document of a bulk request on OpenSearch and on Elasticsearch."""


def allowed(verb: Verb, role: str, engine: str) -> bool:
    return role in verb.allowed or (verb.name, role) in WIDER.get(engine, ())


def test_every_role_can_do_its_verbs_and_no_other(cluster: Cluster, log: Path) -> None:
    wrong = []
    for verb in VERBS:
        arguments = [str(log) if argument == "LOG" else argument for argument in verb.arguments]
        for role in sorted(ROLES, key=lambda role: not allowed(verb, role, cluster.admin.name)):
            verb.before(cluster)
            answer = cluster.detect(role, *arguments)
            refused = answer.code in (3, 4) and any(words in answer.err for words in REFUSALS)
            expected = allowed(verb, role, cluster.admin.name)
            if (answer.code != 0) if expected else not refused:
                wrong.append((verb.arguments, role, "allowed" if expected else "refused", answer))
            assert cluster.passwords[role] not in answer.out + answer.err
            if verb.arguments[0] in ("install", "uninstall"):
                cluster.install()
    assert wrong == []


def permissions(answer: Result) -> dict[str, tuple[str, str]]:
    """What `doctor` says of each kind of work: its verdict, and what comes after the kind."""
    checks = [check for check in answer.json["checks"] if check["check"] == "permissions"]
    known = {check["detail"].partition(": ")[0]: (check["verdict"], check["detail"].partition(": ")[2]) for check in checks}
    return {work: known[work] for work in Work}


def told(cluster: Cluster, role: str, *options: str) -> dict[str, tuple[str, str]]:
    return permissions(cluster.detect(role, "doctor", *options, "--format", "json"))


def test_doctor_tells_what_each_may_do(cluster: Cluster) -> None:
    """Each role is enough for its own work and for no other, and that is not a fault until it is asked for.

    OpenSearch tells a user's roles and nothing of what they grant, so that of other work nothing is known.
    """
    knows = cluster.admin.name == "elasticsearch"
    for work in Work:
        answer = cluster.detect(work.role, "doctor", "--format", "json")
        assert answer.code == 0, answer
        others = permissions(answer)
        assert others.pop(work) == ("ok", "yes")
        assert {verdict for verdict, _ in others.values()} == {"info"}, others
        assert all(detail.startswith("no, lacking: " if knows else "not known: ") for _, detail in others.values())
        assert cluster.detect(work.role, "doctor", "--for", work.value).code == 0
    assert not knows or "manage_ingest_pipelines" in told(cluster, READER)["install"][1]
    for work in set(Work) - {Work.READ}:
        options = ("--for", work.value, "--for", "read")
        assert cluster.detect(READER, "doctor", *options).code == (1 if knows else 0)
        assert told(cluster, READER, *options)[work][0] == ("fail" if knows else "warn")


def test_doctor_tells_an_administrator(cluster: Cluster) -> None:
    name = "all_access" if cluster.admin.name == "opensearch" else "superuser"
    known = replace(cluster, passwords={name: make_user(cluster.admin, name)})
    answer = known.detect(name, "doctor", "--format", "json", *(option for work in Work for option in ("--for", work.value)))
    assert answer.code == 0, answer
    assert set(permissions(answer).values()) == {("ok", "yes")}


def test_doctor_asks_of_its_own_index_too(cluster: Cluster) -> None:
    if cluster.admin.name == "opensearch":  # does not tell
        return
    detail = told(cluster, READER, "--index", "own-logs,logs-ollama.server-x")["read"][1]
    assert "read on own-logs" in detail
    assert "logs-ollama.server-x" not in detail


def test_roles_come_and_go_as_every_other_object(cluster: Cluster) -> None:
    admin, assets = cluster.admin, role_objects(cluster.admin.name, [RULE], "own-logs-*")
    assert {state_of(admin, asset) for asset in assets} == {State.SAME, State.DRIFTED}
    steps = install_objects(admin, assets)
    assert sorted(step.action for step in steps if step.kind == "role") == ["unchanged", "unchanged", "updated", "updated"]
    install_objects(admin, role_objects(admin.name, [RULE]))
    assert {state_of(admin, asset) for asset in role_objects(admin.name, [RULE])} == {State.SAME}


def test_a_role_of_somebody_else_is_left_alone(cluster: Cluster) -> None:
    on = Connections(cluster.admin)
    foreign = next(asset for asset in role_objects(cluster.admin.name, [RULE]) if asset.name == READER)
    mine = type(foreign)("detect-foreign", {"metadata": {}} if cluster.admin.name == "elasticsearch" else {"description": "mine"})
    mine.put(on, None)
    wanted = type(foreign)("detect-foreign", foreign.body)
    assert state_of(cluster.admin, wanted) is State.FOREIGN
    with pytest.raises(InputError, match="role 'detect-foreign' on the cluster bears no ownership tag of detect"):
        install_objects(cluster.admin, [wanted])
    for _ in range(2):  # one that is gone may go again
        wanted.delete(on, {})
        assert wanted.fetch(on) is None


def test_a_wider_role_is_drift(cluster: Cluster) -> None:
    """More rights than asked for are found as well as fewer."""
    reader = next(asset for asset in role_objects(cluster.admin.name, [RULE]) if asset.name == READER)
    key = "cluster" if cluster.admin.name == "elasticsearch" else "cluster_permissions"
    wider = type(reader)(READER, reader.body | {key: [*reader.body[key], "all" if key == "cluster" else "*"]})
    wider.put(Connections(cluster.admin), None)
    assert state_of(cluster.admin, reader) is State.DRIFTED
    reader.put(Connections(cluster.admin), None)
    assert state_of(cluster.admin, reader) is State.SAME


def test_a_cluster_without_security_says_so(engine: Engine) -> None:
    with pytest.raises(InputError, match="has no roles: its security is off"):
        install_objects(engine, role_objects(engine.name, [RULE]))
