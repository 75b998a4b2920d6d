import pytest

from runtime.errors import ConfigurationError
from runtime.settings import load_settings
from viewer.settings import MetricsTarget, ViewerSettings


def settings(**given: object) -> ViewerSettings:
    return load_settings(ViewerSettings, s3_bucket="evidence", **given)


def test_a_viewer_that_is_told_nothing_asks_nobody_for_metrics() -> None:
    assert settings().targets == ()
    assert settings().viewer_port == 8090


def test_each_service_is_asked_where_its_entry_says() -> None:
    urls = (
        "producer=http://127.0.0.1:9101/metrics, producer=http://127.0.0.1:9102,"
        "consumer=http://[::1]:9103/other"
    )
    assert settings(metrics_urls=urls).targets == (
        MetricsTarget("producer", "127.0.0.1", 9101, "/metrics"),
        MetricsTarget("producer", "127.0.0.1", 9102, "/metrics"),
        MetricsTarget("consumer", "::1", 9103, "/other"),
    )


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("http://127.0.0.1:9101/metrics", "entry 1 .*expected name=http"),
        ("a=http://h:1/metrics,,b=http://h:2", "entry 2 is ''"),
        ("a=http://h:1,b=https://h:2", "entry 2 .*expected b=http://host:port/metrics"),
        ("a=http://h", "entry 1"),
        ("a=http://h:99999", "entry 1 .*[Pp]ort"),
        ("a=http://[::1:80", "entry 1"),
        ("a=http://h:1/m?x=1", "entry 1 .*nothing may follow the path"),
        ("A b=http://h:1", "entry 1"),
        ("a=ftp://h:1", "entry 1"),
    ],
)
def test_a_wrong_entry_of_the_metrics_urls_is_named(urls: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"METRICS_URLS: .*{said}"):
        settings(metrics_urls=urls)


@pytest.mark.parametrize(
    "url", ["a=http://me:s3cret@h:1/metrics", "a=me:s3cret@h:1", "me:s3cret@h"]
)
def test_a_password_in_a_wrong_entry_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="entry 1") as refused:
        settings(metrics_urls=url)
    assert "s3cret" not in str(refused.value)


def test_hosts_are_listed_without_their_ports() -> None:
    allowed = settings(viewer_allowed_hosts="page.example.org, *.example.net,[::1]").allowed_hosts
    assert allowed == ("page.example.org", "*.example.net", "[::1]")
    for wrong in ("page:8090", "http://page", "a.*.b", "a,,b"):
        with pytest.raises(ConfigurationError, match=r"VIEWER_ALLOWED_HOSTS: .*entry"):
            settings(viewer_allowed_hosts=wrong)
