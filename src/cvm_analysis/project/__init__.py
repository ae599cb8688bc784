"""A company's own folder: started by `cvm new`, and kept its own when the package is upgraded."""
