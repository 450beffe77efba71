"""The places that run rules by themselves, one folder each."""
