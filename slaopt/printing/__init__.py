"""What the command line prints for people: short, aligned lines made from results."""

from slaopt.printing.approvals import filed_lines, preview_lines, proposal_lines
from slaopt.printing.assessments import analysis_lines, forecast_lines, recommendation_lines
from slaopt.printing.changes import audit_lines, history_lines, purged_lines, verification_lines
from slaopt.printing.designs import design_lines
from slaopt.printing.evaluations import evaluation_lines
from slaopt.printing.experiments import experiment_lines, experiment_list_lines, experiment_pass_lines
from slaopt.printing.measurements import check_lines
from slaopt.printing.people import enrollment_lines, user_lines
from slaopt.printing.reports import experiment_report_lines, report_lines
from slaopt.printing.stores import decided_line, schema_line, service_lines
from slaopt.printing.text import visible
from slaopt.printing.watching import watched_lines

__all__ = [
    "analysis_lines",
    "audit_lines",
    "check_lines",
    "decided_line",
    "design_lines",
    "enrollment_lines",
    "evaluation_lines",
    "experiment_lines",
    "experiment_list_lines",
    "experiment_pass_lines",
    "experiment_report_lines",
    "filed_lines",
    "forecast_lines",
    "history_lines",
    "preview_lines",
    "proposal_lines",
    "purged_lines",
    "recommendation_lines",
    "report_lines",
    "schema_line",
    "service_lines",
    "user_lines",
    "verification_lines",
    "visible",
    "watched_lines",
]
