"""Rules as rules of Kibana."""
