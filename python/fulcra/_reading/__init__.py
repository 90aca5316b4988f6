"""A fitted clustering and a table as reports, monitors and pictures need them: in the table's own columns."""
