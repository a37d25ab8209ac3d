"""One page to look at a result: it opens from disk, holds its own pictures, and plays the overlay beside it."""

from trackmask.report.write import Report, kept_up_to_date, write_report

__all__ = ["Report", "kept_up_to_date", "write_report"]
