"""From an executed notebook to one HTML file: blocks, the page, and the portal that links pages."""
