"""How customers differ in what they did: RFM scores, named segments, classes."""
