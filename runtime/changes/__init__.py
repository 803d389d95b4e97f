"""What differs between two reports, or two artifacts: leaf by leaf, so that nothing is left out."""
