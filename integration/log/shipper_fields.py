"""In which fields each shipper keeps the line, the host and the time, and what else it sends: the tables behind `shippers`.

They are written into the pipeline, which reads documents by the same steps.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Field(NamedTuple):
    """A field by its dotted name, and who sends it.

    It counts only where the field `beside`, or one that begins so, is too, and the field `without` is not, unless its text begins
    as a line of Ollama's does.
    """

    name: str
    shippers: str
    beside: str = ""
    without: str = ""


LINES: Final = (
    Field(
        "message", "Filebeat, Elastic Agent, Logstash, Vector, rsyslog, Data Prepper, Graylog, OpenTelemetry ecs, Fluent Bit cri"
    ),
    Field("log", "Fluent Bit tail, Fluentd, Docker json-file, Data Prepper http"),
    Field("MESSAGE", "journald, Fluent Bit systemd, syslog-ng"),
    Field("body.text", "OpenTelemetry otel"),
    Field("body_text", "OpenTelemetry otel before 0.116"),
    Field("body.stringValue", "OpenTelemetry otlp_json"),
    Field("body.string_value", "OpenTelemetry's protobuf in JSON"),
    Field("body", "OpenTelemetry ss4o, Data Prepper otel_logs"),
    Field("Body", "OpenTelemetry none"),
    Field("@message", "CloudWatch subscription"),
    Field("_raw", "Cribl, Splunk forwarders"),
    Field("event.original", "Logstash ECS v8, Elastic Agent with the original kept"),
    Field("full_message", "GELF"),
    Field("short_message", "GELF"),
    Field("MSG", "syslog-ng"),
    Field("msg", "rsyslog with a template of property names, mmjsonparse", without="level"),
    Field("event", "Splunk HEC"),
    Field("log.original", "ECS before 1.5"),
    Field("attributes.log.record.original", "OpenTelemetry with the original kept"),
    Field("Attributes.log.record.original", "OpenTelemetry none with the original kept"),
    Field("log.record.original", "OpenTelemetry ecs with the original kept"),
    Field("line", "Promtail, Loki, stern"),
    Field("entry", "Grafana Alloy"),
    Field("raw_message", "rsyslog, NXLog"),
    Field("rawmsg", "rsyslog"),
    Field("rawmsg-after-pri", "rsyslog"),
    Field("RAWMSG", "syslog-ng"),
    Field("raw_event", "NXLog"),
    Field("Message", "NXLog"),
    Field("textPayload", "Google Cloud Logging"),
    Field("LogMessage", "Azure Container Insights"),
    Field("LogEntry", "Azure Container Insights before v2"),
    Field("Log_s", "Azure Container Apps"),
    Field("Log", "Azure Container Apps"),
    Field("SyslogMessage", "Azure Monitor, Syslog"),
    Field("RawData", "Azure Monitor, text logs"),
    Field("tail.message", "Telegraf"),
    Field("docker_log.message", "Telegraf"),
    Field("syslog.message", "Telegraf"),
    Field("logEvents.message", "CloudWatch subscription, Firehose"),
    Field("full_log", "Wazuh"),
    Field("ResultDescription", "Azure App Service"),
    Field("@rawstring", "LogScale"),
    Field("_line", "Mezmo"),
)
HOSTS: Final = (
    Field("host.name", "ECS: Filebeat, Elastic Agent, Logstash, OpenTelemetry ecs"),
    Field("host", "Logstash before ECS, Vector, GELF, rsyslog, Cribl"),
    Field("host.hostname", "ECS"),
    Field("host.fqdn", "Elastic Agent, OpenTelemetry"),
    Field("hostname", "Fluent Bit, Fluentd record_transformer, Data Prepper"),
    Field("_HOSTNAME", "journald, Fluent Bit systemd"),
    Field("_hostname", "Fluentd and Fluent Bit systemd in lower case"),
    Field("HOST", "syslog-ng"),
    Field("fromhost", "rsyslog"),
    Field("agent.hostname", "Filebeat before 8"),
    Field("beat.hostname", "Filebeat 6"),
    Field("resource.attributes.host.name", "OpenTelemetry otel, ss4o"),
    Field("resource.attributes.host@name", "Data Prepper otel_logs"),
    Field("resource.host.name", "OpenTelemetry ss4o"),
    Field("resources.host.name", "Vector opentelemetry"),
    Field("Resource.attributes.host.name", "OpenTelemetry none, raw"),
    Field("Resource.host.name", "OpenTelemetry none"),
    Field("attributes.host.name", "OpenTelemetry ss4o"),
    Field("attributes.hostname", "OpenTelemetry syslog receiver"),
    Field("kubernetes.node.name", "Filebeat autodiscover, Elastic Agent"),
    Field("kubernetes.node.hostname", "Filebeat autodiscover, Elastic Agent"),
    Field("kubernetes.host", "Fluent Bit and Fluentd Kubernetes filters"),
    Field("kubernetes.pod_node_name", "Vector kubernetes_logs"),
    Field("kubernetes.node_name", "Fluentd"),
    Field("kubernetes.node", "Cribl, Logstash and Fluentd filters"),
    Field("resource.attributes.k8s.node.name", "OpenTelemetry k8sattributes"),
    Field("resource.attributes.k8s@node@name", "Data Prepper otel_logs"),
    Field("resource.k8s.node.name", "OpenTelemetry ss4o"),
    Field("resources.k8s.node.name", "Vector opentelemetry"),
    Field("Resource.attributes.k8s.node.name", "OpenTelemetry none, raw"),
    Field("Resource.k8s.node.name", "OpenTelemetry none"),
    Field("attributes.k8s.node.name", "OpenTelemetry"),
    Field("k8s.node.name", "OpenTelemetry flatten_attributes, bodymap"),
    Field("Attributes.host.name", "OpenTelemetry's OpenSearch exporter in mode ecs"),
    Field("Attributes.k8s.node.name", "OpenTelemetry's OpenSearch exporter in mode ecs"),
    Field("Attributes.hostname", "OpenTelemetry none, syslog receiver"),
    Field("log.attributes.hostname", "Data Prepper otel_logs, syslog receiver"),
    Field("log.attributes.host@name", "Data Prepper otel_logs"),
    Field("resource.attributes.host_name", "OpenTelemetry by Fluent Bit with Replace_Dots"),
    Field("log.syslog.hostname", "Logstash syslog ECS v8, Filebeat syslog"),
    Field("logsource", "Logstash syslog before ECS"),
    Field("syslog_hostname", "Logstash by the grok of its documentation"),
    Field("syslog.hostname", "Cribl, Telegraf"),
    Field("sysloghost", "rsyslog"),
    Field("HOSTNAME", "rsyslog, NXLog"),
    Field("Hostname", "NXLog"),
    Field("source", "Graylog", beside="gl2_"),
    Field("Computer", "Azure Container Insights"),
    Field("computer", "OpenTelemetry windowseventlog receiver"),
    Field("winlog.computer_name", "Winlogbeat, Elastic Agent on Windows"),
    Field("resource.labels.node_name", "Google Cloud Logging"),
    Field("labels.compute.googleapis.com/resource_name", "Google Cloud Logging"),
    Field("jsonPayload.instance.name", "Docker's gcplogs driver"),
    Field("kubernetes_node_name", "Fluentd flatten_hashes, Promtail"),
    Field("kubernetes_host", "Fluent Bit with the nest filter, Fluentd flatten_hashes"),
    Field("k8s_host", "Fluent Bit with the nest filter"),
    Field("host_name", "Logstash and Fluentd de_dot"),
    Field("node_name", "Fluent Bit record_modifier"),
    Field("nodename", "Fluent Bit record_modifier"),
    Field("nodeName", "stern"),
    Field("NODE_NAME", "Fluent Bit record_modifier, by the name of the variable"),
    Field("labels.host", "Promtail, Loki"),
    Field("labels.hostname", "Promtail, Loki"),
    Field("labels.node_name", "Promtail, Loki"),
    Field("labels.node", "Promtail, Loki"),
    Field("fields.host", "Filebeat fields, Grafana"),
    Field("fields.hostname", "Filebeat fields, Grafana"),
    Field("tag.host", "Telegraf"),
    Field("tag.hostname", "Telegraf"),
    Field("FULLHOST", "syslog-ng"),
    Field("HOST_FROM", "syslog-ng"),
    Field("resource.labels.instance_id", "Google Cloud Logging"),
    Field("ec2_instance_id", "FireLens, Fluent Bit aws filter"),
    Field("agent.name", "Filebeat, Elastic Agent without add_host_metadata", beside="agent.ephemeral_id"),
    Field("predecoder.hostname", "Wazuh"),
    Field("agent.name", "the same with fewer fields, Wazuh", beside="agent.id"),
    Field("beat.name", "Filebeat 6"),
    Field("cloud.instance.name", "Filebeat add_cloud_metadata"),
    Field("node.name", "Elasticsearch's own names"),
    Field("kube_node", "Cribl Edge"),
    Field("HostName", "Azure Monitor, Syslog"),
    Field("hostName", "loggers of JSON"),
    Field("@host", "LogScale"),
    Field("_host", "Mezmo"),
    Field("_sourceHost", "Sumo Logic"),
    Field("k8s_node_name", "Logstash and Fluentd de_dot"),
    Field("K8S_NODE_NAME", "Fluent Bit record_modifier, by the name of the variable"),
    Field("labels.nodename", "Promtail, Loki"),
    Field("fields.node", "Filebeat fields"),
    Field("fields.node_name", "Filebeat fields"),
    Field("attributes.host", "OpenTelemetry, Datadog"),
    Field("resource.attributes.hostname", "OpenTelemetry"),
)
ADDRESSES: Final = (
    Field("fromhost-ip", "rsyslog"),
    Field("source_host", "Logstash GELF before ECS"),
    Field("host.ip", "Logstash syslog and GELF ECS v8"),
    Field("SOURCEIP", "syslog-ng"),
    Field("gl2_remote_ip", "Graylog"),
)
"""Where the address of a machine is that nothing names, not even the line."""
TIMES: Final = (
    Field("__REALTIME_TIMESTAMP", "journald"),
    Field("_SOURCE_REALTIME_TIMESTAMP", "journald"),
    Field("time", "Docker json-file, CRI", beside="stream"),
    Field("@timestamp", "ECS"),
    Field("timestamp", "Graylog, GELF, Vector"),
    Field("time", "Splunk HEC, OpenTelemetry, Data Prepper otel_logs"),
    Field("date", "Fluent Bit http and Data Prepper"),
    Field("timereported", "rsyslog"),
    Field("timegenerated", "rsyslog"),
    Field("ISODATE", "syslog-ng"),
    Field("S_ISODATE", "syslog-ng"),
    Field("R_ISODATE", "syslog-ng"),
    Field("UNIXTIME", "syslog-ng"),
    Field("S_UNIXTIME", "syslog-ng"),
    Field("R_UNIXTIME", "syslog-ng"),
    Field("_time", "Cribl, Splunk forwarders"),
    Field("Timestamp", "OpenTelemetry none"),
    Field("timeUnixNano", "OpenTelemetry otlp_json"),
    Field("ts", "Fluent Bit, loggers of JSON"),
    Field("datetime", "Fluentd"),
    Field("logEvents.timestamp", "CloudWatch subscription, Firehose"),
    Field("ingestionTime", "CloudWatch"),
    Field("receiveTimestamp", "Google Cloud Logging"),
    Field("observedTimestamp", "OpenTelemetry ss4o"),
    Field("ObservedTimestamp", "OpenTelemetry none"),
    Field("observedTime", "Data Prepper otel_logs"),
    Field("observed_timestamp", "OpenTelemetry otel"),
    Field("observedTimeUnixNano", "OpenTelemetry otlp_json"),
    Field("source_realtime_timestamp", "Fluent Bit systemd in lower case"),
    Field("realtime_timestamp", "Fluent Bit systemd in lower case"),
    Field("SOURCE_REALTIME_TIMESTAMP", "Fluentd systemd without underscores"),
    Field("time_t", "Azure Container Apps"),
    Field("generated_at", "Papertrail"),
    Field("received_at", "Papertrail"),
    Field("eventTime", "loggers of JSON"),
    Field("EventTime", "NXLog"),
    Field("EventReceivedTime", "NXLog"),
    Field("TimeCreated", "Fluent Bit winevtlog"),
    Field("TimeStamp", "Azure Container Apps"),
    Field("TimeGenerated", "Azure Container Insights"),
    Field("event.created", "ECS"),
    Field("event.ingested", "ECS"),
)
RECORDS: Final = (
    *("message", "log", "body", "body.structured", "body.flattened", "body_structured", "Body", "event", "json", "jsonPayload"),
    *(
        "json_payload",
        "log_processed",
        "structured",
        "parsed",
        "parsed_message",
        "result",
        "properties",
        "attributes",
        "Attributes",
    ),
    *("log.attributes", "_json", "_kv", "_source", "record", "value", "payload", "doc", "data"),
)
"""The objects in which shippers leave a record that they took apart, or a whole document of another shipper."""
FROM_LINE: Final = (
    *("error.message", "event.duration", "http.request.method", "http.response.status_code", "source.ip", "url.path", "url.query"),
)
"""Fields that an event has from its line alone: a shipper's own would be taken for them."""
ATTRIBUTES: Final = ("time", "level", "source", "msg", "error", "err")
"""Those of a slog record that go first where a shipper's own parser took the line apart and did not keep it."""
LEVELS: Final = (
    *("level", "log.level", "severity_text", "severity.text", "severityText", "SeverityText", "loglevel", "log_level", "lvl"),
    "severity",
)
"""Where its level is, if that parser left its message alone in the place of the line."""
ANY_SEVERITY: Final = "severity"
"""That of a stream for Google Cloud Logging, and so of every line of Ollama's: alone it tells nothing of a record."""
METADATA: Final = (
    *("stream", "logtag", "tag", "fluentbit_tag", "container_id", "container_name", "container_image", "filename", "file"),
    *("source_type", "type", "input", "facility", "severity", "priority", "offset", "cluster", "namespace", "pod_name", "job"),
    *("app", "environment", "env", "region", "tags", "streams", "partial_message", "syslogtag", "procid", "node"),
    *("PROGRAM", "PID", "FACILITY", "PRIORITY", "TAGS", "SOURCE", "SYSLOG_IDENTIFIER", "programname", "ident", "pri"),
    *("severity_text", "severity_number", "severityText", "severityNumber", "SeverityText", "SeverityNumber", "log.level"),
    *("flags", "trace_flags", "traceId", "trace_id", "TraceId", "TraceFlags", "spanId", "span_id", "SpanId"),
    *("dropped_attributes_count", "droppedAttributesCount", "loglevel", "log_level", "lvl", "original", "raw"),
    *("file_path", "filepath", "log_path", "tailed_path", "log_group", "log_stream", "sourcetype", "account_id", "appname"),
    *("host_ip", "namespace_name", "cluster_name", "ddtags", "ddsource", "fluentd_tag", "boot_id", "machine_id", "cap_effective"),
    *("selinux_context", "DATE", "MSGID", "MSGHDR", "LEGACY_MSGHDR", "TRANSPORT"),
)
"""What shippers put beside such attributes."""
NAMESPACES: Final = (
    *("agent.", "cloud.", "container.", "data_stream.", "deployment.", "ecs.", "event.", "file.", "host.", "k8s.", "kubernetes."),
    *("log.", "os.", "process.", "service.", "syslog.", "telemetry.", "cribl_", "gl2_", "k8s_", "kubernetes_"),
    *("container_", "ec2_", "ecs_", "image_", "source_", "syslog_", "systemd_", "SYSLOG_"),
)
"""How the names of more of it begin: what a path says is no word of the record."""
NEVER_A_LINE: Final = ("@timestamp", "agent", "host", "tags")
"""Where a line is not looked for, though no field of the tables holds one."""
MAPPED: Final[dict[str, Any]] = {
    "@timestamp": "",
    "tags": "",
    "message": "",
    "error": {"message": ""},
    "event": {"original": "", "dataset": "", "duration": ""},
    "host": {"name": ""},
    "http": {"request": {"method": ""}, "response": {"status_code": ""}},
    "log": {"level": "", "offset": "", "file": {"path": ""}, "origin": {"file": {"name": "", "line": ""}}},
    "ollama": {"source": "", "msg": "", "err": "", "level": "", "line": "", "error_line": "", "parse_error": ""},
    "source": {"ip": ""},
    "url": {"path": "", "query": ""},
}
"""The fields of our mapping, in their objects: whatever of a document does not fit into it would be refused with its line."""
RESERVED: Final = (
    *("_data_stream_timestamp", "_doc_count", "_feature", "_field_names", "_ignored", "_ignored_source", "_inference_fields"),
    *("_nested_path", "_primary_term", "_seq_no", "_size", "_source", "_tier", "_tsid", "_type"),
)
"""Names that engines keep for themselves."""
