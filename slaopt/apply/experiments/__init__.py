"""Experiments in the store: asked for, approved, started, looked at, ended."""
