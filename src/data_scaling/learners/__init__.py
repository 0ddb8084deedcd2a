"""Learners: ways of turning a coalition into marginal contributions."""
