"""Splunk's Ollama detection for Elasticsearch and OpenSearch, and the proof that it means the same there."""

__version__ = "0.1.0"
