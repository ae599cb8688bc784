"""The same notebooks for every region, unattended: executed, checked, published, or left alone."""
