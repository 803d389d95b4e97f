"""Figures of a report: each a function of a record that gives one ``svg`` element."""
