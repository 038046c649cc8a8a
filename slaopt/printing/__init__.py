"""What the command line prints for people: short, aligned lines made from results."""

from slaopt.printing.assessments import analysis_lines, forecast_lines, recommendation_lines
from slaopt.printing.measurements import check_lines
from slaopt.printing.people import enrollment_lines, user_lines
from slaopt.printing.reports import report_lines
from slaopt.printing.stores import schema_line, service_lines
from slaopt.printing.text import visible
from slaopt.printing.watching import watched_lines

__all__ = [
    "analysis_lines",
    "check_lines",
    "enrollment_lines",
    "forecast_lines",
    "recommendation_lines",
    "report_lines",
    "schema_line",
    "service_lines",
    "user_lines",
    "visible",
    "watched_lines",
]
