"""Strips of tabs that are too narrow for all of them."""

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["manage", "manage-plan", "manage-people", "manage-settings", "exports", "project"]
OUT_OF_VIEW = """[...document.querySelectorAll('.tabs [aria-current]')].filter((tab) => {
  const [inner, outer] = [tab.getBoundingClientRect(), tab.closest('.tabs').getBoundingClientRect()];
  return inner.left < outer.left - 1 || inner.right > outer.right + 1;
}).map((tab) => tab.textContent)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_tab_of_the_page_is_in_view_whatever_the_project_is_called(new_page, manager, project, width):
    project.name = "Answers that people would have liked to get, in the second year"
    project.save()
    page = new_page(manager, viewport={"width": width, "height": 800})
    for name in PAGES:
        page.goto(reverse(name, args=[project.public_id]))

        assert page.evaluate(OUT_OF_VIEW) == [], name
        assert page.evaluate("window.scrollY") == 0, name


def test_without_scripts_a_long_name_leaves_room_for_the_other_tabs_on_a_desktop(new_page, manager, project):
    project.name = "Answers that people would have liked to get, in the second year"
    project.save()
    page = new_page(manager, java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page.goto(reverse("manage", args=[project.public_id]))

    tab, strip = (
        page.locator(place).bounding_box() for place in (".topbar .tabs >> text=Manage", ".topbar .tabs")
    )
    assert tab["x"] + tab["width"] <= strip["x"] + strip["width"] + 1
