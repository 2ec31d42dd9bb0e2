"""Experts: who can be asked. Import the parts by their modules; this package loads nothing by itself."""
