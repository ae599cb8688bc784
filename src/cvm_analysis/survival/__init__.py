"""Models of the time to an event: what moves the pace at which it comes."""
