"""Reading what was counted, for people; off the hot path, on connections of its own.

totals               totals by cell: `breakeven usage` and the dashboard
totals_by_dimension  totals by one dimension, for pages
by_record            totals by what only records know: tags, endpoints
account              what some days came to, with the rent and its shares
month_groups         the same by key, team or model over a year, months that are over remembered
limits               how limits stand
record_reader        request records: in order, newest first, or as they come
export               records as JSON lines, CSV or Parquet
focus                records and rent in the columns of FOCUS
verify               the totals against the records
provider_export      a provider's CSV export, read
reconcile            the totals against it
"""
