"""Rules as watches of Elasticsearch."""
