"""The Jupyter Server extension: pages and REST. Handlers parse, call and answer; nothing is computed here."""
