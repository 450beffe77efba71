"""The two search engines behind one small interface; `connect` tells which one a cluster runs."""
