"""From the one rule to the bodies that clusters take."""
