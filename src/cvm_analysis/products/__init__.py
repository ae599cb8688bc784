"""What goes with what, and what each customer may buy next."""
