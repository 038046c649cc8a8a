"""Changes on approval: the only code that changes a threshold."""
