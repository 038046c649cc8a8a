"""Find SLA thresholds that fit how services really perform, and say how sure that is."""

__version__ = "0.1.0"
