"""The page's server: on this machine alone, and for this page alone."""

import socket
from contextlib import closing
from pathlib import Path

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tinysegnet.look.views import LARGEST_FILE, NotThereError, TooLargeError
from tinysegnet.support.errors import InputError

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
FILES = {path.name.replace("source_live", "source"): path for path in PAGE.iterdir() if path.name != "source_static.js"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:;"
                               " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def application(views, port):
    """The ASGI application that serves the page of Views to this machine, which knows it by that port."""

    def images(request):
        return JSONResponse(views.images())

    def seen(request):
        return JSONResponse(views.about(request.path_params["image"], way_of(request)))

    def arrays(request):
        image, name = request.path_params["image"], request.path_params["name"]
        return array_response(views.array(image, way_of(request), name))

    def gradients(request):
        try:
            pixel = [int(request.query_params[name]) for name in ("row", "column", "label")]
        except (KeyError, ValueError) as error:
            raise NotThereError(request.url.query) from error
        gradient, field = views.gradient(request.path_params["image"], way_of(request), *pixel)
        return array_response(gradient, {"X-Field": ",".join(map(str, field))})

    async def photographs(request):
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > LARGEST_FILE:
                break                               # `add` says so
        return JSONResponse({"name": await run_in_threadpool(views.add, bytes(content))})

    def file(request):
        name = request.path_params.get("name", "index.html")
        if name not in FILES:
            raise NotThereError(name)
        return FileResponse(FILES[name])

    routes = [
        Route("/images", images), Route("/seen/{image}", seen), Route("/arrays/{image}/{name}", arrays),
        Route("/gradients/{image}", gradients), Route("/photographs", photographs, methods=["POST"]),
        Route("/", file), Route("/{name}", file),
    ]
    app = Starlette(routes=routes, exception_handlers={
        TooLargeError: said(413), InputError: said(400), ClientDisconnect: said(400), NotThereError: not_there,
    })
    return OfThisPage(app, {f"{host}:{port}" for host in (HOST, "localhost")})


def way_of(request):
    return request.query_params.get("way", "corners")


def array_response(array, headers=None):
    if array.dtype == np.float64:                       # as some checkpoints have it; the page takes the half
        array = array.astype(np.float32)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    headers = {"X-Array": f"{array.dtype.name} {','.join(map(str, array.shape))}"} | (headers or {})
    return Response(array.tobytes(), media_type="application/octet-stream", headers=headers)


def said(status):
    """A handler that answers with the sentence of an error."""
    return lambda request, error: PlainTextResponse(str(error), status)


def not_there(request, error):
    return PlainTextResponse("There is nothing of that name: load the page again.", 404)


class OfThisPage:
    """Lets through what this page asks for, and adds HEADERS. Another site could make a browser ask too; but browsers
    say by which name they know the server, and from which page the question comes."""

    def __init__(self, app, hosts):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        ours = given.get("host") in self.hosts
        ours &= given.get("origin", f"http://{given.get('host')}") == f"http://{given.get('host')}"
        from_page = given.get("sec-fetch-site", "none") in ("same-origin", "none")
        ours &= from_page or scope["path"] == "/"           # to which any page may have a link

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        app = self.app if ours else PlainTextResponse("This page is for this machine alone.", 403)
        await app(scope, receive, send_with_headers)


def serve(views, port, ready):
    """Serve until Ctrl-C. ready() is called once the port is ours. Raises InputError if another has it."""
    with closing(socket.socket()) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            raise InputError(f"port {port} is taken ({error.strerror}): name another by --port") from error
        port = listening.getsockname()[1]
        ready(port)
        config = uvicorn.Config(
            application(views, port), log_level="warning", lifespan="off",
            timeout_graceful_shutdown=1,                # an upload that stands still would keep it for ever
        )
        uvicorn.Server(config).run(sockets=[listening])
