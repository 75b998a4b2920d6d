import re
from pathlib import Path

from docs.settings_page import README, readme_with_settings
from local.stack import CHECKOUT


def test_the_readme_names_every_setting_with_its_default() -> None:
    readme = README.read_text()
    assert readme == readme_with_settings(readme), "run: python -m docs.settings_page"


def test_every_link_of_the_docs_leads_somewhere() -> None:
    pages = [README, CHECKOUT / "CHANGELOG.md", *(CHECKOUT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_no_registry_host_and_no_path_of_one_machine_stands_in_a_lock_file() -> None:
    for lock in (CHECKOUT / "requirements").iterdir():
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--index" not in text, lock.name
        if lock.suffix == ".txt":
            assert "--hash=sha256:" in text, lock.name
    assert str(Path.home()) not in README.read_text()
