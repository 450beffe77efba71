"""The bodies that clusters are sent as they were when somebody last looked at them; `make golden` writes them anew."""
