"""Descriptions of hardware: cores, chips and their limits, each number with its source."""
