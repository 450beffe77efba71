"""Finding out what answers at a URL, and saying so when it is not a cluster."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from integration.engines.connect import connect
from integration.engines.connection import Connection
from integration.errors import AnswerTimeoutError, ClusterError, InputError, ThrottledError, UnreachableError
from tests.support.fake_cluster import ELASTICSEARCH, OPENSEARCH, Answer, FakeCluster

SECRET = "Sw0rdfish:with%and/blank "
BOTH = pytest.mark.parametrize("root", [OPENSEARCH, ELASTICSEARCH], ids=["opensearch", "elasticsearch"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def refusal(connection: Connection) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        connect(connection)
    return caught.value


def text_of(error: BaseException) -> str:
    """All that a traceback could show of an error."""
    parts = []
    current: BaseException | None = error
    while current is not None:
        parts += [str(current), repr(current)]
        current = current.__cause__ or current.__context__
    return "\n".join(parts)


class TestIdentity:
    def test_opensearch_is_told_by_its_distribution(self) -> None:
        with FakeCluster(OPENSEARCH) as cluster, connect(Connection(cluster.url)) as engine:
            assert (engine.name, engine.version, engine.version_text) == ("opensearch", (3, 4, 0), "3.4.0")
            assert engine.cluster_name == "fake"
            assert repr(engine) == f"<OpenSearch 3.4.0 at {cluster.url}>"

    def test_elasticsearch_is_the_other(self) -> None:
        root = ELASTICSEARCH | {"version": {"number": "9.0.0-SNAPSHOT"}}
        with FakeCluster(root) as cluster, connect(Connection(cluster.url)) as engine:
            assert (engine.name, engine.version, engine.version_text) == ("elasticsearch", (9, 0, 0), "9.0.0-SNAPSHOT")

    @pytest.mark.parametrize(("number", "media_version"), [("8.19.13", "8"), ("9.4.3", "9")])
    def test_elasticsearch_gets_the_media_type_of_its_own_version(self, number: str, media_version: str) -> None:
        with FakeCluster(ELASTICSEARCH | {"version": {"number": number}}) as cluster:
            cluster.headers = {"X-Elastic-Product": "Elasticsearch"}
            cluster.on("PUT", "/_ingest/pipeline/p")
            cluster.on("POST|PUT", "/i/_bulk", Answer({"items": [{"create": {"_id": "1", "status": 201}}]}))
            with connect(Connection(cluster.url)) as engine:
                engine.put_pipeline("p", {})
                list(engine.bulk_create("i", [("1", {})]))
            for asked in cluster.requests[1:]:
                assert asked.headers["accept"].endswith(f"compatible-with={media_version}")
                assert asked.headers["content-type"].endswith(f"compatible-with={media_version}")

    @pytest.mark.parametrize(
        "version", [{"distribution": "opensearch", "number": "1.3.20"}, {"number": "7.17.0"}, {"number": "7.10.2"}]
    )
    def test_an_old_cluster_is_refused(self, version: dict[str, str]) -> None:
        with FakeCluster({"version": version}) as cluster:
            assert f"{version['number']}, which is too old" in str(refusal(Connection(cluster.url)))

    def test_a_path_in_the_url_comes_before_every_request(self) -> None:
        with FakeCluster() as cluster:
            cluster.on("GET", "/es/", Answer(OPENSEARCH))
            cluster.on("PUT", "/es/_ingest/pipeline/p")
            with connect(Connection(f"{cluster.url}/es/")) as engine:
                engine.put_pipeline("p", {})
            assert [asked.path for asked in cluster.requests] == ["/es/", "/es/_ingest/pipeline/p"]


class TestCredentials:
    @BOTH
    def test_a_user_in_the_url(self, root: dict[str, Any]) -> None:
        with FakeCluster(root) as cluster:
            cluster.on("PUT", "/_ingest/pipeline/p")
            connection = Connection(cluster.url.replace("//", "//us%40er:p%C3%A4ss%2F@"))
            assert (connection.url, connection.username, connection.password) == (cluster.url, "us@er", "päss/")
            with connect(connection) as engine:
                engine.put_pipeline("p", {})
            expected = "Basic " + base64.b64encode("us@er:päss/".encode()).decode()
            assert [asked.headers["authorization"] for asked in cluster.requests] == [expected] * 2

    @BOTH
    @pytest.mark.parametrize(
        ("key", "sent"), [("aWQ6a2V5", "ApiKey aWQ6a2V5"), ("id:key", "ApiKey aWQ6a2V5")], ids=["encoded", "id and key"]
    )
    def test_an_api_key(self, root: dict[str, Any], key: str, sent: str) -> None:
        with FakeCluster(root) as cluster:
            cluster.on("PUT", "/_ingest/pipeline/p")
            with connect(Connection(cluster.url, api_key=key)) as engine:
                engine.put_pipeline("p", {})
            assert [asked.headers["authorization"] for asked in cluster.requests] == [sent] * 2

    def test_none(self) -> None:
        with FakeCluster() as cluster:
            connect(Connection(cluster.url)).close()
            assert "authorization" not in cluster.requests[0].headers

    def test_options_win_over_the_url(self) -> None:
        connection = Connection("http://a:b@h:1", username="c", password="d")
        assert (connection.username, connection.password) == ("c", "d")
        assert Connection("http://a:b@h:1", api_key="k").headers() == {"authorization": "ApiKey k"}

    @pytest.mark.parametrize(
        "options",
        [
            {"username": "u"},
            {"password": SECRET},
            {"api_key": "k", "username": "u", "password": SECRET},
            {"api_key": f"{SECRET}\n"},
        ],
    )
    def test_what_cannot_be_meant_is_an_input_error(self, options: dict[str, str]) -> None:
        with pytest.raises(InputError) as caught:
            Connection("http://h:1", **options)  # type: ignore[arg-type]
        assert "Sw0rdfish" not in str(caught.value)

    @pytest.mark.parametrize(
        "url",
        [
            f"https://user:{SECRET.strip()}@host:9200",
            "https://user:Sw0rdfish#x@host:9200",
            "https://user:12/Sw0rdfish@host:9200",
            "https://user:12?Sw0rdfish@host:9200",
            "user:Sw0rdfish@host:9200",
            "ftp://user:Sw0rdfish@host:9200",
            "https://user:Sw0rdfish@:9200",
            "https://user:Sw0rdfish@[::1:9200",
            "",
        ],
    )
    def test_a_mistyped_url_is_not_shown(self, url: str) -> None:
        with pytest.raises(InputError, match="--url must look like https://host:9200") as caught:
            Connection(url)
        assert "Sw0rdfish" not in text_of(caught.value)

    @BOTH
    @pytest.mark.parametrize(
        "options",
        [{"username": "us", "password": "Sw0rdfish"}, {"api_key": "U3cwcmRmaXNo"}, {"url_user": "us:Sw0rdfish@"}],
        ids=["password", "API key", "URL"],
    )
    def test_secrets_are_never_shown(self, root: dict[str, Any], options: dict[str, str]) -> None:
        with FakeCluster(root) as cluster:
            url = cluster.url.replace("//", f"//{options.pop('url_user', '')}")
            connection = Connection(url, **options)  # type: ignore[arg-type]
            engine = connect(connection)
            shown = [repr(connection), repr(engine)]
            cluster.on("GET", "/_ingest/pipeline/p", Answer("no", 401), Answer({"error": "x"}, 403), Answer(cut=True))
            for _ in range(3):
                with pytest.raises(ClusterError) as caught:
                    engine.get_pipeline("p")
                shown.append(text_of(caught.value))
            engine.close()
            cluster.on("GET", "/", Answer("no", 401))
            shown.append(text_of(refusal(connection)))
        shown.append(text_of(refusal(connection)))
        for text in shown:
            for secret in ("Sw0rdfish", "U3cwcmRmaXNo", base64.b64encode(b"us:Sw0rdfish").decode()):
                assert secret not in text

    @pytest.mark.parametrize(
        ("url", "normal"),
        [
            ("https://h", "https://h:443"),
            ("http://h/", "http://h:80"),
            ("https://h:9200/a/b/", "https://h:9200/a/b"),
            ("http://[::1]:9200", "http://[::1]:9200"),
        ],
    )
    def test_the_url_is_made_whole(self, url: str, normal: str) -> None:
        assert Connection(url).url == normal


class TestWhatIsNoCluster:
    @pytest.mark.parametrize(
        ("root", "words"),
        [
            (Answer("<h1>Hello</h1>"), "Neither Elasticsearch nor OpenSearch answers at"),
            (Answer("<h1>Hello</h1>"), "text/html"),
            (Answer([1]), "Neither Elasticsearch nor OpenSearch"),
            (Answer({"version": "3"}), "Neither Elasticsearch nor OpenSearch"),
            (Answer({"version": {}}), "Neither Elasticsearch nor OpenSearch"),
            (
                Answer("", 302, {"location": "/login", "kbn-name": "k"}),
                "is Kibana, not the cluster: its address goes to --kibana-url",
            ),
            (
                Answer("", 302, {"location": "/app", "osd-name": "d"}),
                "is OpenSearch Dashboards, not the cluster: its address goes to --da",
            ),
            (Answer("Moved", 301), "with status 301: Moved"),
            (Answer("Unauthorized", 401), "does not accept these credentials, or none were given: check DETECT_API_KEY"),
            (
                Answer({"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}, 403),
                "lacks the privilege for this; security_exception: no permissions",
            ),
            (Answer(cut=True), "(a cluster with TLS needs https:// in --url)"),
        ],
    )
    def test_the_message_says_what_is_there(self, root: Answer, words: str) -> None:
        with FakeCluster(root) as cluster:
            error = refusal(Connection(cluster.url))
        assert words in str(error)
        assert cluster.url in str(error)
        assert error.exit_code == 3

    def test_a_busy_cluster(self) -> None:
        with FakeCluster(Answer("try later", 503)) as cluster:
            assert isinstance(refusal(Connection(cluster.url)), ThrottledError)

    def test_a_refused_connection(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            error = refusal(Connection(url))
        assert isinstance(error, UnreachableError)
        assert str(error) == f"{url} refuses connections: is the cluster running, and is this its address (--url, DETECT_URL)?"

    def test_an_unknown_host_name(self) -> None:
        error = refusal(Connection("http://no-such-host.invalid:9200"))
        assert str(error) == "The host name in http://no-such-host.invalid:9200 is not known here: check --url"

    def test_no_answer_in_time(self) -> None:
        with FakeCluster(Answer(OPENSEARCH, delay=0.5)) as cluster:
            error = refusal(Connection(cluster.url, timeout=0.1))
        assert isinstance(error, AnswerTimeoutError)
        assert "did not answer GET / in time" in str(error)


class TestTls:
    @pytest.fixture
    def pem(self, authority: trustme.CA, tmp_path: Path) -> str:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return str(tmp_path / "ca.pem")

    @pytest.fixture(params=[OPENSEARCH, ELASTICSEARCH], ids=["opensearch", "elasticsearch"])
    def root(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        root: dict[str, Any] = request.param
        return root

    @pytest.fixture
    def cluster(self, authority: trustme.CA, root: dict[str, Any]) -> Iterator[FakeCluster]:
        with FakeCluster(root, tls=server_context(authority.issue_cert("127.0.0.1"))) as fake:
            fake.on("PUT", "/_ingest/pipeline/p")
            yield fake

    def test_the_right_ca(self, cluster: FakeCluster, pem: str) -> None:
        with connect(Connection(cluster.url, ca_certs=pem)) as engine:
            engine.put_pipeline("p", {})
        assert len(cluster.requests) == 2

    def test_the_wrong_ca(self, cluster: FakeCluster, tmp_path: Path) -> None:
        trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
        error = refusal(Connection(cluster.url, ca_certs=str(tmp_path / "other.pem")))
        assert f"The certificate of {cluster.url} is not trusted (" in str(error)
        assert "--ca-certs" in str(error)
        assert not isinstance(error, UnreachableError)  # trying again is no use
        assert cluster.requests == []

    def test_no_ca(self, cluster: FakeCluster) -> None:
        assert "is not trusted" in str(refusal(Connection(cluster.url)))

    def test_the_wrong_host_name(self, authority: trustme.CA, pem: str) -> None:
        with FakeCluster(tls=server_context(authority.issue_cert("es.example.org"))) as cluster:
            error = refusal(Connection(cluster.url, ca_certs=pem))
        assert f"The certificate of {cluster.url} is for another host name" in str(error)

    def test_an_expired_certificate(self, authority: trustme.CA, pem: str) -> None:
        expired = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
        with FakeCluster(tls=server_context(expired)) as cluster:
            error = refusal(Connection(cluster.url, ca_certs=pem))
        assert f"The certificate of {cluster.url}, or one above it, is out of its time (certificate has expired): renew" in str(
            error
        )

    def test_each_client_trusts_the_given_ca_alone(
        self, cluster: FakeCluster, pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The cluster changes to a certificate that a public CA signed, which `--ca-certs` leaves out."""
        public = trustme.CA()
        public.cert_pem.write_to_path(tmp_path / "public.pem")
        monkeypatch.setattr("elastic_transport._node._http_urllib3.DEFAULT_CA_CERTS", str(tmp_path / "public.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
        with connect(Connection(cluster.url, ca_certs=pem)) as engine:
            cluster.use_tls(server_context(public.issue_cert("127.0.0.1")))
            with pytest.raises(ClusterError, match="is not trusted"):
                engine.put_pipeline("p", {})

    def test_insecure_takes_any_certificate_and_says_nothing(self, cluster: FakeCluster) -> None:
        with connect(Connection(cluster.url, insecure=True)) as engine:
            engine.put_pipeline("p", {})
        assert len(cluster.requests) == 2

    def test_a_client_certificate(self, authority: trustme.CA, pem: str, root: dict[str, Any], tmp_path: Path) -> None:
        context = server_context(authority.issue_cert("127.0.0.1"))
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        authority.issue_cert("me").private_key_and_cert_chain_pem.write_to_path(tmp_path / "me.pem")
        with FakeCluster(root, tls=context) as cluster:
            cluster.on("PUT", "/_ingest/pipeline/p")
            with connect(Connection(cluster.url, ca_certs=pem, client_cert=str(tmp_path / "me.pem"))) as engine:
                engine.put_pipeline("p", {})
            error = refusal(Connection(cluster.url, ca_certs=pem))
        assert "client certificate needs --client-cert" in str(error)

    def test_tls_to_a_cluster_without(self) -> None:
        with FakeCluster() as cluster:
            error = refusal(Connection(cluster.url.replace("http:", "https:")))
        assert "a cluster without TLS needs http:// in --url" in str(error)

    def test_no_tls_to_a_cluster_with(self, cluster: FakeCluster) -> None:
        assert "needs https:// in --url" in str(refusal(Connection(cluster.url.replace("https:", "http:"))))

    @pytest.mark.parametrize("name", ["missing.pem", "folder", "other.txt"])
    def test_ca_certificates_that_cannot_be_read(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "other.txt").write_text("no certificate")
        path = tmp_path / name
        with pytest.raises(InputError, match=f"The CA certificates {path} cannot be read"):
            connect(Connection("https://127.0.0.1:1", ca_certs=str(path)))

    def test_a_client_key_under_a_password(self, authority: trustme.CA, tmp_path: Path) -> None:
        certificate = authority.issue_cert("me")
        whole = tmp_path / "me.pem"
        certificate.private_key_and_cert_chain_pem.write_to_path(whole)
        key = tmp_path / "key.pem"
        private = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
        key.write_bytes(private.private_bytes(*form))
        with pytest.raises(InputError, match=r"client certificate .* cannot be used: its key is protected"):
            connect(Connection("https://127.0.0.1:1", client_cert=str(whole), client_key=str(key)))


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
