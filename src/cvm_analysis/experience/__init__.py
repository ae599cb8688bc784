"""What customers say, and whom they bring: one row per answer, text or customer in, tables out."""
