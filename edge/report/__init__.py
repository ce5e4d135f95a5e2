"""What happened at the sites, as one page for a person."""

from edge.report.facts import Picture, Report, ReportAlert, ReportLook, SitePicture, SiteReport
from edge.report.page import html

__all__ = ["Picture", "Report", "ReportAlert", "ReportLook", "SitePicture", "SiteReport", "html"]
