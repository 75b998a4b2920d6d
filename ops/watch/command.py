"""`framerail watch`: the wall of streams as a table that keeps itself up to date."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import DependencyError

if TYPE_CHECKING:
    from ops.watch.viewer import ViewerClient

LOOK_EVERY_S = 1.0


def watch(
    viewer: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="FRAMERAIL_VIEWER_URL",
            help="The viewer that is asked; that of the pipeline which runs here if not given.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one look and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every stream, stage and the ledger's verdict, live.

    Streams that need attention come first; those that do not fit are counted. Frames/s are those
    that a model has seen, `behind` is how late their results are. Ctrl-C ends it, with exit code 0.
    Where the answer is no terminal one look is printed. --json prints a document a second, one
    with --once. A viewer that is away is asked again, but for one look: that ends with exit code 3.

    Examples:
        framerail watch
        framerail watch --once
        framerail watch --viewer http://127.0.0.1:8090 --json
    """
    from local.stopping import caught_signals
    from ops.watch.viewer import ViewerClient, viewer_address

    viewer_address(viewer)  # a wrong one, or none at all, ends it before anything is shown
    stop = threading.Event()
    with ViewerClient() as client, caught_signals(stop):
        if once or not (as_json or answers.is_interactive):
            _look(client, viewer, as_json)
        elif as_json:
            _follow(client, viewer, stop)
        else:
            _watch(client, viewer, stop)


def _look(client: "ViewerClient", given: str | None, as_json: bool) -> None:
    from ops.watch.drawing import WallView
    from ops.watch.viewer import viewer_address

    url = viewer_address(given)
    wall = client.wall(url)
    if as_json:
        print_document(wall)
    else:
        answers.print(WallView(wall, url))


def _follow(client: "ViewerClient", given: str | None, stop: threading.Event) -> None:
    from ops.watch.viewer import viewer_address

    said = ""
    while not stop.is_set():
        try:
            print_document(client.wall(viewer_address(given)))
            said = ""
        except DependencyError as error:
            if str(error) != said:  # once, until it is another one
                said = str(error)
                messages.print(f"{said}; it is asked again", markup=False, soft_wrap=True)
        stop.wait(LOOK_EVERY_S)


def _watch(client: "ViewerClient", given: str | None, stop: threading.Event) -> None:
    from rich.live import Live

    from ops.watch.drawing import WallView
    from ops.watch.viewer import viewer_address

    view = WallView(None, "", "looking for the viewer", is_live=True)
    with Live(view, console=answers, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            try:
                url = viewer_address(given)
                view = WallView(client.wall(url), url, is_live=True)
            except DependencyError as error:
                said = f"{error}; it is asked again"
                view = WallView(view.wall, view.url, said, is_live=True)
            live.update(view, refresh=True)
            stop.wait(LOOK_EVERY_S)
