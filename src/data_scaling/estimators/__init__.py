"""Estimators: from contributions to scaling laws."""
