"""The bodies of `detect export` as they were when somebody last looked at them; `make golden` writes them anew."""
