"""Frontends: models of other tools into NIR, with what NIR cannot say as metadata."""
