"""Adapters to other programs, each importing its package on use."""
