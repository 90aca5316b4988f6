"""What a model has learned, in the table's own columns and units: reports and pictures."""

__all__: list[str] = []
