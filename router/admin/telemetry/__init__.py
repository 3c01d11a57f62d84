"""What monitoring systems are told.

prometheus       counters, gauges and histograms, to be scraped
rising_totals    what the ledger has counted, as counters
past_totals      days and hours that are over, added up there before anybody asks
gauges           its figures of backends, workers and budgets
record_metrics   what request records measure
record_follower  request records as they are written
spans            a record as spans, by OpenTelemetry's conventions
traces           sending those to a collector
"""
