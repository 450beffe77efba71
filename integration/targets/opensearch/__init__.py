"""Rules as monitors of OpenSearch Alerting."""
