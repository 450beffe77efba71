"""Findings as one page of HTML that needs nothing beside it: `--format html`."""
