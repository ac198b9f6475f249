"""`python -m service`: the HTTP API at FEWPAIRS_HOST and FEWPAIRS_PORT."""


def main() -> None:
    # The decoding processes import this module too, and need none of this.
    import sys
    from contextlib import suppress

    import uvicorn

    from service.app import create_app
    from service.observe import log_as_json
    from store.settings import Settings

    log_as_json()
    settings = Settings()
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
    )
    app.state.stopping = lambda: server.should_exit
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
