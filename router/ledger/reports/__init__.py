"""Reading what was counted, for people; off the hot path, on connections of its own.

totals               totals by cell: `breakeven usage` and the dashboard
totals_by_dimension  totals by one dimension, for pages
limits               how limits stand
record_reader        request records: in order, newest first, or as they come
export               records as JSON lines, CSV or Parquet
verify               the totals against the records
provider_export      a provider's CSV export, read
reconcile            the totals against it
"""
