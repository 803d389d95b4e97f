"""What the page of a report shows, as tables and sentences; the templates lay it out."""
