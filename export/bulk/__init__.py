"""Scores many photographs into Parquet files, on one machine or a Ray cluster."""
