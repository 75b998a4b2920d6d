"""What the viewer counts of itself."""

from prometheus_client import Counter, Gauge

SCRAPES = Counter("framerail_viewer_scrapes_total", "Readings of a process's metrics.", ["service"])
SCRAPE_FAILURES = Counter(
    "framerail_viewer_scrape_failures_total",
    "Readings of a process's metrics that failed, or for which its host name led nowhere.",
    ["service"],
)
RESULTS_READ = Counter("framerail_viewer_results_read_total", "Records of results read.")
RESULTS_INVALID = Counter(
    "framerail_viewer_results_invalid_total", "Records of results that break their contract."
)
FOLLOWERS = Gauge("framerail_viewer_followers", "Browsers and terminals that follow the page now.")
FOLLOWERS_REFUSED = Counter(
    "framerail_viewer_followers_refused_total", "Those turned away because there was no room."
)
PICTURES_SERVED = Counter(
    "framerail_viewer_pictures_served_total",
    "Pictures served, by where they came from.",
    ["source"],
)
